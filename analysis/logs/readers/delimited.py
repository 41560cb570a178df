"""Text tables: any separator, lines above the header, comments, blank lines between runs, a header that comes again."""

from __future__ import annotations

import codecs
import csv
import re
from collections import Counter
from dataclasses import dataclass

import numpy as np

from analysis.logs.readers.messages import are_messages, read_messages
from analysis.logs.readers.table import MOST_COLUMNS, CurveError, Table, short, texts, too_many_columns

SEPARATORS = {"\t": "tab", ";": "semicolon", ",": "comma", "|": "bar", " ": "blank"}
"""In the order in which one is preferred where several fit: decimal commas stand beside tabs and semicolons."""
COMMENTS = ("#", "%", "//")
SAMPLE = 400  # lines from which the separator is found

_NUMBER = re.compile(r"^[-+]?(\d+([.,]\d*)?|[.,]\d+)([eE][-+]?\d+)?\s*%?$")


@dataclass(frozen=True)
class Line:
    number: int
    cells: list[str]


def decoded(data: bytes, where: str) -> str:
    """UTF-8 with or without its mark, UTF-16 with its mark, else Latin-1. Raises CurveError for other bytes."""
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        try:
            return data.decode("utf-16")
        except UnicodeDecodeError:
            raise CurveError(f"{where}: starts as UTF-16 text and is none; UTF-8 is allowed") from None
    if b"\0" in data:
        raise CurveError(f"{where}: a binary file of no known kind; see docs/curves.md for what is read")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return data.decode("latin-1")


def read_delimited(text: str, name: str, where: str) -> list[Table]:
    """The table in a text. Raises CurveError, one line, where none is found or a line does not fit."""
    numbered = [(n, line) for n, line in enumerate(re.split(r"\r\n|\n|\r", text), 1)]
    lines = [(n, line) for n, line in numbered if line.strip() and not _ruler(line)]
    if not lines:
        raise CurveError(f"{where}: the file is empty; a header with epoch and test_error is needed")
    if are_messages([line for _, line in lines[:SAMPLE]]):
        return read_messages(lines, name, where)
    separator, width = _separator([line for _, line in lines if not line.lstrip().startswith(COMMENTS)] or
                                  [line for _, line in lines], where)  # fmt: skip
    rows, comments = _split(lines, separator, width, where)
    header, body, above, rownames = _header(rows, comments, separator, width, where)
    if not body:
        raise CurveError(f"{where}: no rows below the header {short(', '.join(header))}; at least 4 points are needed")
    blank = {n for n, line in numbered if not line.strip()}
    body, blocks = _blocks(body, header, blank)
    table = _table(header, body, rownames, name, where)
    said = [] if separator == "," else [f"separated by {SEPARATORS[separator]}s"] if width > 1 else []
    if above:
        number = f"{above} lines" if above > 1 else "1 line"
        said.append(f"{number} above the header skipped: {short(separator.join(rows[0].cells))}")
    skipped = sum(body[0].number < line.number for line in comments)
    if skipped:
        said.append(f"{skipped} comments between the rows skipped")
    table.said = [*said, *table.said]
    table.blocks = blocks if blocks[-1] else None
    return [table]


def _ruler(line: str) -> bool:
    """`|---|:--|`, `-----`, `+====+`: drawn, not data."""
    return len(line) < 1000 and "-" in line.replace("=", "-") and not line.strip(" \t|:+-=")


def _cells(line: str, separator: str) -> list[str]:
    if separator == "|":
        line = line.strip().removeprefix("|").removesuffix("|")
    elif separator == " ":
        line = " ".join(line.split())
    if '"' not in line:
        return line.split(separator)
    try:
        return next(csv.reader([line], delimiter=separator), [])
    except csv.Error:
        return line.split(separator)


def _separator(lines: list[str], where: str) -> tuple[str, int]:
    """The separator that cuts most lines into the same number of cells, and that number: 1 for a lone column."""
    sample = lines[:SAMPLE]
    for line in sample[:2]:
        most = max(line.count(separator) for separator in SEPARATORS)
        if most >= MOST_COLUMNS and len(line) > MOST_COLUMNS:
            raise too_many_columns(where, most + 1)
    best, chosen = 0.0, (",", 1)
    for separator in SEPARATORS:
        split = [_cells(line, separator) for line in sample]
        counts = Counter(len(cells) for cells in split if any(_NUMBER.match(c.strip()) for c in cells))
        width, number = max(counts.items(), key=lambda item: (item[1], item[0]), default=(1, 0))
        # a header cut by the wrong separator has another number of cells than its rows
        share = (number + 0.5 * sum(len(c) == width for c in split[:40])) / len(split)
        if width > 1 and share > best + 1e-9:
            best, chosen = share, (separator, width)
    return chosen


def _split(lines: list[tuple[int, str]], separator: str, width: int, where: str) -> tuple[list[Line], list[Line]]:
    """Lines as cells, comments apart. A quoted cell may run over several lines."""
    rows: list[Line] = []
    comments: list[Line] = []
    pending: list[str] = []
    start = 0
    for number, line in lines:
        if not pending and line.lstrip().startswith(COMMENTS):
            cells = _cells(line, separator)
            numbers = sum(bool(_NUMBER.match(cell.strip())) for cell in cells)
            if len(cells) != width or not numbers or (numbers < 2 and width > 2):
                bare = line.lstrip().lstrip("#%/").strip()
                comments.append(Line(number, [cell.strip() for cell in _cells(bare, separator)]))
                continue
        pending, start = ([*pending, line], start or number) if pending else ([line], number)
        joined = "\n".join(pending)
        if separator not in (" ", "|") and joined.count('"') % 2:
            if len(pending) > 200:
                raise CurveError(f"{where}: line {start}: a quote is opened and not closed")
            continue
        cells = _quoted(joined, separator) if len(pending) > 1 else _cells(line, separator)
        if len(pending) > 1 and any(len(_cells(inner, separator)) >= width > 1 for inner in pending[1:-1]):
            raise CurveError(f"{where}: line {start}: a quote is opened and not closed on its line")
        rows.append(Line(start, [cell.strip() for cell in cells]))
        pending = []
    if pending:
        raise CurveError(f"{where}: line {start}: a quote is opened and not closed")
    return rows, comments


def _quoted(joined: str, separator: str) -> list[str]:
    return next(csv.reader(joined.splitlines(keepends=True), delimiter=separator), [])


def _header(
    rows: list[Line], comments: list[Line], separator: str, width: int, where: str
) -> tuple[list[str], list[Line], int, bool]:
    """Names, rows below them, number of lines above them, and whether each row begins with a name of its own."""
    first = next((i for i, r in enumerate(rows) if len(r.cells) == width and _numeric(r.cells)), None)
    if first is None:
        if rows and len(rows) == 1 and len(rows[0].cells) > 1:
            return rows[0].cells, [], 0, False
        raise CurveError(
            f"{where}: no table: no line of numbers was found; a header with epoch and test_error is needed"
        )
    body = rows[first:]
    if len(body) > 1 and _names(body[0].cells, body[1:6]):
        return body[0].cells, body[1:], first, False
    if first and len(rows[first - 1].cells) in (width, width - 1):
        names = rows[first - 1].cells
        short_of = len(names) == width - 1
        if short_of and all(not row.cells[-1] for row in body if len(row.cells) == width):
            return [*names, ""], body, first - 1, False  # a separator ends each row
        return (["", *names], body, first - 1, True) if short_of else (names, body, first - 1, False)
    before = [line for line in comments if line.number < body[0].number and len(line.cells) == width]
    if before and not _numeric(before[-1].cells):
        return before[-1].cells, body, first, False
    if first:
        raise CurveError(
            f"{where}: line {rows[first - 1].number}: {len(rows[first - 1].cells)} names above rows of {width} cells"
        )
    return (["value"] if width == 1 else [str(i + 1) for i in range(width)]), body, 0, False


def _numeric(cells: list[str]) -> bool:
    return any(_NUMBER.match(cell) for cell in cells)


def _names(cells: list[str], below: list[Line]) -> bool:
    """Whether a line that holds numbers is a header: a word stands over a column of numbers."""
    for i, cell in enumerate(cells):
        if cell and not _NUMBER.match(cell) and cell.lower() not in ("nan", "inf", "-inf", "none", "null"):
            column = [row.cells[i] for row in below if i < len(row.cells) and row.cells[i]]
            if column and all(_NUMBER.match(c) for c in column):
                return True
    return False


def _blocks(body: list[Line], header: list[str], blank: set[int]) -> tuple[list[Line], np.ndarray]:
    """Rows without repeated headers, and the number of each row's block."""
    kept: list[Line] = []
    number: list[int] = []
    block, last = 0, body[0].number
    for line in body:
        again = line.cells == header
        apart = bool(blank) and any(n in blank for n in range(last + 1, line.number))
        if kept and (again or apart) and number[-1] == block:
            block += 1
        last = line.number
        if not again:
            kept.append(line)
            number.append(block)
    return kept, np.array(number, dtype=np.intp)


def _table(header: list[str], body: list[Line], rownames: bool, name: str, where: str) -> Table:
    for line in body:
        if len(line.cells) > len(header) and any(line.cells[len(header) :]):
            raise CurveError(
                f"{where}: line {line.number}: {len(line.cells)} cells where the header has {len(header)}: "
                f"{short(', '.join(line.cells))}"
            )
    width = len(header)
    cells = [line.cells if len(line.cells) == width else (line.cells + [""] * width)[:width] for line in body]
    columns, twice = {}, set()
    for i, (title, column) in enumerate(zip(header, zip(*cells, strict=True), strict=True)):
        named = title or ("(row)" if i == 0 else f"(column {i + 1})")
        if named in columns:
            twice.add(named)
            named = next(f"{named}.{k}" for k in range(1, width + 1) if f"{named}.{k}" not in columns)
        columns[named] = texts(column)
    if rownames:
        columns = {k: v for k, v in columns.items() if k != "(row)"} if "(row)" in columns else columns
    return Table(columns, name, where, twice=twice, lines=[line.number for line in body])
