"""What every reader gives: a table of named columns and what is known of its origin; and the one error of this room."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sweeps.errors import InputError

MOST_COLUMNS = 100_000
"""A table with more is refused at once: rows and columns were swapped, or it is no table of curves."""

Column = NDArray[Any]
"""(rows,) float64 with NaN for a missing value, or object with str and None."""


class CurveError(InputError):
    """Input that cannot be read as curves: one line that names the field, the value and what is allowed."""


@dataclass
class Table:
    """Rows of one file, or of one part of it.

    name: the run, where no column names it. seed: of all rows, where a name says it. logged: rows come from a
    logger, so the last row of each x counts, and an epoch may stand beside some rows only. blocks: (rows,)
    number of the block between blank lines or repeated headers, None where there is one. percent: columns whose
    cells carry a percent sign. twice: names that stand more than once in the header. lengths: lists of
    another length than the rows, left out. settings: columns of one value, such as a width, that stood
    outside the rows. lines: (rows,) line in the file, for messages.
    """

    columns: dict[str, Column]
    name: str
    where: str
    seed: str = ""
    logged: bool = False
    said: list[str] = field(default_factory=list)
    blocks: NDArray[np.intp] | None = None
    twice: set[str] = field(default_factory=set)
    lengths: dict[str, int] = field(default_factory=dict)
    settings: set[str] = field(default_factory=set)
    lines: Sequence[int] | None = None

    def __post_init__(self) -> None:
        if len(self.columns) > MOST_COLUMNS:
            raise too_many_columns(self.where, len(self.columns))

    def __len__(self) -> int:
        return len(next(iter(self.columns.values()), ()))

    def row(self, index: int) -> str:
        """A row by the number under which a reader finds it."""
        return f"row {index + 1}" if self.lines is None else f"line {self.lines[index]}"


def too_many_columns(where: str, number: int) -> CurveError:
    return CurveError(
        f"{where}: {number} columns; at most {MOST_COLUMNS} are allowed: one row per epoch, one column per quantity"
    )


def texts(values: Iterable[object]) -> Column:
    """A column of text: blank cells are None."""
    cells = [None if value is None else str(value).strip() for value in values]
    column = np.empty(len(cells), dtype=object)
    column[:] = [cell or None for cell in cells]
    return column


def constant(value: object, rows: int) -> Column:
    column = np.empty(rows, dtype=object)
    column[:] = value
    return column


def stacked(tables: Sequence[Table]) -> Table:
    """Rows of several tables below each other; what one lacks is missing there."""
    if len(tables) == 1:
        return tables[0]
    names = list(dict.fromkeys(name for table in tables for name in table.columns))
    columns = {}
    for name in names:
        parts = [table.columns.get(name) for table in tables]
        if all(part is None or part.dtype.kind == "f" for part in parts):
            parts = [np.full(len(t), np.nan) if p is None else p for t, p in zip(tables, parts, strict=True)]
        else:
            parts = [constant(None, len(t)) if p is None else p for t, p in zip(tables, parts, strict=True)]
            parts = [_as_text(part) for part in parts]
        columns[name] = np.concatenate(parts)
    first = tables[0]
    return Table(columns, first.name, first.where, first.seed, first.logged, list(first.said))


def _as_text(column: Column) -> Column:
    if column.dtype == object:
        return column
    return texts(None if np.isnan(v) else f"{v:.17g}" for v in column)


def short(text: object) -> str:
    """What a file says, for an error of one line: its first 40 characters, none that moves the cursor."""
    whole = visible(str(text)[:80])
    return whole if len(whole) <= 40 else f"{whole[:40]}..."


def typed(name: str) -> str:
    """A column's name as it is typed after an option: whole, quoted for a shell. COLUMN where none can type it: with
    characters that are not shown or blanks that a message joins, or of more than 200."""
    if len(name) > 200 or visible(name) != name or " ".join(name.split()) != name:
        return "COLUMN"
    return shlex.quote(name)


def listed(names: Iterable[str]) -> str:
    """Names of columns, for an error: the first twelve. A file whose lines are joined is one long name."""
    every = list(names)
    return ", ".join(short(name) for name in every[:12]) + (", ..." if len(every) > 12 else "")


def visible(text: str) -> str:
    """The text with control characters, line ends and marks of writing direction written as escapes."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(c if _shown(c) else c.encode("unicode_escape").decode() for c in text)


def _shown(c: str) -> bool:
    return c.isprintable() or (c.isspace() and c not in "\t\n\r\v\f\x1c\x1d\x1e\x1f\x85\u2028\u2029")


def nearest(name: str, names: Iterable[str]) -> str:
    """`; did you mean ...` for a name that is not there, or nothing."""
    close = get_close_matches(name, [str(n) for n in names][:2000], n=1)
    return f"; did you mean {short(close[0])}?" if close else ""
