"""The cells of a group for a terminal: a table where it fits, fewer columns on a narrow one, lines on the narrowest."""

from __future__ import annotations

from collections.abc import Iterator

from rich.console import Console, RenderableType
from rich.table import Table
from rich.text import Text

from analysis.report.wording import CELL_HEAD, CELL_NUMBERS, cell_texts, shape_text
from analysis.tables.along_axes import AxisVerdict
from analysis.tables.collect import Tables
from sweeps.console import wrapped

WIDE = 100
"""Columns from which the whole table is shown."""
MIDDLE = 76
"""Columns from which there is a table at all: without the parameters, of the verdict its shape alone."""
_PARAMETERS, _VERDICT = CELL_HEAD.index("parameters"), CELL_HEAD.index("epoch-wise")


def cells(tables: Tables, each: AxisVerdict, console: Console) -> Iterator[RenderableType]:
    """What to print of the cells of a group, in the order of the axis."""
    rows = [(int(row), cell_texts(tables, int(row))) for row in each.group.cells]
    if console.width >= WIDE:
        yield _table([texts for _, texts in rows], list(range(len(CELL_HEAD))))
    elif console.width >= MIDDLE:
        kept = [place for place in range(len(CELL_HEAD)) if place != _PARAMETERS]
        short = [[*texts[:_VERDICT], shape_text(tables.verdicts[row])] for row, texts in rows]
        yield _table(short, kept)
    else:
        for _, texts in rows:
            for line in wrapped(_sentence(texts), console.width):
                yield Text(line)


def _table(rows: list[list[str]], kept: list[int]) -> Table:
    table = Table(box=None, pad_edge=False)
    for place in kept:
        words = place == _VERDICT
        table.add_column(
            CELL_HEAD[place], justify="right" if CELL_NUMBERS[place] else "left", no_wrap=not words, overflow="fold"
        )
    for texts in rows:
        table.add_row(*(Text(texts[place]) for place in kept))
    return table


def _sentence(texts: list[str]) -> str:
    """`frozen 11: 31.5 [30.1, 32.9] %, n = 5, train 0.6 %, 5 of 5 seeds <= 5 %; double descent (weak), ...`."""
    frozen, _, n, test, train, interpolating, verdict = texts
    return f"frozen {frozen}: {test} %, n = {n}, train {train} %, {interpolating} seeds <= 5 %; {verdict}"
