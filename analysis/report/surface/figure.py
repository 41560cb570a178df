"""A heat map of test error over (epoch x frozen units), and beside it the errors along frozen units at each budget."""

from __future__ import annotations

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FuncFormatter, LogLocator, NullLocator

from analysis.report.drawing.fit import legend_above
from analysis.report.drawing.labels import axis_label
from analysis.report.drawing.size import TWO_COLUMNS, FigureSize
from analysis.report.figure_style import VERDICT, quiet_grid
from analysis.report.surface.errors import Surface
from analysis.statistics.intervals import Array
from analysis.tables.along_axes import FROZEN
from analysis.tables.curves import INTERPOLATES_AT

COLOURS = "cividis"  # ascends in lightness, and is told apart with every kind of colour vision
MOST_BUDGETS = 5


def surface_figure(surface: Surface, size: FigureSize = TWO_COLUMNS) -> Figure:
    """Two panels that share the frozen units, in one column one below the other. Errors in per cent.

    Call inside figure_style().
    """
    height = 2.0 + 0.6 * size.scale
    figure = Figure(figsize=(size.width, 1.8 * height if size.narrow else height), layout="constrained")
    rows, columns = (2, 1) if size.narrow else (1, 2)
    left, right = figure.subplots(rows, columns, sharey=True, width_ratios=None if size.narrow else (3, 2))
    _heat_map(figure, left, surface)
    _contour(left, surface)
    _ridges(left, surface)
    budgets = _budgets(right, surface)
    if size.narrow:
        right.set_ylabel(left.get_ylabel())
    handles = [sign for sign, drawn in _signs(surface) if drawn]
    legend_above(figure, [*handles, *budgets])
    return figure


def _signs(surface: Surface) -> list[tuple[Line2D, bool]]:
    """The legend's signs, and whether the figure has any of them."""
    epochs = Line2D(
        [], [], color="white", markeredgecolor=VERDICT, marker="^", linestyle="none", label="epoch-wise peak"
    )
    frozen = Line2D([], [], color=VERDICT, marker="D", markersize=4, linestyle=":", label="freezing-wise peak")
    fitted = Line2D([], [], color=VERDICT, linewidth=1.2, label=f"train error {100 * INTERPOLATES_AT:g} %")
    crossed = bool((surface.train <= INTERPOLATES_AT).any())
    return [(epochs, bool(surface.ridge)), (frozen, bool(surface.persists)), (fitted, crossed)]


def persistence_text(surface: Surface) -> str:
    """At which budgets there is a freezing-wise double descent: `at 80 and 160 of 10, 20, 40, 80, 160 epochs`."""
    budgets = ", ".join(f"{epochs}" for epochs in surface.verdicts)
    found = surface.persists
    if not found:
        return f"no significant freezing-wise double descent at {budgets} epochs"
    which = f"{found[0]}" if len(found) == 1 else f"{', '.join(map(str, found[:-1]))} and {found[-1]}"
    return f"freezing-wise double descent at {which} of {budgets} epochs"


def _heat_map(figure: Figure, axes: Axes, surface: Surface) -> None:
    """Every depth is a band, every evaluated epoch a step; what is missing stays white."""
    known = np.isfinite(surface.test)
    order = 100 * surface.test[known]
    colours = matplotlib.colormaps[COLOURS]
    mesh = axes.pcolormesh(
        _edges(np.log10(surface.epochs), 10.0), np.arange(len(surface.frozen) + 1) - 0.5,
        np.ma.masked_invalid(100 * surface.test), cmap=colours, rasterized=True,
        vmin=float(order.min()), vmax=float(np.quantile(order, 0.97)),
    )  # fmt: skip
    bar = figure.colorbar(mesh, ax=axes, pad=0.015, fraction=0.05, extend="max")
    bar.set_label("test error (%)")
    bar.outline.set_visible(False)  # pyright: ignore[reportCallIssue, reportAttributeAccessIssue]
    axes.set_xscale("log")
    axes.xaxis.set_major_locator(LogLocator(10.0, subs=(1.0, 3.0)))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.0f}"))
    axes.set_xlabel("epoch")
    axes.set_yticks(np.arange(len(surface.frozen)), [f"{value:g}" for value in surface.frozen])
    axes.set_ylabel(axis_label(FROZEN))


def _edges(logarithms: Array, base: float) -> Array:
    """Limits of the steps around evaluated epochs, half way between neighbours on the logarithmic axis."""
    if len(logarithms) == 1:
        return base ** np.array([logarithms[0] - 0.1, logarithms[0] + 0.1])
    middle = (logarithms[1:] + logarithms[:-1]) / 2
    first, last = 2 * logarithms[0] - middle[0], 2 * logarithms[-1] - middle[-1]
    return base ** np.concatenate([[first], middle, [last]])


def _contour(axes: Axes, surface: Surface) -> None:
    """Where the mean train error first crosses the interpolation threshold, from depth to depth."""
    crossed = [np.flatnonzero(train <= INTERPOLATES_AT) for train in surface.train]
    x = np.array([surface.epochs[at[0]] if len(at) else np.nan for at in crossed])
    places = np.arange(len(x))
    axes.vlines(x, places - 0.5, places + 0.5, color=VERDICT, linewidth=1.2)
    axes.hlines(places[:-1] + 0.5, x[:-1], x[1:], color=VERDICT, linewidth=1.2)


def _ridges(axes: Axes, surface: Surface) -> None:
    """Peaks along epochs at each depth, and along depths at each budget."""
    places = {float(value): place for place, value in enumerate(surface.frozen)}
    for frozen, (epoch, _) in surface.ridge.items():
        axes.plot([epoch], [places[frozen]], "^", markersize=5, markerfacecolor="white", markeredgecolor=VERDICT)
    found = [
        (budget, float(np.interp(verdict.peak.position, surface.frozen, np.arange(len(surface.frozen)))))
        for budget in surface.persists
        if (verdict := surface.verdicts[budget]) is not None and verdict.peak is not None
    ]
    if found:
        axes.plot(*zip(*found, strict=True), "D:", color=VERDICT, markersize=4, linewidth=1.0, clip_on=False)


def _budgets(axes: Axes, surface: Surface) -> list[Line2D]:
    """Errors along frozen units after each of the last budgets, darker the longer; the lines. * = double descent."""
    budgets = list(surface.verdicts)[-MOST_BUDGETS:]
    shades = matplotlib.colormaps["Greys"](np.linspace(0.35, 1.0, len(budgets)))
    lines = []
    for budget, shade in zip(budgets, shades, strict=True):
        at = int(np.searchsorted(surface.epochs, budget))
        errors = 100 * surface.test[:, at]
        known = np.isfinite(errors)
        label = f"after {budget}" + (" *" if budget in surface.persists else "")
        lines += axes.plot(
            errors[known], np.flatnonzero(known), "o-", color=shade, markersize=3, linewidth=1.1, label=label
        )
    axes.set_xlabel("test error (%)")
    quiet_grid(axes)
    axes.tick_params(labelleft=True)
    return lines
