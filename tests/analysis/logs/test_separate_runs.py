"""Runs of one source stay apart: what names several of them, such as the model, is no name of a run."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path

import numpy as np
import pytest

from analysis.logs.choices import Choices
from analysis.logs.ingest import read_curves
from tests.analysis.logs.curve_files import (
    BY_WIDTH,
    FALL,
    TEST,
    WIDTHS,
    assert_both,
    assert_by_width,
    refused,
    said,
    verdict,
    verdicts,
)
from tests.analysis.logs.test_trackers import mlflow_database, trackio_database


def params(path: Path, **by_run: tuple[str, ...]) -> Path:
    """Params of the runs of an MLflow database, one value a run."""
    with sqlite3.connect(path) as connection:
        connection.execute("DELETE FROM params")
        for key, values in by_run.items():
            connection.executemany(
                "INSERT INTO params VALUES (?, ?, ?)", [(key, value, str(run)) for run, value in enumerate(values)]
            )
    connection.close()
    return path


def test_a_model_that_several_runs_share_does_not_join_them(tmp_path: Path) -> None:
    """By MLflow, trackio and JSON; with seeds it does."""
    path = params(mlflow_database(tmp_path / "mlflow.db"), model=("resnet18",) * 2, lr=("0.1", "0.01"))
    assert_both(verdicts(path), "dd", "down")
    assert "model names several runs alike: each has a name of its own" in said(path)
    assert_both(verdicts(path, "--run", "lr"), "lr=0.1", "lr=0.01")
    line = refused(path, "--run", "model")
    assert "run resnet18: x = 0 stands in dd and in down, with errors 0.6" in line and "--run lr" in line
    (both,) = read_curves(params(path, model=("resnet18",) * 2, seed=("0", "1"))).runs
    assert (both.name, len(both.errors)) == ("resnet18", 2)
    trackio = trackio_database(tmp_path / "proj.db")
    with sqlite3.connect(trackio) as connection:
        connection.execute('UPDATE configs SET config = \'{"model": "resnet18"}\'')
    connection.close()
    assert_both(verdicts(trackio), "dd", "down")


def test_json_runs_of_one_label_are_numbered(tmp_path: Path) -> None:
    path = tmp_path / "all.json"
    runs = [{"model": "resnet18", "lr": lr, "test_error": y.tolist()} for lr, y in ((0.1, TEST), (0.01, FALL))]
    path.write_text(json.dumps(runs))
    assert_both(verdicts(path), "resnet18 1", "resnet18 2")
    path.write_text(json.dumps([run | {"seed": seed} for seed, run in enumerate(runs)]))
    assert verdict(path)["run"] == "resnet18" and verdict(path)["seeds"] == 2


@pytest.mark.parametrize("named", [True, False])
def test_tables_that_differ_at_one_width_are_not_seeds(tmp_path: Path, named: bool) -> None:
    """A table per model: along the width, models that differ in the learning rate too are no seeds of one curve."""
    path = tmp_path / "all.json"
    model = {"model": "mlp"} if named else {}
    runs = [
        model | {"width": int(w), "lr": lr, "epoch": [1, 2], "test_error": [0.9, float(e) + shift]}
        for lr, shift in ((0.1, 0.0), (0.01, 0.02))
        for w, e in zip(WIDTHS, BY_WIDTH, strict=True)
    ]
    path.write_text(json.dumps(runs))
    assert "--run lr" in refused(path, "--axis", "width")
    found = verdicts(path, "--axis", "width", "--run", "lr")
    assert set(found) == {"lr=0.1", "lr=0.01"}
    path.write_text(json.dumps(runs[: len(WIDTHS)]))
    assert_by_width(verdict(path, "--axis", "width"))
    (curve,) = read_curves(path, choices=Choices(axis="width")).runs
    np.testing.assert_allclose(curve.errors[0], BY_WIDTH)
