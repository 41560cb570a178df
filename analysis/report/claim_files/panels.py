"""The panels of the claims' figures. Errors come in as fractions and are drawn in per cent."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, NullLocator

from analysis.claims.sizes import Series
from analysis.claims.sources import MARGIN, Pair
from analysis.report.drawing.labels import MORE_KEPT, axis_label
from analysis.report.figure_style import QUIET, TEST, TRAIN, mark_verdict, quiet_grid
from analysis.report.wording import AXIS_WORDS, axis_shape_text, p_text
from analysis.statistics.intervals import Array, mean_interval
from analysis.statistics.paired import paired_mean
from analysis.tables.along_axes import FROZEN, AxisVerdict
from analysis.tables.curves import INTERPOLATES_AT


def size_panel(axes: Axes, series: Series) -> None:
    """A measure of single runs against the size of a set: a line for each seed, the median over seeds.

    A value that is only known to lie above something, and a median that depends on such values, is an open triangle
    there that no line leads to.
    """
    sizes = series.group.values
    axes.set_title(series.group.label, loc="left", pad=3)
    for values in series.seeds.values():
        ranges = np.array([values.get(size, (np.nan, np.nan)) for size in sizes.tolist()])
        _at_least(axes, sizes, series.scale * ranges, {"color": QUIET, "alpha": 0.45}, "")
    found = [[values[size] for values in series.seeds.values() if size in values] for size in sizes.tolist()]
    medians = np.array([np.median(ranges, axis=0) if ranges else (np.nan, np.nan) for ranges in found])
    style = {"color": TEST, "linewidth": 1.4, "markersize": 4.5}
    _at_least(axes, sizes, series.scale * medians, {**style, "label": "median over seeds"}, "o")
    axes.set_xscale("log")
    axes.set_xticks(sizes)
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.0f}"))
    axes.set_xlabel(AXIS_WORDS[series.group.axis])
    axes.set_ylabel(series.measure + (f" ({series.unit})" if series.unit else ""))
    axes.set_ylim(bottom=0)
    quiet_grid(axes)


def frozen_panel(axes: Axes, each: AxisVerdict) -> None:
    """Final test error against frozen units, filled where the cell interpolates, with the verdict's three points; the
    train error below it."""
    verdict = each.verdict
    assert verdict is not None
    p = "" if verdict.p_value is None else f", p = {p_text(verdict.p_value)}"
    axes.set_title(f"{each.group.label}: {axis_shape_text(verdict)}, n = {each.replicates}{p}", loc="left", pad=3)
    _mean_line(axes, each.group.values, each.test, TEST, each.interpolates)
    _mean_line(axes, each.group.values, each.train, TRAIN, each.interpolates)
    axes.axhline(100 * INTERPOLATES_AT, color=QUIET, linewidth=0.8, linestyle=":")
    means = np.array([mean_interval(errors)[0] for errors in each.test.T])
    mark_verdict(axes, verdict, each.group.values, means, size=8.0, around=True)
    axes.set_xlabel(axis_label(each.group.axis))
    axes.set_ylabel("error (%): test, train")
    axes.set_xticks(each.group.values[:: max(1, len(each.group.values) // 8)])
    quiet_grid(axes)


def difference_panel(axes: Axes, pair: Pair) -> None:
    """Paired differences at each frozen depth, shaded where the more related source is in a double descent."""
    axes.set_title(pair.name, loc="left", pad=3)
    depths = np.array(sorted(pair.differences))
    table = np.array([paired_mean(pair.differences[depth], pair.least_sd)[1:4] for depth in depths.tolist()])
    for depth in pair.inside:
        axes.axvspan(depth - 0.4, depth + 0.4, color=QUIET, alpha=0.15, linewidth=0)
    axes.axhline(0.0, color=QUIET, linewidth=0.8)
    axes.axhline(100 * MARGIN, color=QUIET, linewidth=0.8, linestyle=":")
    axes.vlines(depths, 100 * table[:, 1], 100 * table[:, 2], color=TEST, linewidth=1.1)
    axes.plot(depths, 100 * table[:, 0], "o", color=TEST, markersize=4.5)
    axes.set_xlabel(f"{AXIS_WORDS[FROZEN]} ({MORE_KEPT})")
    axes.set_ylabel("difference (points)")
    quiet_grid(axes)


def _at_least(axes: Axes, x: Array, ranges: Array, style: dict[str, Any], marker: str) -> None:
    """Values whose ends are one as a line; others as open triangles at their lower ends. ranges: (points, 2), NaN =
    none."""
    low, high = ranges.T
    known, open_above = np.isfinite(low), np.isfinite(low) & (low != high)
    here = known & ~open_above
    # Neighbours among the sizes that have a value are joined; an open one between two values parts them.
    axes.plot(x[known], np.where(here, low, np.nan)[known], linestyle="-", marker=marker, **style)
    triangle = {name: value for name, value in style.items() if name not in ("label", "alpha")}
    if open_above.any():
        axes.plot(x[open_above], low[open_above], linestyle="", marker="^", markerfacecolor="white", **triangle)


def _mean_line(axes: Axes, x: Array, errors: Array, color: str, interpolates: Array) -> None:
    """errors: (seeds, points). The mean with its 95 % interval."""
    means, low, high = np.array([mean_interval(errors[:, point]) for point in range(errors.shape[1])]).T
    known, spread = np.isfinite(means), np.isfinite(low)
    axes.plot(x[known], 100 * means[known], color=color, linewidth=1.2)
    axes.vlines(x[spread], 100 * low[spread], 100 * high[spread], color=color, linewidth=1.1)
    for filled in (True, False):
        chosen = known & ((interpolates == 1.0) == filled)
        face = color if filled else "white"
        axes.plot(x[chosen], 100 * means[chosen], "o", color=color, markerfacecolor=face, markersize=4.0)
