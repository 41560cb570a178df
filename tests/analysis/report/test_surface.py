"""Error over (epoch x frozen units) on curves of known course: the table, the verdict at each budget, the figure."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest

from analysis.cli import main
from analysis.report.figure_style import figure_style
from analysis.report.surface.errors import BUDGETS, surface_table, surfaces, verdict_table
from analysis.report.surface.figure import persistence_text, surface_figure
from analysis.statistics.multiplicity import benjamini_hochberg
from analysis.tables.along_axes import freezing_wise
from analysis.tables.collect import Tables, collect
from analysis.tables.load import read_sweep
from sweeps.spec import RunSpec
from tests.analysis.store_factory import finished, planned, sweep_text

EPOCHS = 128
SEEDS = 5


def passing(spec: RunSpec, epochs: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """A freezing-wise peak at 8 from epoch 24 to 48 alone; units up to 8 interpolate from epoch 20 on."""
    rng = np.random.default_rng([spec.seed, spec.transfer.frozen])
    frozen = spec.transfer.frozen
    there = np.exp(-((np.log(epochs / 32) / 0.25) ** 4))
    level = 0.25 + 0.12 * there * np.exp(-(((frozen - 8) / 1.5) ** 2)) + 0.004 * rng.standard_normal()
    train = np.where(epochs >= 20, 0.0, 0.4) + (0.1 * (frozen - 8) if frozen > 8 else 0.0)
    return level + 0.001 * rng.standard_normal(len(epochs)), train


def _tables(store: Path, skipped: tuple[int, int] = (-1, -1)) -> Tables:
    text = sweep_text(EPOCHS, "[0, 2, 4, 6, 8, 10, 12]", SEEDS - 1)
    sweep, runs = planned(text, store)
    for spec in runs.values():
        if (spec.transfer.frozen, spec.seed) != skipped:
            finished(store, spec, passing)
    return collect(read_sweep(sweep, store))


def test_the_verdict_at_each_budget_is_that_of_curves_cut_there(tmp_path: Path) -> None:
    tables = _tables(tmp_path)
    (surface,) = surfaces(tables, freezing_wise(tables))
    assert list(surface.verdicts) == [round(share * EPOCHS) for share in BUDGETS] == [4, 8, 16, 32, 64, 96, 128]
    assert surface.persists == (32,)
    verdict = surface.verdicts[32]
    assert verdict is not None and verdict.peak is not None and verdict.peak.position == 8.0
    assert verdict.cause == "interpolation"
    frame = verdict_table([surface]).to_pandas().set_index("budget")
    assert frame["double_descent"].to_dict() == {epochs: epochs == 32 for epochs in surface.verdicts}
    assert frame.loc[32, "peak"] == 8.0 and np.isnan(frame.loc[128, "peak"])
    assert persistence_text(surface) == "freezing-wise double descent at 32 of 4, 8, 16, 32, 64, 96, 128 epochs"


def test_verdicts_are_adjusted_for_those_at_the_same_share_of_the_budget(tmp_path: Path) -> None:
    """Eight epochs have five budgets, of which three shares are the first; 128 epochs have seven."""
    text = sweep_text(EPOCHS, "[0, 2, 4, 6, 8, 10, 12]", 2).replace("axes:", f"axes:\n  train.epochs: [{EPOCHS}, 8]")
    sweep, runs = planned(text, tmp_path)
    for spec in runs.values():
        finished(tmp_path, spec, passing)
    tables = collect(read_sweep(sweep, tmp_path))
    long, short = sorted(surfaces(tables, freezing_wise(tables)), key=lambda each: -len(each.epochs))
    assert list(short.verdicts) == [1, 2, 4, 6, 8]
    for epochs, at in zip((4, 8, 16, 32, 64, 96, 128), (1, 1, 1, 2, 4, 6, 8), strict=True):
        pair = [long.verdicts[epochs], short.verdicts[at]]
        p_values = [np.nan if each is None or each.p is None else each.p for each in pair]
        assert pair[0] is not None and pair[0].q_value == pytest.approx(benjamini_hochberg(p_values)[0])


def test_the_table_holds_means_over_seeds_and_nothing_where_nothing_ran(tmp_path: Path) -> None:
    tables = _tables(tmp_path, skipped=(4, 0))
    (surface,) = surfaces(tables, freezing_wise(tables))
    frame = surface_table([surface]).to_pandas()
    assert len(frame) == 7 * EPOCHS
    assert set(frame["n"][frame["transfer.frozen"] == 4]) == {SEEDS - 1}
    runs = tables.runs[tables.runs["transfer.frozen"] == 8]
    row = frame[(frame["transfer.frozen"] == 8) & (frame["epoch"] == EPOCHS)].iloc[0]
    assert row["test_error"] == pytest.approx(runs["final_test_error"].mean(), abs=1e-8)
    half = 2.7764451052 * runs["final_test_error"].std(ddof=1) / SEEDS**0.5  # Student's, four degrees of freedom
    assert row["test_error_high"] - row["test_error"] == pytest.approx(half, abs=1e-8)
    assert row["train_error"] == 0.0


def test_peaks_of_learning_curves_are_the_ridge(tmp_path: Path) -> None:
    tables = _tables(tmp_path)
    (surface,) = surfaces(tables, freezing_wise(tables))
    called = {
        float(frozen) for frozen, verdict in zip(tables.cells["transfer.frozen"], tables.verdicts, strict=True)
        if verdict is not None and verdict.double_descent
    }  # fmt: skip
    assert set(surface.ridge) == called and 8.0 in called
    assert surface.ridge[8.0][0] == pytest.approx(32, rel=0.2)


def test_the_figure_shows_threshold_and_peaks(tmp_path: Path) -> None:
    tables = _tables(tmp_path, skipped=(6, 1))
    (surface,) = surfaces(tables, freezing_wise(tables))
    with figure_style():
        figure = surface_figure(surface)
        left, right = figure.axes[0], figure.axes[1]
        diamonds = [line for line in left.lines if line.get_marker() == "D"]
        assert [line.get_xydata().tolist() for line in diamonds] == [[[32.0, 4.0]]]  # pyright: ignore
        assert [text.get_text() for text in left.get_yticklabels()] == ["0", "2", "4", "6", "8", "10", "12"]
        assert len(right.lines) == 5
        named = [text.get_text() for text in figure.legends[0].get_texts()]
        assert "after 32 *" in named and {"epoch-wise peak", "freezing-wise peak", "train error 5 %"} <= set(named)


def test_the_legend_names_what_is_drawn(tmp_path: Path) -> None:
    tables = _tables(tmp_path, skipped=(6, 1))
    (surface,) = surfaces(tables, freezing_wise(tables))
    bare = replace(surface, ridge={}, verdicts=dict.fromkeys(surface.verdicts), train=np.ones_like(surface.train))
    with figure_style():
        named = [text.get_text() for text in surface_figure(bare).legends[0].get_texts()]
    assert named and all(name.startswith("after ") and "*" not in name for name in named)


def test_the_commands_write_table_and_figure(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = sweep_text(40, "[0, 4, 8, 10, 12]", 2)
    (tmp_path / "sweep.yaml").write_text(text)
    _, runs = planned(text, tmp_path / "store")
    for spec in runs.values():
        finished(tmp_path / "store", spec, passing)
    for command in ("tables", "summary"):
        out = tmp_path / command
        ask = [command, str(tmp_path / "sweep.yaml"), "--store", str(tmp_path / "store"), "--out", str(out)]
        assert main(ask) == 0
        printed = capsys.readouterr().out
        budgets = pd.read_csv(out / "budgets.csv")
        assert budgets["budget"].tolist() == pq.read_table(out / "budgets.parquet")["budget"].to_pylist()
        assert int(budgets["budget"].to_numpy().max()) == 40 and f"{out / 'surface.csv'}" in printed
    assert (tmp_path / "summary" / "figures" / "surface_resnet14-w4.png").stat().st_size > 0
