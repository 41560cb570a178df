"""The cells as a LaTeX table: grouped by network, means with intervals, the best mean of each network in bold."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from analysis.report.papers.latex import Column, Rows, escaped, numbers, table, with_interval, words
from analysis.report.papers.words import LEGEND, head, interval, p_value, text, verdict
from analysis.report.wording import AXIS_WORDS
from analysis.tables.along_axes import FROZEN
from analysis.tables.groups import Group, groups_along, varying
from analysis.tables.schema import CELLS
from sweeps.errors import InputError, suggestion

VERDICT = "verdict"
DEFAULT = ("final_test_error", "final_train_error", VERDICT, "peak_epoch", "prominence", "p_value")
"""What stands beside the row's place on its axis, and n where it differs."""

Row = dict[Any, Any]


def check_columns(names: Sequence[str]) -> None:
    """Raises InputError, in one line, for a name that is no column of `cells`."""
    allowed = [*CELLS.names, VERDICT]
    for name in names:
        if name not in allowed:
            raise InputError(f"--columns {name!r}: no column of the table cells{suggestion(name, allowed)}")


def cells_latex(cells: pd.DataFrame, sweep: str, columns: Sequence[str] = ()) -> str:
    r"""The table to \input: rows along the first axis that varies, under a heading for each group of cells.

    sweep: its name, for the caption and the label. columns: names of columns of `cells`, and `verdict` for the
    epoch-wise verdict in a word; by default DEFAULT. `final_test_error` comes with its interval. Raises InputError for
    a name that is none, and for more columns than fit a page.
    """
    check_columns(columns)
    axis = row_axis(cells)
    groups = groups_along(cells, axis)
    order = [int(row) for group in groups for row in group.cells]
    rows: list[Row] = cells.iloc[order].to_dict("records")
    done = sorted({int(row["n_done"]) for row in rows if row["n_done"]})
    chosen = list(columns) or [*(["n_done"] if len(done) > 1 else []), *DEFAULT]
    best = _best(groups, cells)
    made = [_column(name, rows, [at for at, row in enumerate(order) if row in best]) for name in [axis, *chosen]]
    starts = np.cumsum([0, *(len(group.cells) for group in groups)])
    parts = [
        Rows(group.label, range(int(start), int(start) + len(group.cells)))
        for group, start in zip(groups, starts, strict=False)
    ]
    return table(made, parts, _caption(sweep, axis, chosen, done, rows), f"tab:{sweep}-cells")


def row_axis(cells: pd.DataFrame) -> str:
    """The axis whose values tell rows of a group apart: the first that varies and that every cell has."""
    varied = varying(cells)
    return next((axis for axis in AXIS_WORDS if axis in varied and bool(cells[axis].notna().all())), FROZEN)


def _best(groups: Sequence[Group], cells: pd.DataFrame) -> set[int]:
    """The rows of `cells` with the lowest mean test error of their group, where there is something to choose."""
    error = cells["final_test_error"].to_numpy(dtype=np.float64)
    found: set[int] = set()
    for group in groups:
        values = error[group.cells]
        if np.isfinite(values).sum() > 1:
            found |= {int(row) for row, value in zip(group.cells, values, strict=True) if value == np.nanmin(values)}
    return found


def _column(name: str, rows: Sequence[Row], best: Sequence[int]) -> Column:
    if name == VERDICT:
        parts = ("shape", "strength", "significance", "double_descent")
        return words(head(name), [verdict(*(row[part] for part in parts)) for row in rows])
    if name in ("p_value", "q_value"):
        return words(head(name), [p_value(row[name], over_epochs=True) for row in rows], "r")
    texts = [text(name, row[name]) for row in rows]
    if name == "final_test_error":
        spans = [interval(row[f"{name}_low"], row[f"{name}_high"]) for row in rows]
        return with_interval(head(name), numbers("", texts, best), spans)
    if any(isinstance(row[name], str | bool) for row in rows):
        return words(head(name), texts)
    return numbers(head(name), texts)


def _caption(sweep: str, axis: str, chosen: Sequence[str], done: list[int], rows: Sequence[Row]) -> str:
    seeds = "no run is done" if not done else f"$n = {done[0]}$" + (f" to ${done[-1]}$" if len(done) > 1 else "")
    parts = [
        rf"Sweep {escaped(sweep)} by {escaped(AXIS_WORDS[axis])}, {seeds} {'seeds' if done else ''}".rstrip(),
        "errors are those after the last epoch, means over seeds",
    ]
    if "final_test_error" in chosen:
        parts.append(r"brackets: 95\,\% Student intervals; bold: the lowest mean test error of each group")
    if VERDICT in chosen:
        parts.append(f"over epochs: the shape of the test error ({LEGEND})")
    if "peak_epoch" in chosen:
        parts.append("peak at: its epoch")
    if "prominence" in chosen:
        parts.append("prom.: the smaller of the rise to the peak and the fall from it")
    if "p_value" in chosen and any(not pd.isna(row["p_value"]) for row in rows):
        parts.append(r"$\leq$ stands before the smallest $p$ that the test's draws can give")
    return "; ".join(parts) + "."
