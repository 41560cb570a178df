"""A picture of curves with the verdict drawn in."""

from __future__ import annotations

from collections.abc import Sequence
from math import ceil
from pathlib import Path

import numpy as np

from analysis.detector.verdict import Verdict
from analysis.logs.ingest import Run

COLUMNS = 3
MOST = 24  # panels; more are unreadable


def save(path: Path, runs: Sequence[Run], verdicts: Sequence[Verdict], axis: str) -> int:
    """One panel per run (at most 24): seeds thin, their mean thick, first minimum, peak and second minimum
    marked.

    The suffix of `path` chooses the format. Returns the number of panels drawn. Raises ValueError for a
    suffix that matplotlib does not write.
    """
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    shown = list(zip(runs, verdicts, strict=True))[:MOST]
    columns = min(COLUMNS, len(shown))
    rows = ceil(len(shown) / columns)
    figure, panels = pyplot.subplots(rows, columns, figsize=(4.2 * columns, 3.0 * rows), squeeze=False)
    for panel in panels.flat[len(shown) :]:
        panel.set_visible(False)
    for panel, (run, verdict) in zip(panels.flat, shown, strict=False):
        known = np.isfinite(run.errors).any(axis=0)
        for seed in run.errors:
            panel.plot(run.x, 100.0 * seed, color="0.75", linewidth=0.7)
        if len(run.errors) > 1:
            panel.plot(run.x[known], 100.0 * np.nanmean(run.errors[:, known], axis=0), color="black", linewidth=1.2)
        for point, colour, label in (
            (verdict.first_min, "tab:blue", "first minimum"),
            (verdict.peak, "tab:red", "peak"),
            (verdict.second_min, "tab:green", "second minimum"),
        ):
            if point is not None:
                panel.plot(point.position, 100.0 * point.error, "o", color=colour, label=label)
                if point.position_interval is not None:
                    panel.hlines(100.0 * point.error, *point.position_interval, color=colour)
        if axis == "epoch":
            panel.set_xscale("symlog", linthresh=1.0)
        strength = f" ({verdict.strength})" if verdict.strength else ""
        panel.set_title(f"{run.name}: {verdict.shape}{strength}", fontsize=9)
        panel.set_xlabel(axis)
        panel.set_ylabel("test error, %")
    panels.flat[0].legend(fontsize=7)
    figure.tight_layout()
    try:
        figure.savefig(path, dpi=150)
    finally:
        pyplot.close(figure)
    return len(shown)
