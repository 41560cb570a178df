"""What `frostline compare` prints and writes: the lines of each comparison, a table, a figure for each reference."""

from __future__ import annotations

import json
from math import ceil
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from analysis.loaded import load
from analysis.report.drawing.files import save
from analysis.report.drawing.fit import legend_above
from analysis.report.drawing.size import TWO_COLUMNS, FigureSize
from analysis.report.figure_style import QUIET, TEST, TRAIN, VERDICT, figure_style, quiet_grid
from analysis.report.table_files import csv_bytes, replaced
from frostline.published.compare import Comparison, compare, comparison_table, published
from frostline.published.references import Reference, references
from sweeps.errors import InputError, printable

COLUMNS = 3
PANEL_WIDTH, PANEL_HEIGHT = 2.0, 2.4  # inches, at a font of 8 points


def compared(sweep: str, store: str, out: Path | None, as_json: bool) -> str:
    """Compares a sweep, writes compare.csv and the figures, and gives what is to be printed. Raises InputError."""
    loaded = load(sweep, store)
    found = compare(loaded)
    folder = out if out is not None else Path("results") / loaded.name
    try:
        folder.mkdir(parents=True, exist_ok=True)
        files = write_comparisons(found, folder)
    except OSError as problem:
        raise InputError(f"--out {folder}: {problem.strerror}; it must be a folder that can be written") from None
    if as_json:
        return json.dumps([each.as_json() for each in found], indent=1, allow_nan=False)
    return "\n".join([*(line for each in found for line in lines(each)), *map(str, files)])


def lines(comparison: Comparison) -> list[str]:
    """A heading with the outcome, then one line per position. Errors in per cent."""
    each = comparison
    outcome = "agrees" if each.agrees else "differs"
    some = "" if len(each.points) == each.asked else f" at {len(each.points)} of {each.asked} positions"
    head = (
        f"{each.reference}, {each.series}: {each.group}, n = {each.n}: {outcome}: mean difference "
        f"{100 * each.mean_difference:.1f} points{some}, tolerance {100 * each.tolerance:.1f}"
    )
    rows = [
        f"  {point.position:>8.4g}  published {100 * point.published:6.1f}  ours {100 * point.ours:6.1f}"
        f"{_interval(point.low, point.high)}  difference {100 * point.difference:+.1f}"
        for point in each.points
    ]
    return [printable(head), *rows]


def _interval(low: float | None, high: float | None) -> str:
    return "" if low is None or high is None else f" [{100 * low:.1f}, {100 * high:.1f}]"


def write_comparisons(found: tuple[Comparison, ...], folder: Path) -> list[Path]:
    """compare.csv, and compare_<reference> as PNG and other formats for each reference; returns the files."""
    table = folder / "compare.csv"
    with replaced(table) as file:
        file.write(csv_bytes(comparison_table(found)))
    files = [table]
    for reference in references():
        of_it = [each for each in found if each.reference == reference.name]
        if of_it:
            with figure_style():
                files += save(_figure(reference, of_it), folder / f"compare_{reference.name}", reference.title)
    return files


def _figure(reference: Reference, found: list[Comparison], size: FigureSize = TWO_COLUMNS) -> Figure:
    """A panel for each comparison: what was published, and ours over it."""
    columns = size.columns(min(COLUMNS, len(found)), PANEL_WIDTH)
    rows = ceil(len(found) / columns)
    figure = Figure(figsize=(size.width, PANEL_HEIGHT * size.scale * rows), layout="constrained")
    grid = figure.subplots(rows, columns, squeeze=False, sharey=True).ravel()
    for axes, each in zip(grid, found, strict=False):
        _panel(axes, reference, each)
    for axes in grid[len(found) :]:
        axes.remove()
    shown = {
        label: handle for axes in figure.axes for handle, label in zip(*axes.get_legend_handles_labels(), strict=True)
    }
    legend_above(figure, list(shown.values()))
    return figure


def _panel(axes: Axes, reference: Reference, each: Comparison) -> None:
    series = next(one for one in reference.series if one.label == each.series)
    curve = each.curve
    axes.set_title(f"{each.series} (ours: {each.group}, n = {each.n})", loc="left", pad=3)
    if np.isfinite(curve.low).any():
        axes.fill_between(curve.x, 100 * curve.low, 100 * curve.high, color=TEST, alpha=0.25, linewidth=0)
    axes.plot(curve.x, 100 * curve.test, color=TEST, linewidth=1.3, label="ours, test")
    at, errors = each.shown
    axes.plot(at, 100 * errors, "o--", color=VERDICT, markersize=3.5, linewidth=0.9, label="published, test")
    if series.rerun is not None:
        again = published(reference, series, rerun=True)[1]
        axes.plot(at, 100 * again, "s:", color=QUIET, markersize=3, linewidth=0.9, label="independent rerun, test")
    if series.train is not None:
        axes.plot(curve.x, 100 * curve.train, color=TRAIN, linewidth=1.0, label="ours, train")
        axes.plot(series.at, 100 * np.array(series.train), "^", color=TRAIN, markersize=3, label="published, train")
    if not reference.relative:
        axes.set_xscale("log")
    axes.set_xlabel("share of the units below the head" if reference.relative else reference.axis)
    axes.set_ylabel("error added (points)" if reference.relative else "error (%)")
    quiet_grid(axes)
