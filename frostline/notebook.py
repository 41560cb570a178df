"""What a notebook uses, in the words of the packages below."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

import numpy as np
from numpy.typing import ArrayLike

from analysis.advice.decide import Advice
from analysis.advice.decide import advise as decide_advice
from analysis.claims.decide import ClaimVerdict, all_claims
from analysis.detector.descent import Axis, detect
from analysis.loaded import LoadedSweep, load
from analysis.tables.along_axes import FEWEST_POINTS
from sweeps.errors import InputError

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["InputError", "advise", "claims", "detect", "load", "plot", "save_figure"]


def claims(sweep: LoadedSweep, related: Sequence[str] = ()) -> tuple[ClaimVerdict, ...]:
    """The claims C1 to C4 on a loaded sweep: supported, contradicted or undecided, each with its tests.

    related: source tasks from the most to the least related, for C4. Raises InputError for a task that no run uses.

    Example: `[(claim.claim, claim.decision) for claim in fl.claims(fl.load("quickstart"))]`.
    """
    return all_claims(sweep.tables, related)


def advise(sweep: LoadedSweep) -> Advice:
    """How deep to freeze each network of a loaded sweep: the best depths, those to avoid, what more data did.

    Example: `[(network.group, network.best) for network in fl.advise(fl.load("quickstart")).networks]`.
    """
    return decide_advice(sweep.tables, sweep.axis_verdicts)


def plot(
    data: LoadedSweep | ArrayLike,
    errors: ArrayLike | None = None,
    *,
    axis: str | None = None,
    where: Mapping[str, Any] | None = None,
    ax: Axes | None = None,
    width: str | float | None = None,
    font: float = 8.0,
) -> Axes:
    """Draw test errors with their verdicts; returns the matplotlib axes.

    A loaded sweep: `plot(sweep, axis="transfer.frozen")` draws final errors of each group along an axis, `axis="epoch"`
    the learning curves of each cell. By default the first axis that varies. where: values of fields that the curves
    must have, `{"model.family": "resnet"}`.

    Arrays: `plot(x, errors)` with x (points,) and errors (points,) or (seeds, points), as fractions, NaN = missing;
    `axis` as in `detect` ("epoch" by default).

    ax: matplotlib axes to draw on; a new figure by default. width: draw a figure for a paper instead, as wide as it
    stands there ("3.25in", "14cm", or a number of inches), in the project's style whatever the user's is, its labels in
    `font` points, without a title; go on with its axes, then `save_figure`. Raises ValueError for an axis that does not
    vary, a filter that nothing matches, arrays that do not fit, and more curves than can be told apart; InputError for
    a size that is not allowed.
    """
    from analysis.report.curve_plot import EPOCH, MOST_WITH_SEEDS, draw

    if ax is not None and width is not None:
        raise ValueError("plot takes ax or width: the width is that of a new figure")

    if isinstance(data, LoadedSweep):
        if errors is not None:
            raise ValueError("errors: a loaded sweep has its own; give x and errors, or a sweep alone")
        axis, curves = _of_sweep(data, axis, dict(where or {}))
    else:
        if errors is None or where:
            raise ValueError("plot takes a loaded sweep (and where), or two arrays: x and errors")
        axis = axis or EPOCH
        curves = [_of_arrays(data, errors, axis)]
    if width is not None:
        return _for_paper(curves, axis, width, font)
    if ax is None:
        from matplotlib import pyplot

        _, ax = pyplot.subplots(figsize=(10.5 if len(curves) > MOST_WITH_SEEDS else 7.2, 4.0), layout="constrained")
    draw(ax, curves, axis)
    return ax


def save_figure(figure: Figure, stem: str | Path, caption: str = "") -> tuple[Path, ...]:
    """Write a figure that `plot(..., width=...)` began as PNG, PDF and SVG, its caption as text and as a LaTeX figure.

    stem: the files' name without an ending; its folder is there. Labels too long for their axis are broken into lines,
    tick labels that touch are left out, fonts are embedded. Returns the files. Example: `axes = fl.plot(sweep,
    axis="epoch", width="3.25in"); axes.set_ylim(0, 40); fl.save_figure(axes.figure, "curves", "Test errors.")`.
    """
    from analysis.report.drawing.files import save
    from analysis.report.drawing.size import FigureSize
    from analysis.report.figure_style import figure_style

    with figure_style(FigureSize()):
        return save(figure, Path(stem), caption)


def _for_paper(curves: list[Any], axis: str, width: str | float, font: float) -> Axes:
    from matplotlib import pyplot

    from analysis.report.curve_plot import draw
    from analysis.report.drawing.size import FigureSize, length
    from analysis.report.figure_style import figure_style

    size = FigureSize(length(width) if isinstance(width, str) else float(width), font)
    with figure_style(size):
        height = min(0.7 * size.width, 2.6 * size.scale)
        figure, axes = pyplot.subplots(figsize=(size.width, height), layout="constrained")
        draw(axes, curves, axis, paper=True)
    assert figure is axes.get_figure()
    return axes


def _of_sweep(sweep: LoadedSweep, axis: str | None, where: dict[str, Any]) -> tuple[str, list[Any]]:
    from analysis.report.curve_plot import EPOCH, curves_along, curves_over_epochs

    along = sweep.axis_verdicts
    allowed = list(dict.fromkeys([*(each.group.axis for each in along), EPOCH]))
    axis = axis or allowed[0]
    if axis not in allowed:
        raise ValueError(f"axis = {axis!r}: {sweep.name} varies along {', '.join(allowed)}")
    curves = curves_over_epochs(sweep.tables) if axis == EPOCH else curves_along(along, axis)
    for name, value in where.items():
        known = {curve.fields[name] for curve in curves if name in curve.fields}
        if value not in known:
            values = ", ".join(sorted(map(repr, known))) or "none (it is not a field of every curve)"
            raise ValueError(f"where: {name} = {value!r} matches nothing; allowed: {values}")
        curves = [curve for curve in curves if curve.fields.get(name) == value]
    if not curves:
        raise ValueError(f"{sweep.name}: no run has a result")
    return axis, curves


def _of_arrays(x: ArrayLike, errors: ArrayLike, axis: str) -> Any:
    from analysis.report.curve_plot import Curve

    kind: Axis | None = next((name for name in get_args(Axis) if name == axis), None)
    if kind is None:
        raise ValueError(f"axis = {axis!r}; allowed: {', '.join(get_args(Axis))}")
    xs, ys = np.asarray(x, dtype=np.float64), np.atleast_2d(np.asarray(errors, dtype=np.float64))
    if xs.ndim != 1 or ys.shape[1:] != xs.shape:
        raise ValueError(f"errors: shape {ys.shape} does not fit x of shape {xs.shape}; (seeds, {xs.size}) is allowed")
    order = np.argsort(xs, kind="stable")
    verdict = detect(xs, ys, axis=kind) if np.isfinite(ys).any(axis=0).sum() >= FEWEST_POINTS else None
    return Curve("", xs[order], ys[:, order], verdict, {})
