"""All figures of a sweep as files, and which of them belongs to which group."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from analysis.report.axis_figure import axis_figure
from analysis.report.epoch_figure import epoch_figure
from analysis.report.figure_style import figure_style, save
from analysis.report.wording import axis_name
from analysis.tables.along_axes import AxisVerdict
from analysis.tables.collect import Tables

MOST_GROUPS = 24  # on a page: beyond this nobody looks, and drawing takes minutes


@dataclass(frozen=True)
class GroupFigures:
    """The figures of one group: final error along its axis, errors against epoch. PNG, each with a PDF beside it.

    `along` is the axis; `axis`, the figure along it, is None where the group has a single point on it.
    """

    along: str
    label: str
    axis: Path | None
    epochs: Path

    def files(self) -> tuple[Path, ...]:
        drawn = [path for path in (self.axis, self.epochs) if path is not None]
        return tuple(path.with_name(path.stem + end) for path in drawn for end in (".png", ".pdf"))


def draw_figures(
    tables: Tables, verdicts: tuple[AxisVerdict, ...], out: Path, most: int | None = MOST_GROUPS
) -> tuple[GroupFigures, ...]:
    """Draws the first `most` groups (None: all) that have a finished run, into the folder `out`/figures."""
    folder = out / "figures"
    folder.mkdir(parents=True, exist_ok=True)
    drawn = [each for each in verdicts if each.replicates > 0][:most]
    return tuple(_draw(tables, each, folder) for each in drawn)


def _draw(tables: Tables, each: AxisVerdict, folder: Path) -> GroupFigures:
    name = f"{axis_name(each).replace('.', '-')}_{each.group.slug}"
    axis: Path | None = None
    with figure_style():
        if len(each.group.values) > 1:
            axis, _ = save(axis_figure(tables, each), folder / f"final_by_{name}")
        epochs, _ = save(epoch_figure(tables, each), folder / f"epochs_by_{name}")
    return GroupFigures(each.group.axis, each.group.label, axis, epochs)
