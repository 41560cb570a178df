"""What Frostline is compared with computes the same: equal final errors, or the comparison means nothing."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load

from benchmarks import bare, grid
from benchmarks.peers import careful, plain
from orchestrator.train.trial import run_trial
from sweeps.spec import RunSpec
from tests.orchestrator.small_runs import MODELS, curve, opened, run_of, small, source_of


@pytest.fixture
def reported(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """What a trainable tells Tune, without a cluster around it."""
    said: dict[str, Any] = {}
    monkeypatch.setattr(careful.tune, "report", lambda metrics, **_: said.update(metrics))
    return said


def stored(folder: Path, spec: RunSpec) -> tuple[float, dict[str, torch.Tensor]]:
    """The run's final test error by Frostline, and its source's weights."""
    ledger, options = opened(folder)
    assert run_trial(source_of(spec), options) == run_trial(run_of(spec), options) == "done"
    record = ledger.result(source_of(spec))
    assert record is not None and record.weights_sha256 is not None
    place = ledger.place(source_of(spec))
    return curve(ledger, run_of(spec))["test_error"][-1], load(ledger.weights(place.id, record.weights_sha256))


def wide(family: str) -> dict[str, Any]:
    """Wide enough for all that `kernels: tuned` changes. A model of timm has the width it has."""
    return MODELS[family] if family == "timm" else {**MODELS[family], "width": 8}


@pytest.mark.parametrize("kernels", [None, "tuned"])
@pytest.mark.parametrize("family", MODELS)
def test_the_careful_peer_ends_with_the_same_error(
    tmp_path: Path, family: str, kernels: str | None, reported: dict[str, Any]
) -> None:
    recipes = {"source": {"kernels": kernels}, "train": {"kernels": kernels}}
    spec = small(model=wide(family), transfer={"frozen": 2}, **recipes)
    error, weights = stored(tmp_path, spec)
    job = source_of(spec)
    config = {"run": {"id": "x", "spec": spec.model_dump_json(), "folder": str(tmp_path), "kernels": kernels}}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        careful.pre_train(config)
        careful.fine_tune(config)
    assert reported["test_error"] == pytest.approx(error, abs=1e-7)
    theirs = torch.load(tmp_path / f"{job.id}.pt", weights_only=True)
    assert all(torch.equal(theirs[name], tensor) for name, tensor in weights.items())


@pytest.mark.filterwarnings("ignore")
def test_the_plain_peer_ends_with_the_same_error(
    tmp_path: Path, reported: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    spec = small(transfer={"frozen": 3})
    error, _ = stored(tmp_path, spec)
    monkeypatch.chdir(tmp_path)  # its default logger writes here
    plain.train({"run": {"id": "x", "spec": spec.model_dump_json()}})
    assert reported["test_error"] == pytest.approx(error, abs=1e-7)


@pytest.mark.parametrize("kernels", [None, "tuned"])
@pytest.mark.parametrize("family", MODELS)
def test_the_bare_loop_ends_with_the_same_error(tmp_path: Path, family: str, kernels: str | None) -> None:
    recipes = {"source": {"kernels": kernels}, "train": {"kernels": kernels}}
    spec = small(model=wide(family), transfer={"frozen": 2}, **recipes)
    error, weights = stored(tmp_path, spec)
    assert spec.source is not None
    source = bare.source_network(spec, bare.source_data(spec).classes, spec.source.kernels)
    bare.train(source, bare.source_data(spec), 0, spec.source, "source", spec.seed)
    own = source.state_dict()
    assert all(torch.equal(own[name], tensor) for name, tensor in weights.items())
    data = bare.target_data(spec)
    network = bare.target_network(spec, data.classes, dict(own), spec.train.kernels)
    assert bare.train(network, data, 2, spec.train, "target", spec.seed) == error


def test_another_error_is_found() -> None:
    assert grid.differing({"a": 0.25, "b": 0.5}, {"a": 0.25, "b": 0.5 + 1e-8}) == []
    assert grid.differing({"a": 0.25, "b": 0.5}, {"a": 0.25, "b": 0.502}) == ["b"]


def test_means_are_compared_where_rounding_differs() -> None:
    mean, error = grid.mean_difference({"a": 0.3, "b": 0.5}, {"a": 0.2, "b": 0.5})
    assert (mean, error) == (pytest.approx(0.05), pytest.approx(0.05))


def test_a_ratio_says_its_spread() -> None:
    assert grid.ratio([20.0, 30.0], [10.0]) == "2.50x (2.00 to 3.00, n = 2 and 1, medians 25 s and 10 s)"
