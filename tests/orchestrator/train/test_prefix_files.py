"""Activations kept in the store: the same bits, in place of computing; an altered file is found and set aside."""

from __future__ import annotations

import errno
import json
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file

from orchestrator.cli import main
from orchestrator.store import quarantine
from orchestrator.store.ledger import Ledger
from orchestrator.train import prefix, prefix_files
from orchestrator.train.inputs import Inputs
from orchestrator.train.options import TrialOptions
from orchestrator.train.trial import run_trial
from sweeps.layout import FEATURES, QUARANTINE
from tests.orchestrator.small_runs import (
    MODELS,
    WHOLE_BATCHES,
    curve,
    opened,
    path_of,
    refused,
    run_of,
    small,
    source_of,
)


@pytest.fixture(autouse=True)
def every_prefix_is_worth_keeping(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(prefix_files, "worth_keeping", lambda seconds, size_bytes: True)


def kept(folder: Path, family: str) -> tuple[Ledger, TrialOptions, Path]:
    """A store with a source, a run with two frozen units, and the file of its activations."""
    ledger, options = opened(folder)
    spec = small(model=MODELS[family], target=WHOLE_BATCHES, transfer={"frozen": 2})
    for job in (source_of(spec), run_of(spec)):
        assert run_trial(job, options) == "done"
    (path,) = path_of(ledger, FEATURES).rglob("*.safetensors")
    return ledger, options, path


@pytest.mark.parametrize("family", MODELS)
def test_another_worker_reads_them_and_computes_the_same_bits(
    tmp_path: Path, family: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    ledger, options, _ = kept(tmp_path, family)
    monkeypatch.setattr(prefix, "activations", lambda *_: pytest.fail("computed although it is in the store"))
    job = run_of(small(model=MODELS[family], target=WHOLE_BATCHES, transfer={"frozen": 2}, train={"epochs": 4}))
    assert run_trial(job, options) == "done"
    monkeypatch.undo()
    without, plain = opened(tmp_path / "without")
    for each in (source_of(job.spec), job):
        assert run_trial(each, TrialOptions(plain.store, use_prefix_cache=False)) == "done"
    assert curve(ledger, job) == curve(without, job)


def test_verify_finds_an_altered_file_and_gc_clears_the_cache(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    ledger, _, path = kept(tmp_path, "resnet")
    store = str(ledger.root)
    assert main(["verify", store]) == 0
    content = bytearray(path.read_bytes())
    content[-5] ^= 1
    path.write_bytes(content)
    assert main(["verify", store]) == 1
    assert f"{path}: damaged" in capsys.readouterr().out
    assert main(["gc", store]) == 0
    assert path.exists() and str(path) in capsys.readouterr().out
    assert main(["gc", store, "--delete"]) == 0
    assert not path.exists()
    assert main(["verify", store]) == 0


@pytest.mark.parametrize("how", ["one number", "cut off", "empty"])
def test_an_altered_file_goes_to_quarantine_and_is_computed_again(tmp_path: Path, how: str) -> None:
    ledger, options, path = kept(tmp_path, "resnet")
    content = path.read_bytes()
    before = {name: tensor.tolist() for name, tensor in load_file(path).items()}
    if how == "one number":
        tensors = load_file(path)
        tensors["train.0"][0] += 1e-3
        with safe_open(path, framework="pt") as file:
            about = file.metadata()
        save_file(tensors, path, about)
    else:
        path.write_bytes(content[: len(content) // 2] if how == "cut off" else b"")
    job = run_of(small(target=WHOLE_BATCHES, transfer={"frozen": 2}, train={"epochs": 4}))
    assert run_trial(job, options) == "done"
    assert {name: tensor.tolist() for name, tensor in load_file(path).items()} == before
    (folder,) = path_of(ledger, QUARANTINE).iterdir()
    assert folder.name == f"feature-{path.stem}-1"
    assert {entry.name for entry in folder.iterdir()} == {"reason.json", path.name}
    assert json.loads((folder / "reason.json").read_text())["kind"] == "feature"


def test_a_file_that_cannot_be_read_is_not_called_damaged_and_costs_no_run(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    ledger, options, path = kept(tmp_path, "resnet")
    plain = Path.open

    def refuses(self: Path, *given: Any, **more: Any) -> Any:
        if self == path:
            raise OSError(errno.EIO, "Input/output error", str(path))
        return plain(self, *given, **more)

    with monkeypatch.context() as patched:
        patched.setattr(Path, "open", refuses)
        job = run_of(small(target=WHOLE_BATCHES, transfer={"frozen": 2}, train={"epochs": 1}))
        assert run_trial(job, options) == "done"
        assert main(["verify", str(ledger.root)]) == 1
        told = capsys.readouterr().out
    assert f"{path}: Input/output error\n" in told and told.endswith("3 results, 0 damaged, 1 not read\n")
    with refused(path_of(ledger, FEATURES)):  # not even whether there is one can be told
        job = run_of(small(target=WHOLE_BATCHES, transfer={"frozen": 2}, train={"epochs": 2}))
        assert run_trial(job, options) == "done"
        assert main(["verify", str(ledger.root)]) == 1
    assert not path_of(ledger, QUARANTINE).exists()
    assert main(["verify", str(ledger.root)]) == 0


def test_an_altered_file_that_cannot_be_moved_away_costs_no_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ledger, _, path = kept(tmp_path, "resnet")
    path.write_bytes(b"")

    def full(*_: object) -> str:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(quarantine, "move_one_away", full)
    assert prefix_files.read(ledger.store, path.stem, torch.device("cpu"), 4) is None
    assert path.read_bytes() == b""


def test_other_arithmetic_has_another_id(monkeypatch: pytest.MonkeyPatch) -> None:
    ids = {
        prefix_files.feature_id("a", "cpu", 1000),
        prefix_files.feature_id("b", "cpu", 1000),
        prefix_files.feature_id("a", "NVIDIA H100", 1000),
        prefix_files.feature_id("a", "cpu", 128),
    }
    monkeypatch.setattr(torch.backends.cpu, "get_cpu_capability", lambda: "another")
    ids.add(prefix_files.feature_id("a", "cpu", 1000))
    assert len(ids) == 5


def test_several_tensors_keep_their_places(tmp_path: Path) -> None:
    ledger, _ = opened(tmp_path)
    channels_last = torch.rand(4, 2, 3, 3).contiguous(memory_format=torch.channels_last)
    train, test = (torch.rand(4, 3), channels_last), (torch.rand(5, 3), torch.rand(5, 2, 3, 3))
    prefix_files.write(ledger.store, "ab" * 10, Inputs(3, train, test, 4))
    found = prefix_files.read(ledger.store, "ab" * 10, torch.device("cpu"), 4)
    assert found is not None and found.cut == 3
    for mine, theirs in zip((*train, *test), (*found.train, *found.test), strict=True):
        assert torch.equal(mine, theirs) and mine.stride() == theirs.stride()


def test_what_reads_no_faster_than_it_computes_is_not_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    assert not prefix_files.worth_keeping(0.5, 1000)
    assert prefix_files.worth_keeping(10.0, 10**8)
    assert not prefix_files.worth_keeping(10.0, 10**9)
