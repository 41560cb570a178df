"""What only a CUDA device can show: repeatable bits, resuming, the frozen prefix, shares of its memory, placement.

    python -m pytest tests/gpu -s

All are skipped where PyTorch sees no CUDA device. `-s` prints the measured differences.
"""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
import yaml

from architectures import ladder_length
from orchestrator.store.jobs import Job
from orchestrator.store.ledger import Ledger
from orchestrator.train.options import TrialOptions
from orchestrator.train.trial import run_trial
from orchestrator.train.worker_state import WorkerState
from sweeps.spec import RunSpec
from tests.orchestrator.small_runs import MODELS, WHOLE_BATCHES, curve, opened, run_of, small, source_of

pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="PyTorch sees no CUDA device")
RECIPE = {"optimizer": "sgd", "momentum": 0.9, "schedule": "cosine", "augment": "crop_flip"}


def on_cuda(folder: Path) -> tuple[Ledger, TrialOptions]:
    ledger, options = opened(folder)
    return ledger, replace(options, device="cuda")


def finished(folder: Path, spec: RunSpec, **options: Any) -> tuple[Ledger, Job]:
    """The store and the run, computed on the GPU from its source on."""
    ledger, given = on_cuda(folder)
    for job in (source_of(spec), run_of(spec)):
        assert run_trial(job, replace(given, **options)) == "done"
    return ledger, run_of(spec)


@pytest.mark.parametrize("precision", ["float32", "tf32", "bf16"])
@pytest.mark.parametrize("family", MODELS)
def test_twice_the_same_bits(tmp_path: Path, family: str, precision: str) -> None:
    """Source and run, twice into empty stores: equal curves and equal weights."""
    spec = small(model=MODELS[family], transfer={"frozen": 1}, train={**RECIPE, "precision": precision})
    first, job = finished(tmp_path / "first", spec)
    second, _ = finished(tmp_path / "second", spec)
    assert curve(first, job) == curve(second, job)
    one, other = (each.result(source_of(spec)) for each in (first, second))
    assert one is not None and other is not None
    assert one.weights_sha256 == other.weights_sha256


@pytest.mark.parametrize("family", MODELS)
def test_resumed_equals_undisturbed(tmp_path: Path, family: str) -> None:
    """Stopped after each epoch in turn, with the random numbers of crop and flip: the same curve to the bit."""
    spec = small(model=MODELS[family], transfer={"frozen": 1}, train=RECIPE, source={"epochs": 3})
    whole, job = finished(tmp_path / "whole", spec)
    ledger, options = on_cuda(tmp_path / "stopped")
    state = WorkerState(options)
    state.stop.set()
    endings = []
    for part in (source_of(spec), job):
        while (ending := run_trial(part, options, state)) == "stopped":
            endings.append(ending)
        assert ending == "done"
    assert len(endings) == 4
    assert curve(ledger, job) == curve(whole, job)


@pytest.mark.parametrize("family", MODELS)
def test_the_frozen_prefix_computed_once_gives_the_same_numbers(tmp_path: Path, family: str) -> None:
    """Every depth, norm as at test time: losses agree to 1e-4 (a GPU may add in another order for another batch)."""
    spec = small(model=MODELS[family])
    ledger, options = on_cuda(tmp_path)
    without, plain = on_cuda(tmp_path / "without")
    for given in (options, plain):
        assert run_trial(source_of(spec), given) == "done"
    worst = 0.0
    for frozen in range(ladder_length(spec.model)):
        job = run_of(small(model=MODELS[family], target=WHOLE_BATCHES, transfer={"frozen": frozen}))
        assert run_trial(job, options) == "done"
        assert run_trial(job, replace(plain, use_prefix_cache=False)) == "done"
        pairs = zip(curve(ledger, job)["train_loss"], curve(without, job)["train_loss"], strict=True)
        worst = max(worst, *(abs(one - other) for one, other in pairs))
    print(f"\n{family}: largest difference of a train loss with and without the prefix cache {worst:.1e}")
    assert worst < 1e-4


@pytest.mark.parametrize("family", MODELS)
def test_the_first_epochs_are_those_of_a_cpu(tmp_path: Path, family: str) -> None:
    """The same images, weights and order of batches: the first epoch's losses agree to 1e-3."""
    spec = small(model=MODELS[family], source=None, target=WHOLE_BATCHES, train={"epochs": 1})
    losses = []
    for device in ("cpu", "cuda"):
        ledger, options = opened(tmp_path / device)
        assert run_trial(run_of(spec), replace(options, device=device)) == "done"
        losses.append(curve(ledger, run_of(spec))["train_loss"][0])
    print(f"\n{family}: train loss {losses[0]:.6f} on the CPU, {losses[1] - losses[0]:+.1e} on the GPU")
    assert losses[1] == pytest.approx(losses[0], abs=1e-3)


def test_a_share_of_the_memory_is_a_limit() -> None:
    """A process with a hundredth of the GPU may allocate half of that, and no more than it."""
    code = """
import torch
from orchestrator.train.device import prepare
device = prepare("cuda", 1, "float32", gpus_per_run=0.01).torch
share = torch.cuda.get_device_properties(device).total_memory // 100
kept = torch.empty(share // 4, dtype=torch.uint8, device=device)
try:
    torch.empty(share, dtype=torch.uint8, device=device)
except torch.OutOfMemoryError:
    print("refused")
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stdout == "refused\n", done.stderr


def test_ray_places_four_runs_on_a_gpu(tmp_path: Path) -> None:
    """`--gpus-per-run 0.25` through the real Ray: all done on the GPU, several at once."""
    sweep = tmp_path / "shared_gpu.yaml"
    base = {
        **small().model_dump(mode="json", exclude_none=True, exclude_defaults=True),
        "train": {"epochs": 40, "batch_size": 16},
    }
    axes = {"transfer.frozen": [0, 1, 2, 3], "seed": [0, 1]}
    sweep.write_text(yaml.safe_dump({"name": "shared_gpu", "base": base, "axes": axes}))
    store = tmp_path / "store"
    words = ["run", str(sweep), "--store", str(store), "--gpus-per-run", "0.25", "--wandb", "disabled"]
    done = subprocess.run([sys.executable, "-m", "frostline", *words], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    records = [json.loads(path.read_text()) for path in store.glob("runs/*/*/result.json")]
    assert len(records) == 8
    name = torch.cuda.get_device_name()
    assert all(name in json.dumps(record) for record in records)


def test_solves_take_no_gpu(tmp_path: Path) -> None:
    """In a launch with shares of the GPU, closed-form heads are computed on cores; what trains, on the GPU."""
    base = small(source=None).model_dump(mode="json", exclude_none=True, exclude_defaults=True)
    base |= {"source": None, "train": {"epochs": 3}}
    solve = {"train": {"method": "lva_ridge", "loss": "squared"}, "transfer": {"frozen": 7}}
    sweep, store = tmp_path / "unlike.yaml", tmp_path / "store"
    sweep.write_text(
        yaml.safe_dump({"name": "unlike", "base": base, "axes": {"seed": [0, 1]}, "blocks": [{"base": solve}]})
    )
    words = ["run", str(sweep), "--store", str(store), "--gpus-per-run", "0.5", "--wandb", "disabled"]
    done = subprocess.run([sys.executable, "-m", "frostline", *words], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    records = [json.loads(path.read_text()) for path in store.glob("runs/*/*/result.json")]
    devices = {(record["spec"]["train"].get("method"), record["device"]) for record in records}
    assert len(records) == 4 and devices == {("lva_ridge", "cpu"), (None, torch.cuda.get_device_name())}
