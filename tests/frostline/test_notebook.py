"""`import frostline as fl`: frames of the golden store, verdicts, plots, and the script of docs."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from matplotlib import pyplot
from matplotlib.lines import Line2D
from scipy.stats import false_discovery_control

import frostline as fl
from analysis.loaded import LoadedSweep
from analysis.report.drawing.labels import axis_label
from analysis.tables.verdict_frame import verdict_frame
from sweeps.errors import SpecError
from sweeps.sweep import parse
from tests.analysis.store_factory import finished, planned, sweep_text

ROOT = Path(__file__).parents[2]
GOLDEN = ROOT / "tests" / "golden"


@pytest.fixture(scope="module")
def golden() -> LoadedSweep:
    return fl.load(GOLDEN / "sweep.yaml", GOLDEN / "store")


@pytest.fixture(autouse=True)
def no_window() -> Iterator[None]:
    pyplot.switch_backend("Agg")
    yield
    pyplot.close("all")


def heights(line: Line2D) -> np.ndarray:
    return np.asarray(line.get_ydata(), dtype=np.float64)


def test_a_loaded_sweep_says_what_it_is_without_reading_a_curve(golden: LoadedSweep) -> None:
    fresh = fl.load(GOLDEN / "sweep.yaml", GOLDEN / "store")
    lines = repr(fresh).splitlines()
    assert lines[0] == f"golden: 18 runs (18 done) in {GOLDEN / 'store'}"
    assert lines[2] == "varies: transfer.frozen (6), seed (3)"
    assert [line.split()[0] for line in lines[4:]] == ["epochs", "runs", "cells", "verdicts"]
    assert max(map(len, lines)) < 120
    page = fresh._repr_html_()
    assert page.startswith("<table>") and "18 runs (18 done)" in page and "digits&#x27;" not in lines[1]
    assert "tables" not in vars(fresh), "curves were read"


def test_frames_are_those_of_the_golden_tables_and_are_kept(golden: LoadedSweep) -> None:
    for name in ("epochs", "runs", "cells"):
        frame = getattr(golden, name)
        pinned = pd.read_csv(GOLDEN / "tables" / f"{name}.csv")
        assert len(frame) == len(pinned) and set(pinned) <= set(frame)
        assert getattr(golden, name) is frame
    assert golden.verdicts is golden.verdicts


def test_one_row_of_verdicts_per_group_and_axis_and_per_cell(golden: LoadedSweep) -> None:
    verdicts = golden.verdicts
    assert verdicts["axis"].tolist() == ["transfer.frozen"] + ["epoch"] * 6
    along = verdicts.iloc[0]
    assert (along["group"], along["shape"], along["double_descent"]) == ("resnet14-w8", "double_descent", True)
    assert (along["seeds"], along["points"], along["peak"], along["budget"]) == (3, 6, 11.0, 60)
    assert along["peak_error"] == pytest.approx(557 / 1770)  # counted by hand in tests/golden/README.md
    assert along["peak_error_low"] < along["peak_error"] < along["peak_error_high"]
    assert (along["last_interpolating"], along["first_not_interpolating"]) == (11.0, 12.0)
    assert (along["model.width"], along["target.label_noise"]) == (8, 0.3)
    assert pd.isna(along["transfer.frozen"])
    of_cells = verdicts.iloc[1:].reset_index(drop=True)
    assert of_cells["group"].tolist() == [f"resnet14-w8, transfer.frozen = {depth}" for depth in (0, 3, 10, 11, 12, 13)]
    cells = golden.cells
    for ours, theirs in (("peak", "peak_epoch"), ("prominence", "prominence"), ("p_value", "p_value")):
        np.testing.assert_array_equal(of_cells[ours].to_numpy(dtype=float), cells[theirs].to_numpy(dtype=float))
    assert (of_cells["points"] == 60).all() and of_cells["reason"].isna().all()


def test_points_of_epochs_are_evaluated_ones(golden: LoadedSweep) -> None:
    tables = golden.tables
    epoch = np.tile(np.r_[1:60, 100], len(tables.runs))  # sixty rows, the last after epoch 100
    frame = verdict_frame(replace(tables, curves=replace(tables.curves, epoch=epoch)), [])
    assert set(frame["points"]) == {60} and set(frame["budget"]) == {100}


def test_q_values_are_over_the_rows_of_an_axis_and_decide_significance(golden: LoadedSweep) -> None:
    for _, rows in golden.verdicts.groupby("axis"):
        known = rows[rows["p_value"].notna()]
        expected = false_discovery_control(list(known["p_value"]))
        assert list(known["q_value"]) == pytest.approx(list(expected))
        called = (known["shape"] == "double_descent") & (known["q_value"] <= 0.05)
        assert list(known["significance"] == "significant") == list(called)


def test_a_group_without_a_verdict_says_why(tmp_path: Path) -> None:
    text = sweep_text(epochs=10, frozen="[0, 1]", last_seed=1)
    _, runs = planned(text, tmp_path)
    finished(tmp_path, next(iter(runs.values())))
    sweep = fl.load(parse(text), tmp_path)
    assert "4 runs (3 missing, 1 done)" in repr(sweep)
    along = sweep.verdicts.iloc[0]
    assert along["reason"] == "1 of 2 points have a result; 4 are needed"
    assert pd.isna(along["shape"]) and pd.isna(along["double_descent"]) and along["seeds"] == 1
    assert sweep.verdicts["reason"].iloc[-1] == "too few epochs, or no run is done"


def test_what_cannot_be_loaded_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for sweep, store, said in (("quickstrat", GOLDEN / "store", "quickstart"), ("quickstart", tmp_path, "no plan")):
        with pytest.raises(fl.InputError, match=said) as refused:
            fl.load(sweep, store)
        assert "\n" not in str(refused.value)
    with pytest.raises(SpecError):
        fl.load(tmp_path / "none.yaml")
    monkeypatch.setenv("FROSTLINE_STORE", str(GOLDEN / "store"))
    assert fl.load(GOLDEN / "sweep.yaml").name == "golden"
    with pytest.raises(fl.InputError, match="no run has the source task 'fish'"):
        fl.claims(fl.load(GOLDEN / "sweep.yaml"), related=["fish"])


def test_a_plot_of_a_sweep_draws_its_errors_and_its_verdict(golden: LoadedSweep) -> None:
    axes = fl.plot(golden)
    mean = axes.lines[0]
    np.testing.assert_array_equal(mean.get_xdata(), [0, 3, 10, 11, 12, 13])
    np.testing.assert_allclose(heights(mean), 100 * golden.cells["final_test_error"].to_numpy(dtype=float))
    assert axes.get_xlabel() == axis_label("transfer.frozen") and "double descent" in axes.get_title()
    marked = {(line.get_marker(), float(np.asarray(line.get_xdata())[0])) for line in axes.lines[4:]}
    assert marked == {("s", 0.0), ("^", 11.0), ("v", 13.0)}


def test_a_plot_of_epochs_has_a_curve_per_cell_and_a_filter(golden: LoadedSweep) -> None:
    axes = fl.plot(golden, axis="epoch")
    legend = axes.get_legend()
    assert legend is not None and len(legend.get_texts()) == 6 and axes.get_xscale() == "log"
    _, given = pyplot.subplots()
    assert fl.plot(golden, axis="epoch", where={"transfer.frozen": 3}, ax=given) is given
    assert given.get_title().startswith("resnet14-w8, transfer.frozen = 3, n = 3: ")
    runs = golden.runs.query("`transfer.frozen` == 3")["run_id"].tolist()
    table = golden.epochs[golden.epochs["run_id"].isin(runs)].pivot(
        index="epoch", columns="run_id", values="test_error"
    )
    np.testing.assert_allclose(heights(given.lines[0]), 100 * table.to_numpy().mean(axis=1))


def test_a_plot_of_arrays_is_sorted_and_has_the_verdict_of_detect() -> None:
    x = np.array([8.0, 1.0, 2.0, 4.0, 16.0, 32.0])
    errors = np.array([[0.5, 0.4, 0.2, 0.3, 0.2, 0.1]] * 3) + np.array([[0.0], [0.01], [0.02]])
    axes = fl.plot(x, errors, axis="width")
    np.testing.assert_array_equal(axes.lines[0].get_xdata(), np.sort(x))
    np.testing.assert_allclose(heights(axes.lines[0])[:2], [41.0, 21.0])
    assert fl.detect(x, errors, axis="width").shape.replace("_", " ") in axes.get_title()
    assert fl.plot([1, 2, 3], [0.3, 0.2, 0.1]).get_title() == "n = 1"  # too few points to have a shape


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"axis": "model.width"}, "axis = 'model.width': golden varies along transfer.frozen, epoch"),
        (
            {"axis": "epoch", "where": {"transfer.frozen": 4}},
            r"transfer.frozen = 4 matches nothing; allowed: 0, 10, 11",
        ),
        ({"where": {"transfer.frozen": 3}}, "is not a field of every curve"),
        ({"errors": [1.0]}, "a loaded sweep has its own"),
    ],
)
def test_a_plot_that_cannot_be_drawn_is_refused(golden: LoadedSweep, arguments: dict, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        fl.plot(golden, **arguments)
    for data, errors, axis in (([1, 2], None, None), ([1, 2], [1, 2, 3], None), ([1, 2], [1, 2], "depht")):
        with pytest.raises(ValueError, match=r"two arrays|does not fit|allowed: epoch"):
            fl.plot(data, errors, axis=axis)


def test_more_curves_than_can_be_told_apart_are_refused() -> None:
    from analysis.report.curve_plot import MOST_CURVES, Curve, draw

    curve = Curve("", np.arange(1.0, 3.0), np.ones((1, 2)), None, {})
    _, axes = pyplot.subplots()
    draw(axes, [curve] * MOST_CURVES, "epoch")
    with pytest.raises(ValueError, match=f"{MOST_CURVES + 1} curves; at most {MOST_CURVES}"):
        draw(axes, [curve] * (MOST_CURVES + 1), "epoch")


def test_analysis_offers_load_and_detect_too() -> None:
    from analysis import detect, load

    assert (load, detect) == (fl.load, fl.detect)


def test_the_notebook_of_the_docs_runs(tmp_path: Path) -> None:
    arguments = [ROOT / "docs" / "notebook.py", GOLDEN / "sweep.yaml", GOLDEN / "store"]
    done = subprocess.run(
        [sys.executable, "-W", "error", *map(str, arguments)],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert "golden: 18 runs (18 done)" in done.stdout
    assert "3 seeds of 60 epochs; mean at the last: 0.225" in done.stdout  # 399 / 1770, by hand
    assert "double_descent (" in done.stdout and "C3 " in done.stdout
    drawn = sorted(path.name for path in (tmp_path / "results" / "notebook").iterdir())
    assert drawn == ["arrays.png", "epochs.png", "frozen.png"]
