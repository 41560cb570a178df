"""How the device of a run is prepared. What only a GPU can do is replaced by a note of what was asked for."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode

import architectures
from orchestrator.train import device
from orchestrator.train.device import CONTEXT_BYTES, memory_fraction
from orchestrator.train.inputs import Inputs
from orchestrator.train.trial import run_trial
from sweeps.spec import ModelSpec
from tests.orchestrator import small_runs

GIB = 2**30
MODELS = [
    ModelSpec(family="resnet", depth=18, width=4, image_size=32, channels=3),
    ModelSpec(family="densenet", depth=16, width=4, image_size=32, channels=3),
    ModelSpec(family="vgg", depth=11, width=4, image_size=32, channels=3),
    ModelSpec(family="vit", depth=2, width=16, image_size=32, channels=3),
]


@pytest.fixture(autouse=True)
def settings_as_before(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("CUBLAS_WORKSPACE_CONFIG", ":16:8")  # so that it is restored
    threads = torch.get_num_threads()
    yield
    device.prepare("cpu", threads, "float32")


@pytest.fixture
def caps(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The memory fractions that an 80 GiB GPU was given."""
    given: list[float] = []

    def cap(fraction: float, on: torch.device) -> None:
        assert on.type == "cuda"
        assert on.index is not None, "PyTorch refuses a CUDA device without a number here"
        given.append(fraction)

    monkeypatch.setattr(torch.cuda, "get_device_properties", lambda _: SimpleNamespace(total_memory=80 * GIB))
    monkeypatch.setattr(torch.cuda, "current_device", lambda: 0)
    monkeypatch.setattr(torch.cuda, "set_per_process_memory_fraction", cap)
    monkeypatch.setattr(torch.cuda, "get_per_process_memory_fraction", lambda _: given[-1], raising=False)
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda _: "NVIDIA H100")
    return given


# Settings.


@pytest.mark.parametrize(
    ("precision", "products", "convolutions"),
    [("float32", "highest", False), ("tf32", "high", True), ("bf16", "highest", False)],
)
def test_precision_holds_for_products_and_convolutions(
    precision: device.Precision, products: str, convolutions: bool
) -> None:
    torch.backends.cudnn.allow_tf32 = not convolutions
    assert device.prepare("cpu", 1, precision).torch == torch.device("cpu")
    assert torch.get_float32_matmul_precision() == products
    assert torch.backends.cudnn.allow_tf32 is convolutions


def test_threads_are_those_allotted() -> None:
    for threads in (2, 1):
        device.prepare("cpu", threads, "float32")
        assert torch.get_num_threads() == threads


def test_a_gpu_is_repeatable_and_the_cpu_is_left_as_it_is(caps: list[float], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CUBLAS_WORKSPACE_CONFIG")
    torch.backends.cudnn.benchmark = True
    device.prepare("cuda", 1, "float32", 1.0)
    assert torch.are_deterministic_algorithms_enabled()
    assert not torch.is_deterministic_algorithms_warn_only_enabled()
    assert torch.backends.cudnn.benchmark is False
    assert os.environ["CUBLAS_WORKSPACE_CONFIG"] == ":4096:8"
    device.prepare("cpu", 1, "float32")
    assert not torch.are_deterministic_algorithms_enabled()


# Memory.


def test_the_cap_follows_from_the_share(caps: list[float]) -> None:
    for share in (0.25, 1.0, 0.5):
        device.prepare("cuda", 1, "float32", share)
    assert caps == [(20 * GIB - CONTEXT_BYTES) / (80 * GIB), 1.0, (40 * GIB - CONTEXT_BYTES) / (80 * GIB)]


@pytest.mark.parametrize("runs", [2, 4, 8, 100])
@pytest.mark.parametrize("total", [2 * GIB, 16 * GIB, 141 * GIB])
def test_packed_processes_fit_beside_each_other(runs: int, total: int) -> None:
    fraction = memory_fraction(1 / runs, total)
    assert 0 < runs * fraction < 1
    if total / runs > 2 * CONTEXT_BYTES:
        assert runs * (fraction * total + CONTEXT_BYTES) == pytest.approx(total)


@pytest.mark.parametrize(("share", "total", "kept"), [(0.0, 80, 2.0), (0.25, 80, 2.0), (0.25, 8, 0.375)])
def test_what_a_worker_keeps_fits_its_share(
    monkeypatch: pytest.MonkeyPatch, share: float, total: int, kept: float
) -> None:
    monkeypatch.setattr(torch.cuda, "get_device_properties", lambda _: SimpleNamespace(total_memory=total * GIB))
    monkeypatch.setattr(
        torch.cuda, "get_per_process_memory_fraction", lambda _: memory_fraction(share, total * GIB), raising=False
    )
    assert device.kept_bytes(torch.device("cuda")) == kept * GIB
    assert device.kept_bytes(torch.device("cpu")) == 2 * GIB


# Layout.


@pytest.mark.parametrize("model", MODELS[:3], ids=lambda model: model.family)
def test_batches_of_stored_activations_keep_channels_last(model: ModelSpec) -> None:
    network = architectures.build(model, 10, 0).to(memory_format=torch.channels_last)  # pyright: ignore[reportCallIssue]
    network.eval()
    cut = len(network.units) // 2
    with torch.no_grad():
        state = network.prefix(torch.randn(8, 3, 32, 32), cut)
    inputs = Inputs(cut, tuple(torch.cat([tensor, tensor]) for tensor in state), state, 5)
    seen: list[bool] = []

    def look(_: Any, given: tuple[Any, ...]) -> None:
        seen.append(given[0].is_contiguous(memory_format=torch.channels_last))

    for layer in network.modules():
        if isinstance(layer, torch.nn.Conv2d):
            layer.register_forward_pre_hook(look)
    inputs.train_logits(network, torch.tensor([5, 1, 9]))
    assert seen and all(seen)


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.family)
def test_on_the_cpu_the_layout_stays(model: ModelSpec) -> None:
    network = architectures.build(model, 10, 0)
    before = {name: tensor.stride() for name, tensor in network.state_dict().items()}
    placed = device.placed(network, model.family, None, torch.device("cpu"))
    assert {name: tensor.stride() for name, tensor in placed.state_dict().items()} == before


# Determinism. torch's documentation of `use_deterministic_algorithms` lists what then raises on CUDA.

RAISES = (
    "adaptive_avg_pool", "adaptive_max_pool", "avg_pool3d", "fractional_max_pool", "max_unpool", "upsample",
    "reflection_pad", "nll_loss2d", "ctc_loss", "embedding_bag", "put_", "histc", "bincount", "median",
    "grid_sampler", "scatter_reduce", "resize_",
)  # fmt: skip


class Operations(TorchDispatchMode):
    def __init__(self) -> None:
        super().__init__()
        self.names: set[str] = set()

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        self.names.add(func.name().removeprefix("aten::"))
        return func(*args, **(kwargs or {}))


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.family)
def test_training_uses_no_operation_that_cannot_be_deterministic(model: ModelSpec) -> None:
    network = architectures.build(model, 10, 0)
    optimizer = torch.optim.Adam(network.parameters(), fused=True)
    with Operations() as operations:
        logits = network(torch.randn(4, 3, 32, 32))
        torch.nn.functional.cross_entropy(logits, torch.tensor([1, 2, 3, 4])).backward()
        optimizer.step()
    assert any("backward" in name for name in operations.names)
    assert [name for name in operations.names if name.startswith(RAISES) or name.startswith("_adaptive")] == []


# bf16, which a CPU knows as well.


@pytest.mark.parametrize("family", small_runs.MODELS)
def test_in_bf16_the_prefix_cache_changes_no_bit(tmp_path: Path, family: str) -> None:
    spec = small_runs.small(
        source=None,
        model=small_runs.MODELS[family],
        train={"precision": "bf16", "epochs": 2},
        transfer={"frozen": 2},
    )
    curves = []
    for cached in (True, False):
        ledger, options = small_runs.opened(tmp_path / str(cached))
        job = small_runs.run_of(spec)
        assert run_trial(job, replace(options, use_prefix_cache=cached)) == "done"
        record = ledger.result(job)
        assert record is not None and ("computed once" in record.notes[0]) is cached
        curves.append(small_runs.curve(ledger, job))
    assert curves[0] == curves[1]
