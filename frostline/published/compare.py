"""A sweep beside published errors: position by position, and whether they agree within a stated tolerance.

Runs are found by their fields: a sweep at another scale than the published one is compared with nothing, in one line.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from analysis.loaded import LoadedSweep
from analysis.statistics.intervals import Array, mean_interval
from analysis.tables.verdict_frame import cell_fields_and_labels
from frostline.published.references import Reference, Series, references
from sweeps.errors import InputError


@dataclass(frozen=True)
class Curve:
    """Mean errors of a group of our runs. x: (points,) positions; errors as fractions; n: the most seeds of a point."""

    label: str
    x: Array
    test: Array
    low: Array
    high: Array
    train: Array
    n: int


@dataclass(frozen=True)
class Point:
    """One position: the published error, ours with its 95 % interval over seeds, and their difference."""

    position: float
    published: float
    ours: float
    low: float | None
    high: float | None
    difference: float


@dataclass(frozen=True)
class Comparison:
    """One published series beside one group of runs.

    mean_difference: of the absolute differences at the positions that both have; agrees: it is at most the tolerance.
    asked: published positions; those beyond our axis are left out. shown: the published series on our axis and scale.
    """

    reference: str
    series: str
    group: str
    n: int
    points: tuple[Point, ...]
    asked: int
    tolerance: float
    mean_difference: float
    agrees: bool
    shown: tuple[Array, Array]
    curve: Curve

    def as_json(self) -> dict[str, Any]:
        names = ("reference", "series", "group", "n", "asked", "tolerance", "mean_difference", "agrees")
        return {name: getattr(self, name) for name in names} | {"points": [asdict(point) for point in self.points]}


def compare(sweep: LoadedSweep) -> tuple[Comparison, ...]:
    """Every published series beside every group of the sweep's runs that it speaks of.

    Raises InputError, in one line, where there is none.
    """
    found = [
        comparison
        for reference in references()
        for series in reference.series
        for curve in _curves(sweep, reference, series)
        if (comparison := _compared(reference, series, curve)) is not None
    ]
    if not found:
        needs = "; ".join(f"{each.name} needs {_said(each.where)}" for each in references())
        raise InputError(f"{sweep.name}: none of its finished runs is one that there are published errors of ({needs})")
    return tuple(found)


def comparison_table(found: tuple[Comparison, ...]) -> pa.Table:
    """One row per position of each comparison. Errors as fractions; a missing interval is null."""
    rows = [
        {"reference": each.reference, "series": each.series, "group": each.group, "n": each.n, **asdict(point)}
        | {"tolerance": each.tolerance, "mean_difference": each.mean_difference, "agrees": each.agrees}
        for each in found
        for point in each.points
    ]
    numbers = ("position", "published", "ours", "low", "high", "difference", "tolerance", "mean_difference")
    schema = pa.schema(
        [
            *((name, pa.string()) for name in ("reference", "series", "group")),
            ("n", pa.int64()),
            *((name, pa.float64()) for name in numbers),
            ("agrees", pa.bool_()),
        ]
    )
    return pa.Table.from_pylist(rows, schema=schema)


def _curves(sweep: LoadedSweep, reference: Reference, series: Series) -> Iterator[Curve]:
    """The groups of our runs that a series speaks of."""
    if reference.axis == "epoch":
        tables = sweep.tables
        done = tables.runs["status"].to_numpy() == "done"
        for (fields, label), rows in zip(cell_fields_and_labels(tables.cells), tables.rows, strict=True):
            if _matches(fields, reference, series) and done[rows].any():
                yield _curve(label, *tables.curves.cell(rows[done[rows]]))
        return
    for each in sweep.axis_verdicts:
        fields = {name: value for name, value in each.group.fields.items() if name != reference.axis}
        if each.group.axis == reference.axis and each.replicates and _matches(fields, reference, series):
            curve = _curve(each.group.label, each.group.values, each.test, each.train)
            yield _shares(curve) if reference.relative else curve


def _matches(fields: Mapping[str, Any], reference: Reference, series: Series) -> bool:
    if series.sources is not None:
        source, target = fields.get("source.task"), fields.get("target.task")
        if source is None or (source == target) != (series.sources == "same"):
            return False
    return all(fields.get(name) == value for name, value in (reference.where | series.where).items())


def _curve(label: str, x: Array, test: Array, train: Array) -> Curve:
    """test, train: (seeds, points). Points without a result are left out."""
    known = np.isfinite(test).any(axis=0)
    test, train = test[:, known], train[:, known]
    table = np.array([mean_interval(column) for column in test.T]).reshape(-1, 3)
    most = int(np.isfinite(test).sum(axis=0).max(initial=0))
    train_means = np.array([mean_interval(column)[0] for column in train.T])
    return Curve(label, x[known], table[:, 0], table[:, 1], table[:, 2], train_means, most)


def _shares(curve: Curve) -> Curve:
    """Positions as shares of the deepest; errors less that of the shallowest depth above 0."""
    chosen = curve.x > 0
    if not chosen.any():
        return curve
    first = curve.test[chosen][0]
    test, low, high = (values[chosen] - first for values in (curve.test, curve.low, curve.high))
    return Curve(curve.label, curve.x[chosen] / curve.x.max(), test, low, high, curve.train[chosen], curve.n)


def published(reference: Reference, series: Series, rerun: bool = False) -> tuple[Array, Array]:
    """Positions and test errors of a series as our runs are measured: on clean labels; relative where asked for."""
    errors = np.array(series.rerun if rerun and series.rerun is not None else series.test)
    if reference.noisy_test_labels is not None:
        errors = np.array([reference.noisy_test_labels.clean(float(error)) for error in errors])
    at = np.array(series.at)
    return (at / at[-1], errors - errors[0]) if reference.relative else (at, errors)


def _compared(reference: Reference, series: Series, curve: Curve) -> Comparison | None:
    """Ours is read between its own positions, linearly along the logarithm of epochs and widths."""
    at, errors = published(reference, series)
    logarithmic = not reference.relative
    x, wanted = (np.log(curve.x), np.log(at)) if logarithmic else (curve.x, at)
    inside = (wanted >= x.min() - 1e-9) & (wanted <= x.max() + 1e-9) if len(x) else np.zeros(len(at), dtype=bool)
    if not inside.any():
        return None
    ours, low, high = (np.interp(wanted[inside], x, values) for values in (curve.test, curve.low, curve.high))
    points = tuple(
        Point(float(place), float(error), float(own), _known(below), _known(above), float(own - error))
        for place, error, own, below, above in zip(at[inside], errors[inside], ours, low, high, strict=True)
    )
    difference = float(np.mean([abs(point.difference) for point in points]))
    return Comparison(
        reference.name,
        series.label,
        curve.label,
        curve.n,
        points,
        len(at),
        series.tolerance,
        difference,
        difference <= series.tolerance,
        (at, errors),
        curve,
    )


def _known(value: float) -> float | None:
    return None if np.isnan(value) else float(value)


def _said(where: Mapping[str, Any]) -> str:
    return ", ".join(f"{name} = {'none' if value is None else value}" for name, value in where.items())
