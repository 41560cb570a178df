"""One figure for each claim: a panel for each group of runs that can speak to it, whatever sweep it is of."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from math import ceil
from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from analysis.claims.sizes import crossings, prominences
from analysis.claims.sources import pairs
from analysis.report.claim_files.panels import difference_panel, frozen_panel, size_panel
from analysis.report.drawing.files import save
from analysis.report.drawing.size import TWO_COLUMNS, FigureSize
from analysis.report.figure_style import figure_style
from analysis.tables.along_axes import AxisVerdict
from analysis.tables.collect import Tables

COLUMNS = 3
MOST_PANELS = 12
PANEL_WIDTH, PANEL_HEIGHT = 2.0, 2.3  # inches, at a font of 8 points
CROSSING = "epochs to 5 % train error"

Panel = Callable[[Axes], None]

CAPTIONS = {
    "C1": "C1: prominence of the epoch-wise double descent against the size of the target set, a line for each seed, "
    "blue: their median. An open triangle, which no line leads to: at least so much, since the curve still rose when "
    "training ended, and of the median since it hangs on such curves.",
    "C2": "C2: epochs until the train error reaches 5 % against the size of the source set, a line for each seed, "
    "blue: their median. An open triangle, which no line leads to: not reached by then, and of the median at least so "
    "many.",
    "C3": "C3: final test error (blue) and train error (orange) against the number of frozen units, means with 95 % "
    "intervals, filled where the cell interpolates. Triangle down: first minimum; triangle up: peak; square: second "
    "minimum, read from head only to nothing frozen.",
    "C4": "C4: error of the less related source less that of the more related one, paired by seed, with 95 % "
    "intervals; shaded: the more related source is in a double descent.",
}


def draw_claims(
    collected: Mapping[str, Tables],
    frozen: Mapping[str, Sequence[AxisVerdict]],
    related: Mapping[str, Sequence[str]],
    out: Path,
) -> tuple[Path, ...]:
    """Draws the figures into the folder `out`, which must be there; returns their files.

    Each mapping is by the sweep's name: its tables, its verdicts along frozen units, its order of source tasks from the
    most to the least related. A claim that nothing can speak to has no figure; of more than MOST_PANELS groups the
    first are drawn.
    """
    panels: dict[str, list[Panel]] = {claim: [] for claim in CAPTIONS}
    for name, tables in collected.items():
        along = frozen[name]
        panels["C1"] += [partial(size_panel, series=each) for each in prominences(tables)]
        panels["C2"] += [partial(size_panel, series=each) for each in crossings(tables) if each.measure == CROSSING]
        panels["C3"] += [partial(frozen_panel, each=each) for each in along if each.verdict is not None]
        panels["C4"] += [partial(difference_panel, pair=each) for each in pairs(tables, along, related[name])]
    files: list[Path] = []
    for claim, drawn in panels.items():
        if drawn:
            with figure_style():
                files += save(_figure(drawn[:MOST_PANELS], TWO_COLUMNS), out / f"claim_{claim}", CAPTIONS[claim])
    return tuple(files)


def _figure(panels: Sequence[Panel], size: FigureSize) -> Figure:
    columns = size.columns(min(COLUMNS, len(panels)), PANEL_WIDTH)
    rows = ceil(len(panels) / columns)
    figure = Figure(figsize=(size.width, PANEL_HEIGHT * size.scale * rows), layout="constrained")
    grid = figure.subplots(rows, columns, squeeze=False).ravel()
    for axes, panel in zip(grid, panels, strict=False):
        panel(axes)
    for axes in grid[len(panels) :]:
        axes.remove()
    return figure
