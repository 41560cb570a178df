"""Measures beside the curve: right, and without effect on it, stopped or not."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from orchestrator.schedule.vocabulary import KnownWords
from orchestrator.train.methods.measures import PENALTIES, ridge_scores
from orchestrator.train.trial import run_trial
from orchestrator.train.worker_state import WorkerState
from sweeps.records import RunRecord
from tests.orchestrator.small_runs import curve, opened, run_of, small, source_of

BOTH = ["readout_gap", "source_distance"]


def run(folder: Path, stopped: bool = False, **train: Any) -> tuple[dict[str, list[Any]], RunRecord]:
    ledger, options = opened(folder)
    spec = small(transfer={"frozen": 2}, train={"epochs": 2, **train})
    assert run_trial(source_of(spec), options) == "done"
    state = WorkerState(options)
    if stopped:
        state.stop.set()
    while run_trial(run_of(spec), options, state) == "stopped":
        pass
    record = ledger.result(run_of(spec))
    assert record is not None
    return curve(ledger, run_of(spec)), record


def test_measures_change_no_curve_and_survive_a_stop(tmp_path: Path) -> None:
    plain, without = run(tmp_path / "plain")
    measured, record = run(tmp_path / "measured", measures=BOTH)
    again, resumed = run(tmp_path / "stopped", stopped=True, measures=BOTH)
    assert plain == measured == again and without.measures is None
    assert record.measures is not None and record.measures == resumed.measures
    assert list(record.measures) == ["readout_gap", *(f"source_distance.{name}" for name in record.ladder[:-1])]
    assert all(len(values) == 2 for values in record.measures.values())


def test_distances_are_zero_where_frozen_and_grow_elsewhere(tmp_path: Path) -> None:
    _, record = run(tmp_path, measures=["source_distance"])
    assert record.measures is not None
    for place, name in enumerate(record.ladder[:-1]):
        first, last = record.measures[f"source_distance.{name}"]
        assert first is not None and last is not None
        assert (first, last) == (0.0, 0.0) if place < 2 else 0 < first < last


def problem(samples: int, features: int) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    draw = torch.Generator().manual_seed(0)
    x, others = (torch.randn(n, features, generator=draw, dtype=torch.float64) for n in (samples, 50))
    return x, torch.arange(samples) % 3, others


@pytest.mark.parametrize(("samples", "features"), [(40, 6), (12, 20)])
def test_the_ridge_head_is_the_best_by_leaving_one_out(samples: int, features: int) -> None:
    """Against refitting without each sample, for every penalty."""
    x, labels, others = problem(samples, features)
    y = torch.nn.functional.one_hot(labels, 3).double()
    scale = torch.linalg.svdvals(x - x.mean(0)).square().mean().item()

    def fitted(x: torch.Tensor, y: torch.Tensor, penalty: float, at: torch.Tensor) -> torch.Tensor:
        centred = x - x.mean(0)
        gram = centred.T @ centred + penalty * scale * torch.eye(x.shape[1], dtype=x.dtype)
        return (at - x.mean(0)) @ torch.linalg.solve(gram, centred.T @ (y - y.mean(0))) + y.mean(0)

    def left_out(penalty: float) -> float:
        total = 0.0
        for sample in range(samples):
            keep = torch.arange(samples) != sample
            total += (fitted(x[keep], y[keep], penalty, x[[sample]]) - y[[sample]]).square().sum().item()
        return total

    best = min(PENALTIES, key=left_out)
    np.testing.assert_allclose(ridge_scores(x, labels, others, 3), fitted(x, y, best, others), atol=1e-8)


def test_the_source_error_is_that_of_the_source_s_head_on_what_the_target_has_made(tmp_path: Path) -> None:
    """All frozen but the head: nothing is forgotten, and it is the source model's own last test error."""
    for frozen in (7, 0):
        ledger, options = opened(tmp_path / str(frozen))
        spec = small(transfer={"frozen": frozen}, train={"epochs": 3, "measures": ["source_error"]})
        assert run_trial(source_of(spec), options) == "done" == run_trial(run_of(spec), options)
        record = ledger.result(run_of(spec))
        assert record is not None and record.measures is not None
        errors, before = record.measures["source_error"], curve(ledger, source_of(spec))["test_error"][-1]
        assert (errors == (before,) * 3) == (frozen == 7)
    with pytest.raises(ValueError, match=r"source_error is allowed with a source"):
        KnownWords().check(small(source=None, train={"measures": ["source_error"]}))
