"""Test and train error against epoch: one panel per point of an axis, the verdicts drawn in."""

from __future__ import annotations

import math

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import FuncFormatter, LogLocator, NullLocator

from analysis.report.drawing.fit import legend_above
from analysis.report.drawing.size import TWO_COLUMNS, FigureSize
from analysis.report.figure_style import QUIET, TEST, TRAIN, mark_handles, mark_verdict, quiet_grid
from analysis.report.wording import axis_name, shape_text
from analysis.statistics.intervals import intervals
from analysis.tables.along_axes import AxisVerdict
from analysis.tables.collect import Tables
from analysis.tables.curves import INTERPOLATES_AT, Array, Rows

MOST_POINTS = 160  # of a drawn curve, spread evenly over log(epoch)
MOST_COLUMNS = 5
PANEL_WIDTH = 1.3  # inches, at a font of 8 points
HEADROOM = 1.7


def epoch_figure(tables: Tables, each: AxisVerdict, size: FigureSize = TWO_COLUMNS) -> Figure:
    """Small multiples, one per cell of the group, all on the same axes. Call inside figure_style()."""
    cells = each.group.cells
    rows = math.ceil(len(cells) / size.columns(MOST_COLUMNS, PANEL_WIDTH))
    columns = math.ceil(len(cells) / rows)
    figure = Figure(figsize=(size.width, (0.95 + 0.45 * size.scale) * rows + 0.3 * size.scale), layout="constrained")
    grid = figure.subplots(rows, columns, sharex=True, sharey=True, squeeze=False)
    panels = list(grid.flat)
    top = 0.0
    for axes, cell, value in zip(panels, cells, each.group.values, strict=False):
        done = _done(tables, int(cell))
        _panel(axes, tables, int(cell), done)
        top = np.fmax(top, _upper(tables, int(cell), done))
        shape = shape_text(tables.verdicts[int(cell)]).replace("not significant", "not\N{NO-BREAK SPACE}significant")
        axes.set_title(f"{axis_name(each)} = {value:g} (n = {len(done)})\n{shape}", pad=3, loc="left")
    for axes in panels[len(cells) :]:
        axes.remove()
    for column in range(columns):  # the lowest panel of each column carries the epochs
        lowest = panels[max(index for index in range(column, len(cells), columns))]
        lowest.xaxis.set_tick_params(labelbottom=True)
    panels[0].set_ylim(0.0, 100 * min(_highest(tables.curves.test_error), top) if top > 0 else 100.0)
    figure.supxlabel("epoch")
    figure.supylabel("error (%)")
    legend_above(figure, _handles())
    return figure


def _handles() -> list[Line2D | Patch]:
    return [
        Line2D([], [], color=TEST, linewidth=1.3, label="test error"),
        Line2D([], [], color=TRAIN, linewidth=1.1, linestyle=(0, (4, 1.5)), label="train error, labels as given"),
        Patch(facecolor=QUIET, alpha=0.3, label="95 % interval of the mean"),
        Line2D([], [], color=QUIET, linewidth=0.8, linestyle=":", label=f"train error {100 * INTERPOLATES_AT:g} %"),
        *mark_handles(),
    ]


def _done(tables: Tables, cell: int) -> Rows:
    rows = tables.rows[cell]
    return rows[tables.runs["status"].iloc[rows].to_numpy() == "done"]


def _panel(axes: Axes, tables: Tables, cell: int, done: Rows) -> None:
    longest = int(tables.curves.last_epochs().max(initial=0))
    axes.set_xscale("log")
    axes.xaxis.set_major_locator(LogLocator(10.0, subs=(1.0, 3.0) if longest < 1000 else (1.0,)))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_major_formatter(FuncFormatter(lambda epoch, _: f"{epoch:,.0f}"))
    quiet_grid(axes)
    if not len(done):
        axes.text(0.5, 0.5, "no run is done", transform=axes.transAxes, ha="center", color=QUIET)
        return
    epochs, test, train = tables.curves.cell(done)
    shown = drawn_points(len(epochs))
    _line(axes, epochs[shown], train[:, shown], TRAIN, (0, (4, 1.5)), 1.1)
    _line(axes, epochs[shown], test[:, shown], TEST, "-", 1.3)
    crossing = tables.cells["epochs_to_5"].iloc[cell]
    if np.isfinite(crossing):
        axes.axvline(float(crossing), color=QUIET, linewidth=0.8, linestyle=":", zorder=1)
    verdict = tables.verdicts[cell]
    if verdict is not None:
        mark_verdict(axes, verdict, epochs[shown], _whole_mean(test)[shown], size=4.5)


def drawn_points(length: int) -> Rows:
    """Indices of the epochs to draw: all of a short curve, evenly spread in log(epoch) of a long one."""
    if length <= MOST_POINTS:
        return np.arange(length)
    return np.unique(np.round(np.geomspace(1, length, MOST_POINTS)).astype(np.intp)) - 1


def _whole_mean(errors: Array) -> Array:
    """The mean over seeds where all have a value, else NaN. errors: (seeds, points)."""
    return np.where(np.isfinite(errors).all(axis=0), errors.mean(axis=0), np.nan)


def _line(axes: Axes, epochs: Array, errors: Array, color: str, style: object, width: float) -> None:
    """Mean over seeds with the interval of the mean, where all seeds have a value. errors: (seeds,
    points).
    """
    whole = np.isfinite(errors).all(axis=0)
    epochs, errors = epochs[whole], 100 * errors[:, whole]
    axes.plot(epochs, errors.mean(axis=0), color=color, linewidth=width, linestyle=style)  # type: ignore[arg-type]
    if len(errors) > 1 and len(epochs):
        low, high = intervals(errors.T).T
        axes.fill_between(epochs, low, high, color=color, alpha=0.22, linewidth=0)


def _highest(errors: Array) -> float:
    """The error that no panel exceeds: 1, or for a regression, whose errors may be above 1, just over the largest."""
    largest = float(np.max(errors, initial=0.0, where=np.isfinite(errors)))
    return 1.0 if largest <= 1.0 else 1.05 * largest


def _upper(tables: Tables, cell: int, rows: Rows) -> float:
    """The error up to which a panel should reach: well above where the test error ends and where it peaks.

    The first epochs, where every network is near chance, may leave the panel at the top: with them in it,
    nothing of what follows could be seen.
    """
    if not len(rows):
        return 0.0
    verdict = tables.verdicts[cell]
    peak = verdict.peak.error if verdict is not None and verdict.peak is not None else 0.0
    return HEADROOM * max(float(tables.cells["final_test_error"].iloc[cell]), peak)
