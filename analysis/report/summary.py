"""The summary that a sweep ends with: the finding, per frozen depth what came out, a line per group, the claims."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from rich.console import Console
from rich.text import Text

from analysis.advice.decide import advise
from analysis.advice.wording import short_text
from analysis.claims.decide import ClaimVerdict
from analysis.report.terminal.cells import cells
from analysis.report.terminal.finding import finding
from analysis.report.wording import (
    along_text,
    axis_details,
    axis_text,
    claim_name,
    claim_text,
    threshold_text,
)
from analysis.tables.along_axes import FROZEN, AxisVerdict
from analysis.tables.collect import Tables
from analysis.tables.coverage import coverage_text, missing_text
from analysis.tables.unlike import warnings
from sweeps.console import wrapped
from sweeps.errors import printable

MOST_ADVISED = 24
NARROWEST = 118  # columns of the tables, where the output is no terminal


def print_summary(
    tables: Tables,
    verdicts: tuple[AxisVerdict, ...],
    claims: tuple[ClaimVerdict, ...],
    files: Iterable[Path],
    console: Console | None = None,
) -> None:
    """Prints the summary to standard output; colour and width follow the terminal, if it is one.

    On a terminal lines wrap at words; elsewhere a sentence is one line, however long.
    """
    console = console or result_console()
    record = tables.sweep.record
    _line(console, f"{record.name}: {coverage_text(tables.runs)}", style="bold")
    for line in finding(tables, verdicts):
        _line(console, f"found: {line}", style="bold")
    if record.about:
        _line(console, record.about)
    for each in [each for each in verdicts if each.group.axis == FROZEN]:
        console.print()
        _line(console, each.group.label, style="bold")
        for part in cells(tables, each, console):
            console.print(part)
        _line(console, threshold_text(each))
    console.print()
    for each in [each for each in verdicts if len(each.group.values) > 1] or verdicts:
        suffix = f"  [{each.group.label}]" if len(verdicts) > 1 else ""
        _line(console, f"{along_text(each)}: {axis_text(each)}{suffix}", style="bold")
        for detail in axis_details(each):
            _line(console, detail, indent="  ")
    for claim in claims:
        if claim.tests:
            _line(console, f"claim {claim_name(claim)}, {claim_text(claim)}")
            _line(console, claim.statement, indent="  ")
    networks = advise(tables, verdicts).networks
    for network in networks[:MOST_ADVISED]:
        suffix = f"  [{network.group}]" if len(networks) > 1 else ""
        _line(console, f"advice: {short_text(network)}{suffix}")
    for line in warnings(tables.cells):
        _line(console, f"warning: {line}", style="yellow")
    for line in missing_text(tables.runs):
        _line(console, f"missing from the above: {line}", style="yellow")
    console.print()
    for path in files:  # whole, so that it can be copied: the terminal breaks it where it must
        console.print(Text(printable(f"{path}")), soft_wrap=True)


def result_console() -> Console:
    """Standard output; without colour, and as wide as a table needs, where it is no terminal."""
    console = Console(highlight=False)
    return console if console.is_terminal else Console(width=NARROWEST, no_color=True, highlight=False)


def _line(console: Console, text: str, style: str = "", indent: str = "") -> None:
    for line in wrapped(text, console.width if console.is_terminal else None, indent):
        console.print(Text(line, style=style), soft_wrap=True)
