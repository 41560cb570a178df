"""What other rooms add to a sweep's page: negative transfer, and theory beside measurement, each where there is any."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from analysis.tables.collect import Tables


def more_sections(tables: Tables, folder: Path) -> tuple[str, list[Path]]:
    """The sections as HTML, and the files in `folder` that belong to them."""
    from analysis.overlay.recorded import theory_section

    negative, gains = _negative_transfer(tables, folder)
    theory, drawn = theory_section(tables, folder)
    return "\n".join(part for part in (negative, theory) if part), [*gains, *drawn]


def _negative_transfer(tables: Tables, folder: Path) -> tuple[str, list[Path]]:
    from analysis.negative_transfer.comparison import compare_with_scratch
    from analysis.negative_transfer.gain_figure import draw_gains
    from analysis.negative_transfer.section import as_html, is_asked

    if not is_asked(tables):
        return "", []
    compared = compare_with_scratch(tables)
    drawn = draw_gains(compared, folder / "figures")
    return as_html(compared, drawn[0] if drawn else None), list(drawn or ())
