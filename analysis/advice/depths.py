"""The depths of one network one by one: error, distance to the best, training from scratch, cost, what to avoid."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from analysis.advice.comparison import Comparison
from analysis.statistics.intervals import LEVEL, mean_interval
from analysis.tables.against_scratch import AgainstScratch, Outcome, against_scratch
from analysis.tables.along_axes import AxisVerdict
from analysis.tables.collect import Tables
from analysis.tables.curves import Array, Rows
from analysis.tables.schema import numbers

Why = Literal["double_descent", "co_adaptation", "worse_than_scratch", "diverged"]


@dataclass(frozen=True)
class DepthAdvice:
    """One depth. Errors are fractions, times seconds; None = not known.

    unit: the last unit that is frozen, by its name in the network. n: runs that are done. error, low, high: mean final
    test error and its 95 % interval over these. behind: error less that of the best depth over the shared seeds; its
    interval and p_best are adjusted for the number of depths (`Comparison`). scratch: error less that from scratch,
    paired by seed; its interval is adjusted for the number of depths. seconds: of all epochs of a run, mean over runs.
    avoid: why to stay away from it. settled: whether errors had settled when training ended.
    """

    frozen: int
    unit: str | None
    n: int
    error: float | None
    low: float | None
    high: float | None
    train_error: float | None
    behind: float | None
    behind_low: float | None
    behind_high: float | None
    p_best: float | None
    among_best: bool | None
    scratch: float | None
    scratch_low: float | None
    scratch_high: float | None
    against_scratch: Outcome | None
    seconds: float | None
    settled: bool | None
    avoid: tuple[Why, ...]


def depths_of(
    tables: Tables, each: AxisVerdict, found: Comparison | None, compared: Sequence[int]
) -> tuple[DepthAdvice, ...]:
    """Every depth of a group. found: the comparison of the points `compared`, None where there is none."""
    scratch = against_scratch(tables, each.group, 1.0 - (1.0 - LEVEL) / len(each.group.values))
    diverged = numbers(tables.cells, "n_diverged")[each.group.cells]
    seconds = numbers(tables.runs, "compute_seconds")
    done = tables.runs["status"].to_numpy() == "done"
    advice = []
    for point, (value, cell) in enumerate(zip(each.group.values, each.group.cells, strict=True)):
        rows = tables.rows[int(cell)][done[tables.rows[int(cell)]]]
        mean, low, high = mean_interval(each.test[:, point])
        at = compared.index(point) if found is not None and point in compared else None
        advice.append(
            DepthAdvice(
                frozen=int(value),
                unit=_unit(tables, rows, int(value)),
                n=len(rows),
                error=known(mean),
                low=None if np.isnan(low) else max(0.0, low),
                high=None if np.isnan(high) else min(max(1.0, mean), high),
                train_error=known(_mean(each.train[:, point])),
                behind=None if found is None or at is None else float(found.behind[at]),
                behind_low=None if found is None or at is None else float(found.low[at]),
                behind_high=None if found is None or at is None else float(found.high[at]),
                p_best=None if found is None or at is None else float(found.p_best[at]),
                among_best=None if found is None or at is None else bool(found.among_best[at]),
                scratch=None if scratch is None else known(scratch.difference[point]),
                scratch_low=None if scratch is None else known(scratch.low[point]),
                scratch_high=None if scratch is None else known(scratch.high[point]),
                against_scratch=_outcome(scratch, point),
                seconds=known(_mean(seconds[rows])),
                settled=None if np.isnan(each.settled[point]) else bool(each.settled[point]),
                avoid=_avoid(each, scratch, point, int(diverged[point])),
            )
        )
    return tuple(advice)


def _outcome(scratch: AgainstScratch | None, point: int) -> Outcome | None:
    return None if scratch is None else scratch.outcome(point)


def _avoid(each: AxisVerdict, scratch: AgainstScratch | None, point: int, diverged: int) -> tuple[Why, ...]:
    """The peak that the detector calls, negative transfer beyond doubt, and runs that diverged."""
    why: list[Why] = []
    kind, peak = kind_of_peak(each), None if each.verdict is None else each.verdict.peak
    if kind is not None and peak is not None and int(np.abs(each.group.values - peak.position).argmin()) == point:
        why.append(kind)
    if _outcome(scratch, point) == "worse":
        why.append("worse_than_scratch")
    if diverged:
        why.append("diverged")
    return tuple(why)


def kind_of_peak(each: AxisVerdict) -> Literal["double_descent", "co_adaptation"] | None:
    """What the verdict along frozen units calls a peak, where its test is significant."""
    verdict = each.verdict
    if verdict is None or verdict.significance != "significant":
        return None
    return "co_adaptation" if verdict.cause == "co_adaptation" else "double_descent" if verdict.double_descent else None


def _unit(tables: Tables, rows: Rows, frozen: int) -> str | None:
    ladder = ladder_of(tables, rows)
    return ladder[frozen - 1] if 0 < frozen <= len(ladder) else None


def ladder_of(tables: Tables, rows: Rows) -> tuple[str, ...]:
    """Names of the network's units, of the first run that has a result."""
    results = (tables.sweep.runs[int(row)].result for row in rows)
    return next((result.ladder for result in results if result is not None), ())


def _mean(values: Array) -> float:
    known = values[np.isfinite(values)]
    return float(known.mean()) if len(known) else float("nan")


def known(value: float) -> float | None:
    return None if np.isnan(value) else float(value)
