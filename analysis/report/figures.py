"""All figures of a sweep as files, and which of them belongs to which group."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from analysis.report.axis_figure import axis_figure
from analysis.report.drawing.captions import axis_caption, epoch_caption, surface_caption
from analysis.report.drawing.files import save, with_endings
from analysis.report.drawing.gallery import write_gallery
from analysis.report.drawing.size import TWO_COLUMNS, FigureSize
from analysis.report.epoch_figure import epoch_figure
from analysis.report.figure_style import figure_style
from analysis.report.surface.errors import Surface, surfaces
from analysis.report.surface.figure import persistence_text, surface_figure
from analysis.report.wording import axis_name
from analysis.tables.along_axes import FROZEN, AxisVerdict
from analysis.tables.collect import Tables

MOST_GROUPS = 24  # on a page: beyond this nobody looks, and drawing takes minutes


@dataclass(frozen=True)
class GroupFigures:
    """The figures of one group: final error along its axis, errors against epoch. PNG, with other
    formats and a caption beside it.

    `along` is the axis; `axis`, the figure along it, is None where the group has a single point on it; `surface`, error
    over epochs and frozen units, where the axis is another one too.
    """

    along: str
    label: str
    axis: Path | None
    epochs: Path
    surface: Path | None = None

    def drawn(self) -> tuple[Path, ...]:
        """The PNG of each figure there is."""
        return tuple(path for path in (self.axis, self.epochs, self.surface) if path is not None)

    def files(self) -> tuple[Path, ...]:
        """All files of the figures: pictures and captions."""
        return tuple(file for path in self.drawn() for file in with_endings(path.with_name(path.stem)))


def draw_figures(
    tables: Tables,
    verdicts: tuple[AxisVerdict, ...],
    out: Path,
    most: int | None = MOST_GROUPS,
    found: Sequence[Surface] | None = None,
    size: FigureSize = TWO_COLUMNS,
) -> tuple[GroupFigures, ...]:
    """Draws the first `most` groups (None: all) that have a finished run, into the folder `out`/figures.

    found: the sweep's surfaces, where they are known already. size: as it stands in a paper.
    """
    folder = out / "figures"
    folder.mkdir(parents=True, exist_ok=True)
    drawn = [each for each in verdicts if each.replicates > 0][:most]
    known = surfaces(tables, drawn) if found is None else found
    over_epochs = {each.group.label: each for each in known}
    return tuple(_draw(tables, each, over_epochs.get(each.group.label), folder, size) for each in drawn)


def _draw(tables: Tables, each: AxisVerdict, surface: Surface | None, folder: Path, size: FigureSize) -> GroupFigures:
    name = f"{axis_name(each).replace('.', '-')}_{each.group.slug}"
    axis: Path | None = None
    over: Path | None = None
    with figure_style(size):
        if len(each.group.values) > 1:
            axis = save(axis_figure(tables, each, size), folder / f"final_by_{name}", axis_caption(each))[0]
        if surface is not None and each.group.axis == FROZEN:
            caption = surface_caption(each.group.label, persistence_text(surface))
            over = save(surface_figure(surface, size), folder / f"surface_{each.group.slug}", caption)[0]
        epochs = save(epoch_figure(tables, each, size), folder / f"epochs_by_{name}", epoch_caption(each))[0]
    return GroupFigures(each.group.axis, each.group.label, axis, epochs, over)


def files_with_gallery(sweep: str, drawn: Sequence[GroupFigures], out: Path) -> list[Path]:
    """All files of a sweep's figures in `out`/figures, and a page there, now written, that shows them."""
    if not drawn:
        return []
    shown = [path for group in drawn for path in group.drawn()]
    return [*(path for group in drawn for path in group.files()), write_gallery(sweep, shown, out / "figures")]


def briefly(files: Iterable[Path]) -> list[Path]:
    """The files without what stands beside a figure's PNG and PDF."""
    return [path for path in files if not (path.parent.name == "figures" and path.suffix in (".svg", ".txt", ".tex"))]
