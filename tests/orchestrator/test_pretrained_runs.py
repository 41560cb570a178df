"""Runs from a file of pre-trained weights, by the command line: one id wherever the file lies, on both runners."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import timm
import torch
from safetensors.torch import load_file, save_file

from architectures import build, weight_files
from frostline.cli import main as frostline
from orchestrator.store.ledger import Ledger
from orchestrator.train.start import network_of, pretrained_of
from orchestrator.train.worker_state import LruCache
from sweeps.spec import ModelSpec, RunSpec

SWEEP = """
name: pretrained
edition: 1
base:
  source: null
  target: {{task: digits, size: 40}}
  model: {{family: timm, name: test_efficientnet, weights: {weights}}}
  train: {{epochs: 1}}
axes:
  transfer.frozen: [2]
"""


def file_of_weights(folder: Path) -> Path:
    torch.manual_seed(0)
    net = timm.create_model("test_efficientnet", num_classes=10, in_chans=1)
    save_file({key: tensor.contiguous() for key, tensor in net.state_dict().items()}, folder / "w.safetensors")
    return folder / "w.safetensors"


def launched(folder: Path, weights: object, *options: str) -> int:
    sweep = folder / "sweep.yaml"
    sweep.write_text(SWEEP.format(weights=weights))
    return frostline(["run", str(sweep), "--store", str(folder / "store"), "--wandb", "disabled", *options])


def results(folder: Path) -> dict[str, RunSpec]:
    found = [json.loads(path.read_text()) for path in (folder / "store" / "runs").rglob("result.json")]
    return {each["id"]: RunSpec.model_validate({"source": None, **each["spec"]}) for each in found}


@pytest.mark.parametrize("runner", ["local", "ray"])
def test_a_file_and_its_copy_are_one_run(tmp_path: Path, runner: str, monkeypatch: pytest.MonkeyPatch) -> None:
    path = file_of_weights(tmp_path)
    assert launched(tmp_path, path, "--runner", runner) == 0
    ((id, spec),) = results(tmp_path).items()
    copy = tmp_path / "copy.safetensors"
    path.rename(copy)
    assert launched(tmp_path, copy, "--runner", "local") == 0
    assert launched(tmp_path, spec.model.weights, "--runner", "local") == 0
    assert list(results(tmp_path)) == [id]

    monkeypatch.setattr(weight_files, "_paths", {})  # as in a process that has seen no sweep
    store = Ledger(tmp_path / "store").store
    given = pretrained_of(spec.model, store, LruCache(2**30))
    network = network_of(spec, "target", 10, given)
    for key, tensor in load_file(copy).items():
        assert network.units[-1].holds(key) or torch.equal(network.state_dict()[key], tensor), key


@pytest.mark.parametrize("kind", ["another shape", "another name", "damaged"])
def test_weights_of_another_network_are_refused_before_anything_is_launched(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], kind: str
) -> None:
    net = build(ModelSpec(family="mlp", depth=2, width=8 if kind == "another shape" else 4), 10, 0)
    tensors = {key: tensor.contiguous() for key, tensor in net.state_dict().items()}
    if kind == "another name":
        tensors = {f"module.{key}": tensor for key, tensor in tensors.items()}
    path = tmp_path / "w.safetensors"
    save_file(tensors, path)
    if kind == "damaged":
        path.write_bytes(path.read_bytes()[:-4])
    sweep = tmp_path / "sweep.yaml"
    sweep.write_text(
        "name: fits\nbase: {source: null, target: {task: digits, size: 40}, train: {epochs: 1}, "
        f"model: {{family: mlp, depth: 2, width: 4, weights: {path}}}}}\n"
    )
    store = tmp_path / "store"
    assert frostline(["run", str(sweep), "--store", str(store), "--runner", "local", "--wandb", "disabled"]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert "model.weights" in line and ("damaged" in line if kind == "damaged" else "tensor" in line)
    assert not store.exists()


def test_a_file_that_went_away_is_told_in_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = file_of_weights(tmp_path)
    assert launched(tmp_path, path, "--runner", "local") == 0
    path.unlink()
    assert launched(tmp_path, path, "--runner", "local") == 2
    assert f"{path}: No such file or directory" in capsys.readouterr().err
    assert not (tmp_path / "store" / "quarantine").exists()


def test_rerun_knows_where_the_weights_lie(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert launched(tmp_path, file_of_weights(tmp_path), "--runner", "local") == 0
    ((id, _),) = results(tmp_path).items()
    monkeypatch.setattr(weight_files, "_paths", {})  # as in a process that has seen no sweep
    capsys.readouterr()
    assert frostline(["rerun", id, "--store", str(tmp_path / "store")]) == 0, capsys.readouterr().err
    assert capsys.readouterr().out.endswith("committed one, to the bit\n")
