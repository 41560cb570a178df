"""The device benchmark, tiny and on a CPU: rivals do the product's work, and what is printed is what was measured."""

from __future__ import annotations

import multiprocessing
from dataclasses import replace

import pytest
import torch

import architectures
from benchmarks.gpu import packed as gpu_packed
from benchmarks.gpu import table as gpu
from benchmarks.gpu.bare import bare, bare_deterministic, graphed
from benchmarks.gpu.packed import DoesNotFit, aggregate
from benchmarks.gpu.peak import epoch_flops, peak
from benchmarks.gpu.plain import plain
from benchmarks.gpu.product import product
from benchmarks.gpu.setting import NETWORKS, TINY, Setting, Timing, rate, spread, tiny
from sweeps.spec import ModelSpec


def small(name: str = "resnet8 k=4") -> Setting:
    return replace(tiny(Setting(TINY[name])), epochs=3)


@pytest.fixture(autouse=True)
def threads_as_before() -> object:
    threads = torch.get_num_threads()
    yield
    torch.set_num_threads(threads)


@pytest.mark.parametrize("name", TINY)
def test_a_bare_loop_ends_where_the_product_ends(name: str) -> None:
    setting = small(name)
    ours = product(setting)
    assert len(ours.stamps) == setting.epochs and sorted(ours.stamps) == list(ours.stamps)
    for rival in (bare, bare_deterministic, graphed):
        theirs = rival(setting)
        assert (theirs.test_error, theirs.train_error) == (ours.test_error, ours.train_error), rival.__name__
        assert theirs.train_loss == pytest.approx(ours.train_loss, rel=1e-6), rival.__name__
        assert len(theirs.stamps) == setting.epochs


def test_another_seed_ends_elsewhere() -> None:
    """So that the equality above says something."""
    assert bare(replace(small(), seed=1)).train_loss != pytest.approx(bare(small()).train_loss, rel=1e-3)


def test_plain_lightning_learns_from_the_same_data() -> None:
    setting = small()
    theirs = plain(setting)
    assert len(theirs.stamps) == setting.epochs
    assert theirs.train_loss == pytest.approx(bare(setting).train_loss, rel=0.5)


def test_bf16_sees_each_step_s_weights() -> None:
    """An epoch is one step to Lightning: casts that autocast keeps until the step's end would be the epoch's first."""
    setting = replace(small(), precision="bf16", train=256)
    ours = product(setting).train_loss
    assert bare(setting).train_loss == pytest.approx(ours, rel=1e-6)
    assert bare(replace(setting, precision="float32")).train_loss != pytest.approx(ours, rel=1e-6)


def test_packed_runs_give_one_figure() -> None:
    assert aggregate(replace(small(), epochs=2), 2) > 0


def test_a_packed_run_that_fails_is_heard() -> None:
    context = multiprocessing.get_context("spawn")
    barrier, said = context.Barrier(2), context.Queue()
    gpu_packed._run(replace(small(), device="meta"), barrier, said)
    assert barrier.broken  # the others do not wait for it
    with pytest.raises(DoesNotFit, match="meta"):
        gpu_packed._heard(said, [])


def test_flops_are_those_of_the_layers() -> None:
    model = ModelSpec(family="resnet", depth=8, width=4, image_size=8, channels=3)
    network, seen = architectures.build(model, 10, 0), []

    def count(layer: torch.nn.Module, given: tuple[torch.Tensor, ...], out: torch.Tensor) -> None:
        weight = layer.get_parameter("weight")
        seen.append(2 * out[0].numel() * weight[0].numel())

    for layer in network.modules():
        if isinstance(layer, torch.nn.Conv2d | torch.nn.Linear):
            layer.register_forward_hook(count)
    network.eval()(torch.zeros(1, 3, 8, 8))
    setting = Setting(model, train=100, test=50, batch=10)
    # Backward: as much again for weights and for inputs, but the images, the first layer's inputs, need no gradient.
    assert epoch_flops(setting) == 100 * (3 * sum(seen) - seen[0]) + 150 * sum(seen)


def test_a_peak_is_no_more_than_the_clock_allows() -> None:
    found = peak(small(), 128)
    assert 1e8 < found < 1e15


# What is printed.


def test_rates_and_ratios() -> None:
    setting = Setting(TINY["resnet8 k=4"], train=100, batch=10, epochs=3)
    assert rate(setting, Timing((10.0, 11.0, 14.0), 0.1, 0.1, 1.0)) == 50.0
    measured = gpu.Measured({"product": [50.0, 90.0], "bare loop": [100.0, 100.0]}, {"product": 1.0, "bare loop": 1.5})
    assert measured.ratios("bare loop") == [0.5, 0.9]
    assert spread([0.5, 0.9, 0.6]) == "0.60 (0.50-0.90, n=3)"
    text = gpu.report("a network", setting, measured, 1e12)
    assert "70 images/s (50-90, n=2)" in text
    assert "against bare loop: 0.70x (0.50-0.90, n=2); train loss differs by 5.0e-01" in text
    together = gpu.packed_line({1: [100.0, 200.0], 2: [150.0, 300.0], 4: "out of memory"})
    assert "1: 150 images/s (100-200, n=2); 2: 1.50x (1.50-1.50, n=2); 4: failed: out of memory" in together


def test_a_rival_that_fails_is_named_and_the_rest_goes_on() -> None:
    def broken(_: Setting) -> Timing:
        raise RuntimeError("no such\nkernel")

    measured = gpu.measure(small(), {"bare loop": bare, "broken": broken}, 2)
    assert len(measured.rates["product"]) == len(measured.rates["bare loop"]) == 2
    assert "broken failed: RuntimeError: no such kernel" in gpu.report("a network", small(), measured, 1e12)


def test_the_command_prints_hardware_and_a_block_for_each_network(capsys: pytest.CaptureFixture[str]) -> None:
    gpu.main("cpu", True, ["vit 2x16"], None, 1, 0, False)
    out = capsys.readouterr().out.splitlines()
    assert f"torch {torch.__version__.split('+')[0]}" in out[0]
    assert out[1].startswith("vit 2x16, float32, batch 16: ") and "of the matrix peak" in out[1]
    assert [line.split(":")[0].strip() for line in out[2:]] == [f"against {name}" for name in gpu.RIVALS]


def test_what_cannot_be_measured_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(SystemExit, match="no CUDA device is seen"):
        gpu.main("cuda", False, None, None, 1, 0, False)
    with pytest.raises(SystemExit, match="fp8: allowed"):
        gpu.main("cpu", False, None, ["fp8"], 1, 0, False)
    with pytest.raises(SystemExit, match="vgg: allowed"):
        gpu.main("cpu", False, ["vgg"], None, 1, 0, False)


def test_the_networks_are_those_named() -> None:
    assert {model.image_size for model in NETWORKS.values()} == {32}
    parameters = {
        name: sum(tensor.numel() for tensor in architectures.build(model, 10, 0).parameters())
        for name, model in NETWORKS.items()
    }
    assert 11.1e6 < parameters["resnet18 k=64"] < 11.3e6  # He et al.'s ResNet18 with a stem for small images
    assert 0.7e6 < parameters["densenet100 k=12"] < 0.85e6  # 0.8 M in Huang et al. 2017, table 2
