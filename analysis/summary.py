"""The summary that a sweep ends with: per frozen depth what came out, then one line per group with its shape."""

from __future__ import annotations

import math
from collections.abc import Iterable
from pathlib import Path

from rich.console import Console
from rich.table import Table
from rich.text import Text

from analysis.collect import Tables
from analysis.coverage import coverage_text, missing_text
from analysis.curves import INTERPOLATES_AT
from analysis.freezing import AxisVerdict
from analysis.wording import MISSING, axis_text, epochwise_text, per_cent, per_cent_interval, threshold_text

NARROWEST = 118  # columns, where the output is no terminal


def print_summary(
    tables: Tables, verdicts: tuple[AxisVerdict, ...], files: Iterable[Path], console: Console | None = None
) -> None:
    """Prints the summary to standard output; colour and width follow the terminal, if it is one."""
    if console is None:
        console = Console()
        if not console.is_terminal:
            console = Console(width=NARROWEST, no_color=True)
    record = tables.sweep.record
    _line(console, f"{record.name}: {coverage_text(tables.runs)}", style="bold")
    if record.about:
        _line(console, record.about)
    for each in verdicts:
        console.print()
        console.print(_group_table(tables, each))
        _line(console, threshold_text(each))
    console.print()
    for each in verdicts:
        suffix = f"  [{each.group.label}]" if len(verdicts) > 1 else ""
        _line(console, f"freezing-wise: {axis_text(each)}{suffix}", style="bold")
    for line in missing_text(tables.runs):
        _line(console, f"missing from the above: {line}", style="yellow")
    console.print()
    for path in files:
        _line(console, f"{path}")


def _line(console: Console, text: str, style: str = "") -> None:
    console.print(Text(text, style=style), soft_wrap=True)


def _group_table(tables: Tables, each: AxisVerdict) -> Table:
    table = Table(title=Text(each.group.label), title_justify="left", title_style="bold", box=None, pad_edge=False)
    table.add_column("frozen", justify="right")
    table.add_column("trained\nparameters", justify="right")
    table.add_column("n", justify="right")
    table.add_column("final test error\n% [95 %]", justify="right", no_wrap=True)
    table.add_column("train\nerror %", justify="right")
    table.add_column(f"<= {100 * INTERPOLATES_AT:g} %")
    table.add_column("epoch-wise", overflow="fold")
    for row in each.group.cells:
        table.add_row(*(Text(text) for text in _cell_texts(tables, int(row))))
    return table


def _cell_texts(tables: Tables, row: int) -> list[str]:
    cell = tables.cells.iloc[row]
    test = [float(cell[f"final_test_error{part}"]) for part in ("", "_low", "_high")]
    train = float(cell["final_train_error"])
    done, asked = int(cell["n_done"]), int(cell["n_asked"])
    parameters = cell["trainable_params"]
    unfinished = MISSING if math.isnan(train) else ("yes" if cell["interpolates"] else "no")
    return [
        f"{cell['transfer.frozen']}",
        MISSING if done == 0 else f"{parameters:,}",
        f"{done}" if done == asked else f"{done}/{asked}",
        per_cent_interval(*test),
        per_cent(train),
        unfinished,
        epochwise_text(tables.verdicts[row]),
    ]
