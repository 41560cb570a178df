"""The summary that a sweep ends with: per frozen depth what came out, then one line per group with its shape."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from rich.console import Console
from rich.table import Table
from rich.text import Text

from analysis.claims.decide import ClaimVerdict
from analysis.report.wording import (
    CELL_HEAD,
    along_text,
    axis_details,
    axis_text,
    cell_texts,
    claim_name,
    claim_text,
    threshold_text,
)
from analysis.tables.along_axes import FROZEN, AxisVerdict
from analysis.tables.collect import Tables
from analysis.tables.coverage import coverage_text, missing_text
from analysis.tables.unlike import warnings
from sweeps.errors import printable

NARROWEST = 118  # columns, where the output is no terminal


def print_summary(
    tables: Tables,
    verdicts: tuple[AxisVerdict, ...],
    claims: tuple[ClaimVerdict, ...],
    files: Iterable[Path],
    console: Console | None = None,
) -> None:
    """Prints the summary to standard output; colour and width follow the terminal, if it is one."""
    console = console or result_console()
    record = tables.sweep.record
    _line(console, f"{record.name}: {coverage_text(tables.runs)}", style="bold")
    if record.about:
        _line(console, record.about)
    for each in [each for each in verdicts if each.group.axis == FROZEN]:
        console.print()
        _line(console, each.group.label, style="bold")
        console.print(_group_table(tables, each))
        _line(console, threshold_text(each))
    console.print()
    for each in [each for each in verdicts if len(each.group.values) > 1] or verdicts:
        suffix = f"  [{each.group.label}]" if len(verdicts) > 1 else ""
        _line(console, f"{along_text(each)}: {axis_text(each)}{suffix}", style="bold")
        for detail in axis_details(each):
            _line(console, f"  {detail}")
    for claim in claims:
        if claim.tests:
            _line(console, f"claim {claim_name(claim)}, {claim_text(claim)}")
    for line in warnings(tables.cells):
        _line(console, f"warning: {line}", style="yellow")
    for line in missing_text(tables.runs):
        _line(console, f"missing from the above: {line}", style="yellow")
    console.print()
    for path in files:
        _line(console, f"{path}")


def result_console() -> Console:
    """Standard output; without colour, and as wide as a table needs, where it is no terminal."""
    console = Console(highlight=False)
    return console if console.is_terminal else Console(width=NARROWEST, no_color=True, highlight=False)


def _line(console: Console, text: str, style: str = "") -> None:
    console.print(Text(printable(text), style=style), soft_wrap=True)


def _group_table(tables: Tables, each: AxisVerdict) -> Table:
    table = Table(box=None, pad_edge=False)
    sides = ("right", "right", "right", "right", "right", "left", "left")
    for name, side in zip(CELL_HEAD, sides, strict=True):
        table.add_column(name, justify=side, no_wrap=name != CELL_HEAD[-1], overflow="fold")
    for row in each.group.cells:
        table.add_row(*(Text(text) for text in cell_texts(tables, int(row))))
    return table
