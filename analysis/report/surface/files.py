"""The surface's table and the verdicts at each budget as files: surface.* and budgets.*, Parquet and CSV."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from analysis.report.surface.errors import Surface, surface_table, verdict_table
from analysis.report.table_files import write_table


def write_surfaces(found: Sequence[Surface], out: Path) -> tuple[Path, ...]:
    """Writes both tables to the folder `out`, which must be there; returns the files. Nothing where there is no group
    along frozen units.
    """
    if not found:
        return ()
    return (
        *write_table(out / "surface", surface_table(found)),
        *write_table(out / "budgets", verdict_table(found)),
    )
