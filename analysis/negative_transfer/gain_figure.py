"""Accuracy less that from scratch, along the first of AXES that varies: one panel a network."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from analysis.negative_transfer.comparison import CellComparison
from analysis.negative_transfer.labels import SHARE, labels
from analysis.negative_transfer.over_sizes import SIZE
from analysis.report.figure_style import QUIET, WIDTH, figure_style, quiet_grid, save
from analysis.tables.groups import network_name

COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
"""Okabe and Ito (2008), as in figure_style."""
MARKERS = ("o", "s", "^", "D", "v")
AXES = {
    SHARE: "share inherited",
    SIZE: "target size",
    "source.task.universal": "strength of the shared signal",
    "source.size": "source size",
}
SHORT = {
    "source.task = ": "from ",
    "target.task = ": "on ",
    "source.label_noise = ": "source label noise ",
    "target.label_noise = ": "target label noise ",
    "source.size = ": "source size ",
    "target.size = ": "target size ",
}
"""Fields as the legend says them; others stand with their names."""
MOST_PANELS = 4
MOST_SERIES = len(COLOURS) * len(MARKERS)
PANEL_HEIGHT = 2.6


def draw_gains(compared: Sequence[CellComparison], folder: Path) -> tuple[Path, Path] | None:
    """Writes negative_transfer.png and .pdf to a folder; None without a comparison."""
    if not compared:
        return None
    folder.mkdir(parents=True, exist_ok=True)
    with figure_style():
        return save(gain_figure(compared), folder / "negative_transfer")


def gain_figure(compared: Sequence[CellComparison]) -> Figure:
    """Mean gain with its 95 % interval over seeds; filled where transfer is negative. Call inside figure_style().

    At most MOST_PANELS networks and MOST_SERIES lines.
    """
    axis = next((name for name in AXES if len({each.fields.get(name) for each in compared}) > 1), SIZE)
    networks = list(dict.fromkeys(network_name(dict(each.fields)) for each in compared))[:MOST_PANELS]
    names = {}
    for each, label in zip(compared, labels(compared, (axis, "transfer.inherit.mode")), strict=True):
        names.setdefault(label.partition(", ")[2], []).append(each)
    series = dict(list(names.items())[:MOST_SERIES])
    rows = len(series) if len(series) > 1 else 0
    figure = Figure(figsize=(WIDTH, PANEL_HEIGHT + 0.15 * rows), layout="constrained")
    panels = figure.subplots(1, len(networks), sharey=True, squeeze=False)[0]
    for panel, network in zip(panels, networks, strict=True):
        panel.set_title(network)
        panel.axhline(0, color=QUIET, linewidth=0.8)
        quiet_grid(panel)
        for number, (label, cells) in enumerate(series.items()):
            own = [each for each in cells if network_name(dict(each.fields)) == network]
            _series(panel, own, axis, number, label)
        panel.set_xlabel(AXES[axis])
        if axis.endswith(".size"):
            panel.set_xscale("log")
    panels[0].set_ylabel("accuracy less that from scratch (%)")
    if len(series) > 1:
        handles, texts = panels[0].get_legend_handles_labels()
        short = [_short(text) for text in texts]
        figure.legend(handles, short, loc="outside lower left", ncols=1, frameon=False)
    return figure


def _series(axes: Axes, cells: Sequence[CellComparison], axis: str, number: int, label: str) -> None:
    colour, marker = COLOURS[number % len(COLOURS)], MARKERS[number // len(COLOURS)]
    points = [(_place(each, axis), each) for each in cells if not math.isnan(each.gain.mean)]
    points.sort(key=lambda point: point[0])
    x = [place for place, _ in points]
    means = [100 * each.gain.mean for _, each in points]
    axes.plot(x, means, color=colour, linewidth=1.0, marker=marker, markerfacecolor="white", markersize=4, label=label)
    for place, each in points:
        if not math.isnan(each.gain.low):
            axes.vlines(place, 100 * each.gain.low, 100 * each.gain.high, color=colour, linewidth=0.9)
        if each.outcome == "negative":
            axes.plot([place], [100 * each.gain.mean], color=colour, marker=marker, markersize=4)


def _short(label: str) -> str:
    for field, words in SHORT.items():
        label = label.replace(field, words)
    return label


def _place(each: CellComparison, axis: str) -> float:
    value = each.fields.get(axis)
    return 1.0 if value is None else float(value)
