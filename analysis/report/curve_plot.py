"""Curves on one pair of axes, for a notebook: means over seeds, every seed, the verdicts drawn in."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, LogLocator, NullLocator

from analysis.detector.verdict import Verdict
from analysis.report.drawing.fit import legend_above
from analysis.report.drawing.labels import axis_label
from analysis.report.figure_style import mark_verdict, quiet_grid
from analysis.report.wording import AXIS_WORDS, shape_text
from analysis.statistics.intervals import intervals
from analysis.tables.along_axes import FROZEN, AxisVerdict
from analysis.tables.collect import Tables
from analysis.tables.curves import Array
from analysis.tables.verdict_frame import cell_fields_and_labels

EPOCH = "epoch"
MOST_CURVES = 20
MOST_WITH_SEEDS = 3
"""Curves up to which intervals and seeds are drawn: of more, the means alone can be read."""
# Okabe and Ito (2008); more curves than colours are drawn along a scale.
_COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#E69F00")


class Curve(NamedTuple):
    """errors: (seeds, points) as fractions, NaN = missing. fields: what its runs have in common."""

    label: str
    x: Array
    errors: Array
    verdict: Verdict | None
    fields: Mapping[str, Any]


def curves_along(along: Sequence[AxisVerdict], axis: str) -> list[Curve]:
    """Final test errors of each group of a sweep along an axis."""
    chosen = [each for each in along if each.group.axis == axis]
    return [Curve(each.group.label, each.group.values, each.test, each.verdict, each.group.fields) for each in chosen]


def curves_over_epochs(tables: Tables) -> list[Curve]:
    """Test error against epoch of each cell that has a finished run."""
    done = tables.runs["status"].to_numpy() == "done"
    found = []
    for (fields, label), rows, verdict in zip(
        cell_fields_and_labels(tables.cells), tables.rows, tables.verdicts, strict=True
    ):
        if done[rows].any():
            epochs, test, _ = tables.curves.cell(rows[done[rows]])
            found.append(Curve(label, epochs, test, verdict, fields))
    return found


def draw(axes: Axes, curves: Sequence[Curve], axis: str, paper: bool = False) -> None:
    """Draw curves, errors in per cent: the mean with its 95 % interval, each seed, a verdict's points as signs.

    paper: the axes are those of a figure of its own for a paper: no title, one curve too has its place in the legend,
    which stands above. Raises ValueError for more than MOST_CURVES curves: nobody could tell them apart.
    """
    if len(curves) > MOST_CURVES:
        raise ValueError(f"{len(curves)} curves; at most {MOST_CURVES} are drawn: choose some with where={{...}}")
    _x_axis(axes, curves, axis)
    for curve, colour in zip(curves, _colours(len(curves)), strict=True):
        _curve(axes, curve, axis, colour, alone=len(curves) <= MOST_WITH_SEEDS)
    quiet_grid(axes)
    axes.set_ylabel("test error (%)" if axis == EPOCH else "final test error (%)")
    if paper:
        figure = axes.get_figure(root=True)
        assert figure is not None
        legend_above(figure, axes.get_legend_handles_labels()[0])
    elif len(curves) == 1:
        axes.set_title(_caption(curves[0], axis), fontsize="medium")
    elif curves:
        outside = {"loc": "center left", "bbox_to_anchor": (1.0, 0.5)} if len(curves) > MOST_WITH_SEEDS else {}
        axes.legend(fontsize="small", frameon=False, **outside)


def _colours(number: int) -> Sequence[Any]:
    if number <= len(_COLOURS):
        return _COLOURS[:number]
    return matplotlib.colormaps["viridis"](np.linspace(0.0, 0.9, number)).tolist()


def _x_axis(axes: Axes, curves: Sequence[Curve], axis: str) -> None:
    axes.set_xlabel(axis_label(axis) if axis in AXIS_WORDS else axis)
    if axis not in (FROZEN, "frozen") and all(curve.x.min(initial=np.inf) > 0 for curve in curves):
        axes.set_xscale("log")
        axes.xaxis.set_major_locator(LogLocator(10.0, subs=(1.0, 3.0)))
        axes.xaxis.set_minor_locator(NullLocator())
        axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,g}"))


def _caption(curve: Curve, axis: str) -> str:
    label = f"{curve.label}, " if curve.label else ""
    shape = "" if curve.verdict is None else f": {shape_text(curve.verdict, axis)}"
    return f"{label}n = {len(curve.errors)}{shape}"


def _curve(axes: Axes, curve: Curve, axis: str, colour: Any, alone: bool) -> None:
    known = np.isfinite(curve.errors).any(axis=0)
    x, errors = curve.x[known], 100 * curve.errors[:, known]
    axes.plot(x, np.nanmean(errors, axis=0), color=colour, linewidth=1.5, label=_caption(curve, axis), zorder=3)
    if alone:
        _seeds(axes, x, errors, axis, colour)
    if curve.verdict is not None:
        mark_verdict(axes, curve.verdict, x, np.nanmean(curve.errors[:, known], axis=0), size=6.0)


def _seeds(axes: Axes, x: Array, errors: Array, axis: str, colour: Any) -> None:
    """Each seed, and the 95 % interval of the mean where every seed has a value. errors: (seeds, points), per cent."""
    whole = np.isfinite(errors).all(axis=0)
    if len(errors) > 1 and whole.any():
        low, high = intervals(errors[:, whole].T).T
        axes.fill_between(x[whole], low, high, color=colour, alpha=0.18, linewidth=0)
    style: dict[str, Any] = {"linewidth": 0.5} if axis == EPOCH else {"linestyle": "none", "marker": "."}
    for seed in errors:
        axes.plot(x, seed, color=colour, alpha=0.45, zorder=2, **style)
