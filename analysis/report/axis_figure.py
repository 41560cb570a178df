"""Final errors along one axis (frozen depth, width, set sizes), interpolation marked, the verdict drawn in."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FuncFormatter, MaxNLocator, NullLocator
from matplotlib.transforms import offset_copy

from analysis.report.drawing.fit import legend_above
from analysis.report.drawing.labels import axis_label
from analysis.report.drawing.size import TWO_COLUMNS, FigureSize
from analysis.report.figure_style import QUIET, TEST, TRAIN, mark_handles, mark_verdict, quiet_grid
from analysis.statistics.intervals import mean_interval
from analysis.tables.along_axes import FROZEN, AxisVerdict
from analysis.tables.collect import Tables
from analysis.tables.curves import INTERPOLATES_AT, Array

MOST_TICKS = 15


def axis_figure(tables: Tables, each: AxisVerdict, size: FigureSize = TWO_COLUMNS) -> Figure:
    """Two panels: final test error, final train error; in one column one below the other.

    Call inside figure_style().
    """
    height = (1.7 if size.narrow else 2.0) + 0.6 * size.scale
    figure = Figure(figsize=(size.width, 1.75 * height if size.narrow else height), layout="constrained")
    rows, columns = (2, 1) if size.narrow else (1, 2)
    ratios = None if size.narrow else (3, 2)
    left, right = figure.subplots(rows, columns, sharex=True, width_ratios=ratios)
    for axes in (left, right):
        _x_axis(axes, tables, each)
        quiet_grid(axes)
        _threshold(axes, each)
    _errors(left, each, each.test, TEST)
    _errors(right, each, each.train, TRAIN)
    left.set_ylabel("final test error (%)")
    right.set_ylabel("final train error (%)\nlabels as given")
    right.axhline(100 * INTERPOLATES_AT, color=QUIET, linewidth=0.8, linestyle=":")
    right.set_ylim(bottom=-1.5)
    left.margins(y=0.1)
    if size.narrow:
        left.set_xlabel("")
    if each.verdict is not None:
        _, means, _, _ = _means(each, each.test)
        mark_verdict(left, each.verdict, each.group.values, means / 100, size=10.0, around=True)
    legend_above(figure, _handles(each))
    return figure


def _handles(each: AxisVerdict) -> list[Line2D]:
    dot = {"marker": "o", "color": QUIET, "markersize": 5}
    return [
        Line2D([], [], **dot, label="interpolates"),
        Line2D([], [], **dot, markerfacecolor="white", label="does not interpolate"),
        Line2D([], [], marker=".", color=QUIET, alpha=0.6, markersize=4, linestyle="none", label="one seed"),
        *(
            [Line2D([], [], color=QUIET, linewidth=0.9, linestyle="--", label="interpolation threshold")]
            if each.threshold is not None
            else []
        ),
        *(mark_handles(7.0) if each.verdict is not None and each.verdict.points() else []),
    ]


def _x_axis(axes: Axes, tables: Tables, each: AxisVerdict) -> None:
    if each.group.axis == FROZEN:
        if len(each.group.values) <= MOST_TICKS:
            axes.set_xticks(each.group.values)
        else:
            axes.xaxis.set_major_locator(MaxNLocator(integer=True, nbins=MOST_TICKS))
        margin = 0.05 * (each.group.values[-1] - each.group.values[0])
        axes.set_xlim(each.group.values[0] - margin, each.group.values[-1] + margin)  # unfinished depths stay visible
    elif each.group.values.min() > 0:
        axes.set_xscale("log")
        axes.set_xticks(each.group.values)
        axes.xaxis.set_minor_locator(NullLocator())
        axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.0f}"))
    head_only = _head_only(tables, each) if each.group.axis == FROZEN else None
    axes.set_xlabel(axis_label(each.group.axis, head_only))


def _head_only(tables: Tables, each: AxisVerdict) -> int | None:
    """The frozen depth at which the head alone trains, as the runs' own ladder says."""
    for cell in each.group.cells:
        for row in tables.rows[cell]:
            result = tables.sweep.runs[row].result
            if result is not None:
                return len(result.ladder) - 1
    return None


def _errors(axes: Axes, each: AxisVerdict, errors: Array, color: str) -> None:
    """Every seed as a dot, the mean over seeds with its interval, filled where the point interpolates."""
    x, means, low, high = _means(each, errors)
    beside = offset_copy(axes.transData, fig=axes.get_figure(root=True), x=4.5, units="points")
    for seed in errors:
        axes.plot(
            x, 100 * seed, ".", color=color, alpha=0.6, markersize=4, markeredgewidth=0, transform=beside, zorder=2
        )
    known = np.isfinite(means)
    axes.plot(x[known], means[known], color=color, linewidth=1.2, zorder=3)
    spread = np.isfinite(low)
    axes.vlines(x[spread], low[spread], high[spread], color=color, linewidth=1.1, zorder=3)
    for filled in (True, False):
        chosen = known & ((each.interpolates == 1.0) == filled)
        face = color if filled else "white"
        axes.plot(x[chosen], means[chosen], "o", color=color, markerfacecolor=face, markersize=5.0, zorder=4)


def _means(each: AxisVerdict, errors: Array) -> tuple[Array, Array, Array, Array]:
    """Positions, means over seeds and the ends of their intervals, each (points,), errors in per cent."""
    table = 100 * np.array([mean_interval(errors[:, point]) for point in range(errors.shape[1])])
    return each.group.values, table[:, 0], table[:, 1], table[:, 2]


def _threshold(axes: Axes, each: AxisVerdict) -> None:
    if each.threshold is None:
        return
    inside, outside = each.threshold
    middle = np.sqrt(inside * outside) if axes.get_xscale() == "log" else (inside + outside) / 2
    axes.axvline(float(middle), color=QUIET, linewidth=0.9, linestyle="--", zorder=1)
