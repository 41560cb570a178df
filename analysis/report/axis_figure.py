"""Final errors along one axis (frozen depth, width, set sizes), interpolation marked, the verdict drawn in."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FuncFormatter, MaxNLocator, NullLocator
from matplotlib.transforms import offset_copy

from analysis.report.figure_style import QUIET, TEST, TRAIN, VERDICT, WIDTH, quiet_grid
from analysis.report.wording import axis_text, axis_words
from analysis.statistics.intervals import mean_interval
from analysis.tables.along_axes import FROZEN, AxisVerdict
from analysis.tables.collect import Tables
from analysis.tables.curves import INTERPOLATES_AT, Array

HEIGHT = 3.1
MOST_TICKS = 15


def axis_figure(tables: Tables, each: AxisVerdict) -> Figure:
    """Two panels: final test error, final train error. Call inside figure_style()."""
    figure = Figure(figsize=(WIDTH, HEIGHT))
    left, right = figure.subplots(1, 2, sharex=True, width_ratios=(3, 2))
    for axes in (left, right):
        _x_axis(axes, tables, each)
        quiet_grid(axes)
        _threshold(axes, each)
    _errors(left, each, each.test, TEST)
    _errors(right, each, each.train, TRAIN)
    left.set_ylabel("final test error (%)")
    right.set_ylabel("final train error (%), labels as given")
    right.axhline(100 * INTERPOLATES_AT, color=QUIET, linewidth=0.8, linestyle=":")
    right.set_ylim(bottom=-1.5)
    left.margins(y=0.2)
    if each.verdict is not None:
        _verdict(left, each)
    _layout(figure, each)
    return figure


def _layout(figure: Figure, each: AxisVerdict) -> None:
    figure.subplots_adjust(left=0.075, right=0.99, bottom=0.15, top=0.76, wspace=0.2)
    figure.text(0.075, 0.975, each.group.label, ha="left", va="top", fontsize=10)
    figure.text(0.075, 0.91, axis_text(each, brief=True), ha="left", va="top")
    interpolating = f"train error at most {100 * INTERPOLATES_AT:g} %"
    handles = [
        Line2D([], [], marker="o", color=QUIET, markersize=5, label=f"{interpolating} in most seeds"),
        Line2D([], [], marker="o", color=QUIET, markersize=5, markerfacecolor="white", label="not interpolating"),
        Line2D([], [], marker=".", color=QUIET, alpha=0.6, markersize=4, linestyle="none", label="one seed"),
        Line2D([], [], color=QUIET, linewidth=0.9, linestyle="--", label="interpolation threshold"),
    ]
    figure.legend(
        handles=handles, loc="upper left", bbox_to_anchor=(0.067, 0.855), ncols=4, frameon=False,
        handlelength=2.0, columnspacing=1.5, borderaxespad=0.0,
    )  # fmt: skip


def _x_axis(axes: Axes, tables: Tables, each: AxisVerdict) -> None:
    label = axis_words(each)
    if each.group.axis == FROZEN:
        if len(each.group.values) <= MOST_TICKS:
            axes.set_xticks(each.group.values)
        else:
            axes.xaxis.set_major_locator(MaxNLocator(integer=True, nbins=MOST_TICKS))
        margin = 0.05 * (each.group.values[-1] - each.group.values[0])
        axes.set_xlim(each.group.values[0] - margin, each.group.values[-1] + margin)  # unfinished depths stay visible
        head_only = _head_only(tables, each)
        label += "" if head_only is None else f" ({head_only} = head only)"
    elif each.group.values.min() > 0:
        axes.set_xscale("log")
        axes.set_xticks(each.group.values)
        axes.xaxis.set_minor_locator(NullLocator())
        axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.0f}"))
    axes.set_xlabel(label)


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
    x, means, low, high = each.group.values, *_means(errors)
    beside = offset_copy(axes.transData, fig=axes.get_figure(root=True), x=4.5, units="points")
    for seed in errors:
        axes.plot(
            x, 100 * seed, ".", color=color, alpha=0.6, markersize=4, markeredgewidth=0, transform=beside, zorder=2
        )
    known = np.isfinite(means)
    axes.plot(x[known], 100 * means[known], color=color, linewidth=1.2, zorder=3)
    spread = np.isfinite(low)
    axes.vlines(x[spread], 100 * low[spread], 100 * high[spread], color=color, linewidth=1.1, zorder=3)
    for filled in (True, False):
        chosen = known & ((each.interpolates == 1.0) == filled)
        face = color if filled else "white"
        axes.plot(x[chosen], 100 * means[chosen], "o", color=color, markerfacecolor=face, markersize=5.0, zorder=4)


def _means(errors: Array) -> tuple[Array, Array, Array]:
    table = np.array([mean_interval(errors[:, point]) for point in range(errors.shape[1])])
    return table[:, 0], table[:, 1], table[:, 2]


def _threshold(axes: Axes, each: AxisVerdict) -> None:
    if each.threshold is None:
        return
    inside, outside = each.threshold
    middle = np.sqrt(inside * outside) if axes.get_xscale() == "log" else (inside + outside) / 2
    axes.axvline(float(middle), color=QUIET, linewidth=0.9, linestyle="--", zorder=1)


def _verdict(axes: Axes, each: AxisVerdict) -> None:
    assert each.verdict is not None
    words = {"first_min": "first minimum", "peak": "peak", "second_min": "second minimum"}
    for name, point in each.verdict.points().items():
        x, above = point.position, name == "peak"
        at = int(np.argmin(np.abs(each.group.values - x)))
        _, low, high = mean_interval(each.test[:, at])
        reach = np.append(each.test[:, at], [low, high])
        axes.annotate(
            words[name], (x, 100 * float(np.nanmax(reach) if above else np.nanmin(reach))),
            xytext=(0, 4 if above else -4), textcoords="offset points",
            ha="center", va="bottom" if above else "top", fontsize=7, color=VERDICT,
        )  # fmt: skip
