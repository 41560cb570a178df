"""Errors of a group over (epoch x frozen units), and its freezing-wise verdict at each of several training budgets.

A final error is an error at one budget. Whether a freezing-wise double descent persists when training goes on is seen
only beside the others. All of it comes from the same runs: their curves, cut at that epoch.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from analysis.detector.q_values import adjusted
from analysis.detector.verdict import Verdict
from analysis.statistics.intervals import Array, student_quantile
from analysis.tables.along_axes import FROZEN, AxisVerdict, at_budgets
from analysis.tables.budgets import budgets
from analysis.tables.cells import DECIMALS
from analysis.tables.collect import Tables
from analysis.tables.groups import Group

BUDGETS = (1 / 32, 1 / 16, 1 / 8, 1 / 4, 1 / 2, 3 / 4, 1.0)
"""Shares of the longest training at which the verdict is asked for."""


@dataclass(frozen=True)
class Surface:
    """One group along frozen units. Errors as fractions, means over done seeds, NaN where there is none.

    epochs: (epochs,) after which runs were evaluated; frozen: (points,) units; n, test, low, high, train: (points,
    epochs), `low` and `high` the 95 % interval of the mean test error over seeds (Student). ridge: epoch and error of
    the epoch-wise peak by frozen units, where the cell is an epoch-wise double descent. verdicts: freezing-wise, by
    budget in epochs; q-values are over the groups of the sweep at that share of the budget (where shares of a short
    training come to the same epochs, at the largest of them).
    """

    group: Group
    epochs: Array
    frozen: Array
    n: NDArray[np.int64]
    test: Array
    low: Array
    high: Array
    train: Array
    ridge: Mapping[float, tuple[float, float]]
    verdicts: Mapping[int, Verdict | None] = field(default_factory=dict)

    @property
    def persists(self) -> tuple[int, ...]:
        """The budgets at which the verdict is a significant freezing-wise double descent."""
        return tuple(epochs for epochs, each in self.verdicts.items() if each is not None and each.double_descent)


def surfaces(tables: Tables, along: Sequence[AxisVerdict]) -> tuple[Surface, ...]:
    """The surface of every group along frozen units that has more than one depth and a finished run."""
    chosen = [
        each.group for each in along if each.group.axis == FROZEN and len(each.group.values) > 1 and each.replicates
    ]
    judged = [at_budgets(tables, group, BUDGETS) for group in chosen]
    spans = [budgets(tables, group, BUDGETS) for group in chosen]
    for at in zip(*spans, strict=True):  # of each group the epochs at one share
        together = adjusted([each[epochs] for each, epochs in zip(judged, at, strict=True)])
        for each, epochs, verdict in zip(judged, at, together, strict=True):
            each[epochs] = verdict
    return tuple(_surface(tables, group, found) for group, found in zip(chosen, judged, strict=True))


def _surface(tables: Tables, group: Group, verdicts: Mapping[int, Verdict | None]) -> Surface:
    done = tables.runs["status"].to_numpy() == "done"
    cells = [tables.rows[cell][done[tables.rows[cell]]] for cell in group.cells]
    curves = [tables.curves.cell(rows) for rows in cells]
    epochs = max((each[0] for each in curves), key=len)
    shape = (len(cells), len(epochs))
    n, (test, low, high, train) = np.zeros(shape, dtype=np.int64), np.full((4, *shape), np.nan)
    ridge: dict[float, tuple[float, float]] = {}
    for point, (cell, (own, its_test, its_train)) in enumerate(zip(group.cells, curves, strict=True)):
        at = np.searchsorted(epochs, own)
        if len(own) and np.array_equal(epochs[at], own):
            n[point, at] = np.isfinite(its_test).sum(axis=0)
            test[point, at], half = _mean_and_half(its_test)
            low[point, at], high[point, at] = test[point, at] - half, test[point, at] + half
            train[point, at] = _mean_and_half(its_train)[0]
        verdict = tables.verdicts[int(cell)]
        if verdict is not None and verdict.double_descent and verdict.peak is not None:
            ridge[float(group.values[point])] = (verdict.peak.position, verdict.peak.error)
    return Surface(group, epochs, group.values, n, test, low, high, train, ridge, dict(verdicts))


def _mean_and_half(errors: Array) -> tuple[Array, Array]:
    """errors: (seeds, epochs). Mean over finite seeds and half of its interval, (epochs,), NaN where unknown."""
    known = np.isfinite(errors)
    n = known.sum(axis=0)
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = np.where(known, errors, 0.0).sum(axis=0) / n
        deviation = np.sqrt((np.where(known, errors - mean, 0.0) ** 2).sum(axis=0) / (n - 1))
        quantile = np.array([student_quantile(int(count) - 1) if count > 1 else np.nan for count in n])
        return mean, quantile * deviation / np.sqrt(n)


SURFACE = pa.schema(
    [
        ("group", pa.string()),
        (FROZEN, pa.int64()),
        ("epoch", pa.int64()),
        ("n", pa.int64()),
        *((name, pa.float64()) for name in ("test_error", "test_error_low", "test_error_high", "train_error")),
    ]
)
VERDICTS = pa.schema(
    [
        ("group", pa.string()),
        ("budget", pa.int64()),
        *((name, pa.string()) for name in ("shape", "strength", "significance", "cause")),
        ("double_descent", pa.bool_()),
        *((name, pa.float64()) for name in ("first_min", "peak", "second_min", "peak_error", "prominence")),
        *((name, pa.float64()) for name in ("p_value", "q_value")),
    ]
)


def surface_table(found: Sequence[Surface]) -> pa.Table:
    """One row per group, frozen units and evaluated epoch that has a result."""
    parts = [SURFACE.empty_table()]
    for each in found:
        point, epoch = np.nonzero(each.n)
        errors = [np.round(values[point, epoch], DECIMALS) for values in (each.test, each.low, each.high, each.train)]
        columns = [
            np.full(len(point), each.group.label, dtype=object), each.frozen[point].astype(np.int64),
            each.epochs[epoch].astype(np.int64), each.n[point, epoch], *errors,
        ]  # fmt: skip
        arrays = [pa.array(column, kind.type, from_pandas=True) for column, kind in zip(columns, SURFACE, strict=True)]
        parts.append(pa.table(arrays, schema=SURFACE))
    return pa.concat_tables(parts)


def verdict_table(found: Sequence[Surface]) -> pa.Table:
    """One row per group and budget: the freezing-wise verdict of the same runs at that many epochs."""
    rows = [_row(each, budget, verdict) for each in found for budget, verdict in each.verdicts.items()]
    return pa.Table.from_pylist(rows, schema=VERDICTS)


def _row(surface: Surface, budget: int, verdict: Verdict | None) -> dict[str, object]:
    row: dict[str, object] = {"group": surface.group.label, "budget": budget}
    if verdict is None:
        return row
    for name in ("shape", "strength", "significance", "cause", "double_descent"):
        row[name] = getattr(verdict, name)
    for name, point in verdict.points().items():
        row[name] = point.position
    row["peak_error"] = None if verdict.peak is None else round(verdict.peak.error, DECIMALS)
    for name in ("prominence", "p_value", "q_value"):
        value = getattr(verdict, name)
        row[name] = None if value is None else round(value, DECIMALS)
    return row
