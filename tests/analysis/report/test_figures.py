"""Figures: the right points are drawn, files are complete, the same data gives the same bytes."""

import hashlib
from pathlib import Path

import matplotlib
import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg

from analysis.report.axis_figure import axis_figure
from analysis.report.epoch_figure import drawn_points, epoch_figure
from analysis.report.figure_style import MARKS, TEST, TRAIN, figure_style
from analysis.report.figures import draw_figures
from analysis.tables.along_axes import freezing_wise
from analysis.tables.collect import Tables, collect
from analysis.tables.load import read_sweep
from tests.analysis.store_factory import finished, planned, sweep_text, whole

STARTS = {".png": b"\x89PNG", ".pdf": b"%PDF-", ".svg": b"<?xml", ".txt": b"resnet14-w4: ", ".tex": b"% needs "}


@pytest.fixture(scope="module")
def tables(tmp_path_factory: pytest.TempPathFactory) -> Tables:
    store = tmp_path_factory.mktemp("store")
    return collect(read_sweep(whole(store, sweep_text(epochs=40)), store))


def test_files_are_complete_and_deterministic(tables: Tables, tmp_path: Path) -> None:
    before = dict(matplotlib.rcParams)
    digests = []
    for attempt in ("first", "second"):
        (group,) = draw_figures(tables, freezing_wise(tables), tmp_path / attempt)
        assert len(set(group.files())) == 3 * len(STARTS)
        for path in group.files():
            assert path.read_bytes().startswith(STARTS[path.suffix]), path
        digests.append([hashlib.sha256(path.read_bytes()).hexdigest() for path in group.files()])
    assert digests[0] == digests[1]
    assert dict(matplotlib.rcParams) == before


def test_epoch_panels_hold_the_mean_curves_and_the_verdict(tables: Tables) -> None:
    (verdict,) = freezing_wise(tables)
    with figure_style():
        figure = epoch_figure(tables, verdict)
        FigureCanvasAgg(figure).draw()
    assert len(figure.axes) == 14
    for axes, cell in zip(figure.axes, verdict.group.cells, strict=True):
        _, test, train = tables.curves.cell(tables.rows[cell])
        by_colour = {line.get_color(): np.asarray(line.get_ydata()) for line in axes.lines if line.get_linewidth() > 1}
        np.testing.assert_allclose(by_colour[TEST], 100 * test.mean(axis=0))
        np.testing.assert_allclose(by_colour[TRAIN], 100 * train.mean(axis=0))
        marks = [line for line in axes.lines if line.get_marker() in MARKS.values()]
        assert len(marks) == (3 if verdict.group.values[list(verdict.group.cells).index(cell)] < 11 else 0)
        assert "(n = 3)" in axes.get_title(loc="left")


def test_epoch_panels_reach_errors_above_1(tmp_path: Path) -> None:
    """The errors of a regression, as shares of the variance; a run that diverged does not decide."""
    sweep, runs = planned(sweep_text(epochs=12, frozen="[0, 1]", last_seed=1), tmp_path)
    for number, spec in enumerate(runs.values()):
        last = np.inf if number == 0 else 2.0
        finished(tmp_path, spec, lambda _, epochs, last=last: (np.where(epochs == 12, last, 1.5), 0 * epochs))
    tables = collect(read_sweep(sweep, tmp_path))
    (verdict,) = freezing_wise(tables)
    with figure_style():
        top = epoch_figure(tables, verdict).axes[0].get_ylim()[1]
    assert top == pytest.approx(210)


def test_final_errors_mark_interpolation_and_the_threshold(tables: Tables) -> None:
    (verdict,) = freezing_wise(tables)
    with figure_style():
        figure = axis_figure(tables, verdict)
        FigureCanvasAgg(figure).draw()
    left = figure.axes[0]
    circles = [line for line in left.lines if line.get_marker() == "o"]
    filled = next(line for line in circles if line.get_markerfacecolor() == TEST)
    hollow = next(line for line in circles if line.get_markerfacecolor() == "white")
    assert list(np.asarray(filled.get_xdata())) == list(range(11))
    assert list(np.asarray(hollow.get_xdata())) == [11, 12, 13]
    assert any(list(np.asarray(line.get_xdata())) == [10.5, 10.5] for line in left.lines)
    assert {str(line.get_marker()) for line in left.lines} >= set(MARKS.values())
    said = {text.get_text() for text in figure.legends[0].get_texts()}
    assert said >= {"first minimum", "peak", "second minimum", "interpolation threshold"}
    assert "13 = head only" in left.get_xlabel()


def test_unfinished_groups_are_drawn_with_what_there_is(tmp_path: Path) -> None:
    sweep, runs = planned(sweep_text(epochs=6, frozen="[0, 1, 2]", last_seed=1), tmp_path)
    spec = next(spec for spec in runs.values() if spec.transfer.frozen == 1)
    finished(tmp_path, spec)
    tables = collect(read_sweep(sweep, tmp_path))
    assert len(draw_figures(tables, freezing_wise(tables), tmp_path)) == 1


def test_a_sweep_without_results_has_no_figures(tmp_path: Path) -> None:
    sweep, _ = planned(sweep_text(epochs=6), tmp_path)
    tables = collect(read_sweep(sweep, tmp_path))
    assert draw_figures(tables, freezing_wise(tables), tmp_path) == ()


def test_long_curves_are_thinned_evenly_in_log_epoch() -> None:
    assert list(drawn_points(100)) == list(range(100))
    points = drawn_points(4000)
    assert len(points) <= 160
    assert (points[0], points[-1]) == (0, 3999)
    steps = np.diff(np.log(points[60:] + 1))
    assert steps.max() < 2.5 * np.median(steps)
