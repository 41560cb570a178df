"""All figures of a sweep as files, and which of them belongs to which group."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from analysis.report.axis_figure import axis_figure
from analysis.report.epoch_figure import epoch_figure
from analysis.report.figure_style import figure_style, save
from analysis.report.surface.errors import Surface, surfaces
from analysis.report.surface.figure import surface_figure
from analysis.report.wording import axis_name
from analysis.tables.along_axes import FROZEN, AxisVerdict
from analysis.tables.collect import Tables

MOST_GROUPS = 24  # on a page: beyond this nobody looks, and drawing takes minutes


@dataclass(frozen=True)
class GroupFigures:
    """The figures of one group: final error along its axis, errors against epoch. PNG, each with a PDF beside it.

    `along` is the axis; `axis`, the figure along it, is None where the group has a single point on it; `surface`, error
    over epochs and frozen units, where the axis is another one too.
    """

    along: str
    label: str
    axis: Path | None
    epochs: Path
    surface: Path | None = None

    def files(self) -> tuple[Path, ...]:
        drawn = [path for path in (self.axis, self.epochs, self.surface) if path is not None]
        return tuple(path.with_name(path.stem + end) for path in drawn for end in (".png", ".pdf"))


def draw_figures(
    tables: Tables,
    verdicts: tuple[AxisVerdict, ...],
    out: Path,
    most: int | None = MOST_GROUPS,
    found: Sequence[Surface] | None = None,
) -> tuple[GroupFigures, ...]:
    """Draws the first `most` groups (None: all) that have a finished run, into the folder `out`/figures.

    found: the sweep's surfaces, where they are known already.
    """
    folder = out / "figures"
    folder.mkdir(parents=True, exist_ok=True)
    drawn = [each for each in verdicts if each.replicates > 0][:most]
    known = surfaces(tables, drawn) if found is None else found
    over_epochs = {each.group.label: each for each in known}
    return tuple(_draw(tables, each, over_epochs.get(each.group.label), folder) for each in drawn)


def _draw(tables: Tables, each: AxisVerdict, surface: Surface | None, folder: Path) -> GroupFigures:
    name = f"{axis_name(each).replace('.', '-')}_{each.group.slug}"
    axis: Path | None = None
    over: Path | None = None
    with figure_style():
        if len(each.group.values) > 1:
            axis, _ = save(axis_figure(tables, each), folder / f"final_by_{name}")
        if surface is not None and each.group.axis == FROZEN:
            over, _ = save(surface_figure(surface), folder / f"surface_{each.group.slug}")
        epochs, _ = save(epoch_figure(tables, each), folder / f"epochs_by_{name}")
    return GroupFigures(each.group.axis, each.group.label, axis, epochs, over)
