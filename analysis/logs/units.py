"""Errors as fractions: percent is recognised and said, an accuracy is turned once, a loss stays what it is."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from analysis.logs.choices import Unit
from analysis.logs.columns import Metric
from analysis.logs.readers.cells import Array
from analysis.logs.readers.table import CurveError, listed, short

SLACK = 1e-6
"""A mean of accuracies may exceed 1 by rounding."""


def as_errors(
    values: Array, metric: Metric, run: NDArray[np.intp], names: Sequence[str], unit: Unit | None, where: str
) -> tuple[Array, list[str]]:
    """Values as error fractions (losses unchanged), and what was done, in words.

    values: (rows,) NaN = missing. run: (rows,) index into names. Above 1.5 a column is percent; between 1 and 1.5 it
    could be either and is refused, unless its name, its cells or --unit say. Raises CurveError for values outside.
    """
    known = values[np.isfinite(values)]
    low, high = float(known.min()), float(known.max())
    label = f"{where}: {short(metric.column)}"
    if metric.kind == "loss":
        return values, []
    limit = 1.0 if unit == "fraction" else 100.0
    if low < -SLACK or high > limit * (1 + SLACK):
        value = low if low < -SLACK else high
        hint = "" if unit == "fraction" else "; a loss is read with --rule loss"
        raise CurveError(f"{label}: {value:g}; allowed are fractions from 0 to 1 or percent from 0 to 100{hint}")
    if unit is None and not metric.percent and 1.0 + SLACK < high <= 1.5:
        raise CurveError(
            f"{label}: largest value {high:g}: fraction or percent? Say --unit percent, or --rule loss for a loss"
        )
    said = []
    percent = unit == "percent" or (unit is None and (metric.percent or high > 1.5))
    if percent:
        if unit is None and not metric.percent:
            _all_in_percent(values, run, names, label)
        values = values / 100.0
        said.append(f"{metric.column} is in percent")
    if metric.kind == "accuracy":
        values = 1.0 - values
        said.append(f"error = 1 - {metric.column}")
    return np.clip(values, 0.0, 1.0), said


def _all_in_percent(values: Array, run: NDArray[np.intp], names: Sequence[str], label: str) -> None:
    highest = np.full(len(names), -np.inf)
    np.fmax.at(highest, run, values)
    small = [name for name, high in zip(names, highest, strict=True) if np.isfinite(high) and high <= 1.0]
    if small:
        raise CurveError(
            f"{label}: in percent for some runs, at most 1 for {listed(small)}: fraction or percent? Say "
            "--unit percent, or read them apart"
        )
