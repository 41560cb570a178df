"""A sweep's results as objects and as files, read once for all that W&B is shown."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from analysis.claims.decide import ClaimVerdict, all_claims
from analysis.more_sections import more_sections
from analysis.overlay.recorded import theory_frame, theory_record, write_theory_table
from analysis.report.figures import GroupFigures, draw_figures, files_with_gallery
from analysis.report.page import write_report
from analysis.report.surface.errors import surfaces
from analysis.report.surface.files import write_surfaces
from analysis.report.table_files import write_tables, write_verdicts
from analysis.report.terminal.finding import finding
from analysis.tables.along_axes import AxisVerdict, along_every_axis
from analysis.tables.collect import Tables
from analysis.tables.load import read_sweep
from analysis.tables.verdict_frame import verdict_frame
from sweeps.store.interface import Reading
from sweeps.sweep import SweepSpec

PAGE = "report.html"


@dataclass(frozen=True)
class Results:
    """What a sweep came to, and the files that say so, the page among them. `verdicts` is the table of that name."""

    sweep: SweepSpec
    tables: Tables
    along: tuple[AxisVerdict, ...]
    claims: tuple[ClaimVerdict, ...]
    verdicts: pd.DataFrame
    figures: tuple[GroupFigures, ...]
    page: Path
    files: tuple[Path, ...]
    theory: pd.DataFrame | None = None
    """The table of that name, where `frostline theory` has predicted something."""

    @property
    def name(self) -> str:
        return self.tables.sweep.record.name

    @property
    def finding(self) -> list[str]:
        """What a reader is to know first, in sentences; at least one."""
        return finding(self.tables, self.along) or ["no verdict yet: too few points have a result"]

    @property
    def folder(self) -> Path:
        return self.page.parent


def write_results(sweep: SweepSpec, store: Reading, folder: Path, page_name: str = PAGE) -> Results:
    """Reads a sweep's results and writes tables, figures and the page to `folder`, made if need be.

    Raises StoreError for a store without it or a damaged one, OSError where the folder cannot be written.
    """
    stored = read_sweep(sweep, store)
    folder.mkdir(parents=True, exist_ok=True)
    tables, written = write_tables(stored, folder)
    along = along_every_axis(tables)
    claims = all_claims(tables, along=along)
    over_epochs = surfaces(tables, along)
    figures = draw_figures(tables, along, folder, found=over_epochs)
    more, added = more_sections(tables, folder)
    written = (*written, *write_verdicts(tables, along, folder), *write_surfaces(over_epochs, folder))
    written = (*written, *write_theory_table(tables, folder))
    files = (*written, *files_with_gallery(tables.sweep.record.name, figures, folder), *added)
    page = write_report(tables, along, claims, folder / page_name, more, files, over_epochs)
    predicted = theory_record(stored)
    theory = None if predicted is None else theory_frame(tables, predicted)
    verdicts = verdict_frame(tables, along)
    return Results(sweep, tables, along, claims, verdicts, figures, page, (*files, page), theory)
