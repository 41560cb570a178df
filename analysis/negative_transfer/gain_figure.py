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
from analysis.report.drawing.files import save
from analysis.report.drawing.fit import legend_above
from analysis.report.drawing.size import TWO_COLUMNS, FigureSize
from analysis.report.figure_style import QUIET, figure_style, quiet_grid
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
MODE = "transfer.inherit.mode"
INHERITED = (SHARE, MODE, "transfer.inherit.units")
"""Fields that say how much is inherited: along the share that place stands for all of them."""
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
PANEL_WIDTH, PANEL_HEIGHT = 1.5, 2.3  # inches, at a font of 8 points
CAPTION = (
    "Accuracy less that of training from scratch: mean over seeds with its 95 % interval, a panel for each network. "
    "Filled: negative transfer."
)


def draw_gains(compared: Sequence[CellComparison], folder: Path) -> tuple[Path, ...] | None:
    """Writes negative_transfer as PNG and other formats, with its caption, to a folder; None without a comparison."""
    if not compared:
        return None
    folder.mkdir(parents=True, exist_ok=True)
    with figure_style():
        return save(gain_figure(compared), folder / "negative_transfer", CAPTION)


def gain_figure(compared: Sequence[CellComparison], size: FigureSize = TWO_COLUMNS) -> Figure:
    """Mean gain with its 95 % interval over seeds; filled where transfer is negative. Call inside figure_style().

    At most MOST_PANELS networks and MOST_SERIES lines.
    """
    axis = next((name for name in AXES if _varies(compared, name)), SIZE)
    networks = list(dict.fromkeys(network_name(dict(each.fields)) for each in compared))[:MOST_PANELS]
    series = dict(list(_lines(compared, axis).items())[:MOST_SERIES])
    columns = size.columns(len(networks), PANEL_WIDTH)
    rows = math.ceil(len(networks) / columns)
    figure = Figure(figsize=(size.width, PANEL_HEIGHT * size.scale * rows), layout="constrained")
    grid = figure.subplots(rows, columns, sharey=True, squeeze=False)
    panels = list(grid.flat)
    for panel in panels[len(networks) :]:
        panel.remove()
    for panel, network in zip(panels, networks, strict=False):
        panel.set_title(network)
        panel.axhline(0, color=QUIET, linewidth=0.8)
        quiet_grid(panel)
        for number, (label, cells) in enumerate(series.items()):
            own = [each for each in cells if network_name(dict(each.fields)) == network]
            _series(panel, own, axis, number, label)
        panel.set_xlabel(AXES[axis])
        if axis.endswith(".size"):
            panel.set_xscale("log")
    for panel in grid[:, 0]:
        panel.set_ylabel("accuracy less that from scratch (%)")
    handles, texts = panels[0].get_legend_handles_labels()
    for handle, text in zip(handles, texts, strict=True):
        handle.set_label(_short(text))
    if len(series) > 1:
        legend_above(figure, handles)
    return figure


def _varies(compared: Sequence[CellComparison], axis: str) -> bool:
    names = INHERITED if axis == SHARE else (axis,)
    return len({tuple(each.fields.get(name) for name in names) for each in compared}) > 1


def _lines(compared: Sequence[CellComparison], axis: str) -> dict[str, list[CellComparison]]:
    """The cells of each line, by its label. First units are no larger share of what a random share is of: along the
    share they have lines of their own."""
    found: dict[str, list[CellComparison]] = {}
    told = INHERITED if axis == SHARE else (axis,)
    for each, label in zip(compared, labels(compared, told), strict=True):
        words = label.split(", ")[1:]
        if axis == SHARE and each.fields.get(MODE) == "first_units":
            words.append("first units")
        found.setdefault(", ".join(words), []).append(each)
    return found


def _series(axes: Axes, cells: Sequence[CellComparison], axis: str, number: int, label: str) -> None:
    colour, marker = COLOURS[number % len(COLOURS)], MARKERS[number // len(COLOURS)]
    points = [(_place(each, axis), each) for each in cells]
    points = [(place, each) for place, each in points if not math.isnan(place) and not math.isnan(each.gain.mean)]
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
    """On the axis; NaN for a cell that has none."""
    value = each.fields.get(axis)
    if axis == SHARE and value is None:
        # `none` inherits nothing and no word on it all; of first units the record says which share they were.
        mode = each.fields.get(MODE)
        return {"none": 0.0, "first_units": each.share}.get(str(mode), 1.0)
    return math.nan if value is None else float(value)
