"""Cells to numbers: empty ones are missing, a decimal comma and a percent sign are read, all else is refused."""

from __future__ import annotations

import re

import numpy as np
from numpy.typing import NDArray

from analysis.logs.readers.table import Column, CurveError, Table, short

Array = NDArray[np.float64]

MISSING = {"", "nan", "none", "null", "na", "n/a", "-", "--", "?", ".", "nil"}
_COMMA = re.compile(r"^[-+]?\d*,\d+([eE][-+]?\d+)?$")
_THOUSANDS = re.compile(r"^[-+]?[1-9]\d{0,2}(,\d{3})+$")


def numbers(table: Table, name: str) -> tuple[Array, list[str]]:
    """The column as floats, NaN where missing, and how its cells were written, in words.

    Raises CurveError at the first text or infinity, and for `1,234`, which may be 1234 or 1.234.
    """
    column = table.columns[name]
    said: list[str] = []
    if column.dtype != object:
        values = column.astype(np.float64)
    else:
        cells, said = _clean(table, name, column)
        values = _floats(table, name, cells)
    wrong = np.isinf(values)
    if wrong.any():
        row = int(wrong.argmax())
        raise CurveError(f"{table.where}: {short(name)}: {values[row]:g} in {table.row(row)} is not a finite number")
    return values, said


def _clean(table: Table, name: str, column: Column) -> tuple[list[str], list[str]]:
    cells = ["nan" if cell is None or cell.lower() in MISSING else cell for cell in column.tolist()]
    said = []
    known = [cell for cell in cells if cell != "nan"]
    if known and all(cell.endswith("%") for cell in known):
        cells = [cell.rstrip("% ") or "nan" for cell in cells]
        said.append("%")
        known = [cell for cell in cells if cell != "nan"]
    if any("," in cell for cell in known):
        with_comma = [cell for cell in known if "," in cell]
        if all(_THOUSANDS.match(cell) for cell in with_comma):
            raise CurveError(
                f"{table.where}: {short(name)}: {short(with_comma[0])} may be {with_comma[0].replace(',', '')} or "
                f"{with_comma[0].replace(',', '.')}; write it without the comma or with a point"
            )
        if all(_COMMA.match(cell) for cell in with_comma) and not any("." in cell for cell in known):
            cells = [cell.replace(",", ".") for cell in cells]
            said.append("decimal commas")
    return cells, said


def _floats(table: Table, name: str, cells: list[str]) -> Array:
    try:
        if "_" not in "".join(cells):  # Python reads 1_0 as 10
            return np.array([float(cell) for cell in cells])
    except ValueError:
        pass
    for row, cell in enumerate(cells):
        try:
            wrong = "_" in cell or float(cell) is None
        except ValueError:
            wrong = True
        if wrong:
            shown = repr(short(table.columns[name][row]))
            raise CurveError(f"{table.where}: {short(name)}: {shown} in {table.row(row)} is not a number")
    raise AssertionError("every cell is a number")
