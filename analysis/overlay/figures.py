"""Theory drawn over measurements: curves over epochs, and final errors along an axis."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol

import matplotlib
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FuncFormatter, LogLocator, NullLocator

from analysis.overlay.readouts import Curve
from analysis.overlay.widths import varying_fields
from analysis.report.drawing.files import save
from analysis.report.drawing.fit import legend_above
from analysis.report.drawing.size import TWO_COLUMNS, FigureSize
from analysis.report.figure_style import TEST, TRAIN, figure_style, quiet_grid
from analysis.tables.load import StoredRun


class Drawn(Protocol):
    """A run's measured and predicted curve."""

    @property
    def run(self) -> StoredRun: ...
    @property
    def kind(self) -> str: ...
    @property
    def measured(self) -> pd.DataFrame: ...
    @property
    def predicted(self) -> Curve: ...


PANEL_WIDTH = 1.5  # inches, at a font of 8 points
MOST_PANELS = 12
MOST_LINES = 10
CAPTIONS = {
    "theory_over_epochs": "Curves of runs whose head alone trains, and what their frozen features predict.",
    "theory_by": "Mean-field networks: measured means with 95 % intervals (points, the widest network largest), and "
    "the limit of infinite width (lines).",
}
ALONG = ("target.size", "source.size", "target.task.alignment", "model.richness", "transfer.richness", "model.width")
"""What final errors are drawn along: the first of these that varies."""


def theory_figures(overlays: Sequence[Drawn], cells: pd.DataFrame, out: Path) -> list[Path]:
    """Draw what there is into the folder `out`/figures: PNG, each with a PDF beside it."""
    folder = out / "figures"
    folder.mkdir(parents=True, exist_ok=True)
    files: list[Path] = []
    with figure_style():
        if overlays:
            files += save(
                curves_figure(overlays[:MOST_PANELS]), folder / "theory_over_epochs", CAPTIONS["theory_over_epochs"]
            )
        if len(cells) and (axis := _axis(cells)) is not None:
            files += save(
                cells_figure(cells, axis), folder / f"theory_by_{axis.replace('.', '-')}", CAPTIONS["theory_by"]
            )
    return files


def curves_figure(overlays: Sequence[Drawn], size: FigureSize = TWO_COLUMNS) -> Figure:
    """A panel per run: measured errors as lines, predicted ones dashed over them. Call inside figure_style()."""
    columns = size.columns(min(4, len(overlays)), PANEL_WIDTH)
    rows = math.ceil(len(overlays) / columns)
    figure = Figure(figsize=(size.width, 1.7 * size.scale * rows), layout="constrained")
    panels = list(figure.subplots(rows, columns, sharex=True, squeeze=False).flat)
    for axes, found in zip(panels, overlays, strict=False):
        _curves(axes, found)
    for axes in panels[len(overlays) :]:
        axes.remove()
    figure.supxlabel("epoch")
    figure.supylabel("error (%)")
    handles = [
        Line2D([], [], color=TEST, linewidth=1.3, label="test error, measured"),
        Line2D([], [], color=TRAIN, linewidth=1.1, label="train error, measured"),
        Line2D([], [], color="black", linewidth=1.0, linestyle=(0, (3, 2)), label="predicted from the features"),
    ]
    legend_above(figure, handles)
    return figure


def _curves(axes: Axes, found: Drawn) -> None:
    epochs = found.measured["epoch"].to_numpy()
    for name, colour in (("train_error", TRAIN), ("test_error", TEST)):
        axes.plot(epochs, 100 * found.measured[name].to_numpy(), color=colour, linewidth=1.3)
        predicted = np.asarray(getattr(found.predicted, name))
        axes.plot(found.predicted.epochs, 100 * predicted, color="black", linewidth=1.0, linestyle=(0, (3, 2)))
    axes.set_xscale("log")
    axes.xaxis.set_major_locator(LogLocator(10.0))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_major_formatter(FuncFormatter(lambda epoch, _: f"{epoch:,.0f}"))
    quiet_grid(axes)
    fields = found.run.fields
    title = f"{fields['target.task']}, {fields['target.size']}, noise {fields['target.label_noise']:g}"
    title += f", seed {fields['seed']}"
    axes.set_title(f"{title}\n{found.kind}", loc="left", pad=3)


def cells_figure(cells: pd.DataFrame, axis: str, size: FigureSize = TWO_COLUMNS) -> Figure:
    """Measured means with their intervals as points, theory as lines, along one axis; the first MOST_LINES groups.

    Call inside figure_style().
    """
    figure = Figure(figsize=(size.width, 2.8 * size.scale), layout="constrained")
    axes = figure.subplots()
    others = [name for name in varying_fields(cells) if name not in (axis, "model.width")]
    groups = list(cells.groupby(others, dropna=False, sort=True)) if others else [((), cells)]
    colours = matplotlib.colormaps["viridis"](np.linspace(0.0, 0.9, min(len(groups), MOST_LINES)))
    for (values, group), colour in zip(groups[:MOST_LINES], colours, strict=False):
        label = ", ".join(f"{name} {value}" for name, value in zip(others, _tuple(values), strict=True))
        line = group.drop_duplicates(axis).sort_values(axis)
        axes.plot(line[axis], line["theory_test_error"], color=colour, linewidth=1.4, label=label or "theory")
        _points(axes, group, axis, colour)
    if (cells[axis].to_numpy(dtype=np.float64) > 0).all():
        axes.set_xscale("log")
    axes.set_xticks(sorted(cells[axis].unique()))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axes.set_xlabel(axis)
    axes.set_ylabel("relative test error")
    quiet_grid(axes)
    legend_above(figure, axes.get_legend_handles_labels()[0])
    return figure


def _points(axes: Axes, group: pd.DataFrame, axis: str, colour: Any) -> None:
    """Widths are told apart by their size, the widest largest."""
    widths = group["model.width"] if "model.width" in group else pd.Series(1, group.index)
    ranks = widths.rank(method="dense")
    mean = group["final_test_error"].to_numpy(dtype=np.float64, na_value=np.nan)
    ends = [group[f"final_test_error_{end}"].to_numpy(dtype=np.float64, na_value=np.nan) for end in ("low", "high")]
    spans = np.nan_to_num(np.abs(np.array(ends) - mean))
    axes.errorbar(group[axis], mean, spans, fmt="none", ecolor=colour, elinewidth=0.7)
    axes.scatter(group[axis], mean, s=6 + 8 * ranks, color=colour, zorder=3)


def _axis(cells: pd.DataFrame) -> str | None:
    return next((name for name in ALONG if name in varying_fields(cells)), None)


def _tuple(values: Any) -> tuple[Any, ...]:
    return values if isinstance(values, tuple) else (values,)
