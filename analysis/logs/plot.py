"""A picture of curves with the verdict drawn in, in the house's style."""

from __future__ import annotations

from collections.abc import Sequence
from math import ceil
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from analysis.logs.ingest import Run
from analysis.logs.readers.table import CurveError, visible

if TYPE_CHECKING:
    from analysis.detector.verdict import Verdict

COLUMNS = 3
MOST = 24  # panels; more are unreadable
PICTURES = (".png", ".pdf", ".svg")


def check_picture(path: Path) -> None:
    """Raises CurveError for a suffix of which no picture is drawn, or a folder that is not there."""
    if path.suffix.lower() not in PICTURES:
        raise CurveError(f"plot: {path}: {path.suffix or 'no suffix'}; allowed are {', '.join(PICTURES)}")
    if not path.parent.is_dir():
        raise CurveError(f"plot: {path}: no folder {path.parent}")


def save(path: Path, runs: Sequence[Run], verdicts: Sequence[Verdict], axis: str, loss: bool = False) -> int:
    """One panel per run (at most 24): seeds thin, their mean thick, first minimum, peak and second minimum marked,
    their places and p above. Returns the number of panels drawn. Raises CurveError where the file cannot be written.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    from analysis.report.drawing.fit import fit
    from analysis.report.drawing.size import TWO_COLUMNS
    from analysis.report.figure_style import figure_style, quiet_grid

    shown = list(zip(runs, verdicts, strict=True))[:MOST]
    columns = min(COLUMNS, len(shown))
    rows = ceil(len(shown) / columns)
    with figure_style():
        figure = Figure(figsize=(max(TWO_COLUMNS.width * columns / COLUMNS, 3.25), 2.3 * rows), layout="constrained")
        FigureCanvasAgg(figure)
        panels = figure.subplots(rows, columns, squeeze=False)
        for panel in panels.flat[len(shown) :]:
            panel.remove()
        for panel, (run, verdict) in zip(panels.flat[: len(shown)], shown, strict=True):
            quiet_grid(panel)
            _draw(panel, run, verdict, axis, loss)
        fit(figure)
        try:
            figure.savefig(path)
        except OSError as error:
            raise CurveError(f"plot: {path}: {error.strerror or error}") from None
    return len(shown)


def _draw(panel: Any, run: Run, verdict: Verdict, axis: str, loss: bool) -> None:
    from analysis.report.figure_style import QUIET, TEST, mark_verdict

    known = np.isfinite(run.errors).any(axis=0)
    several = len(run.errors) > 1
    for seed in run.errors:
        panel.plot(run.x, 100.0 * seed, color=QUIET if several else TEST, linewidth=0.5 if several else 1.2, zorder=2)
    if several:
        panel.plot(run.x[known], 100.0 * np.nanmean(run.errors[:, known], axis=0), color=TEST, linewidth=1.2, zorder=3)
    if axis == "epoch":
        panel.set_xscale("symlog", linthresh=1.0)
    mark_verdict(panel, verdict, run.x[known], np.nanmean(run.errors[:, known], axis=0))
    if loss:
        panel.yaxis.set_major_formatter(lambda value, _: f"{value / 100:g}")
    panel.set_title(title(run, verdict))
    panel.set_xlabel(axis)
    panel.set_ylabel("test loss" if loss else "test error, %")


def title(run: Run, verdict: Verdict) -> str:
    """Name; shape, p and q; and the places of a double descent."""
    found = verdict.as_json(run.name)
    shape = found["shape"] + (f" ({found['strength']})" if found["strength"] else "")
    if verdict.points() and not verdict.double_descent:
        shape += ", " + found["significance"].replace("_", " ")
    name = visible(run.name)
    lines = [name if len(name) <= 48 else f"{name[:22]}...{name[-22:]}", shape]
    if verdict.p is not None:
        lines[1] += f", p = {verdict.p:.3g}" + (" (one seed)" if verdict.p_value is None else "")
    if verdict.q_value is not None:
        lines[1] += f", q = {verdict.q_value:.3g}"
    points = (("min", "first_min"), ("peak", "peak"), ("min", "second_min")) if verdict.points() else ()
    places = [f"{label} {found[key]['epoch']:.4g}" for label, key in points if found[key]]
    return "\n".join([*lines, ", ".join(places)] if places else lines)
