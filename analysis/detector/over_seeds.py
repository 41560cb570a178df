"""What the seeds of a cell say beside their mean: intervals, agreement, and peaks that are not aligned."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from scipy.special import stdtrit

from analysis.detector.binned_curves import CurveSet
from analysis.detector.smoothing import Array
from analysis.detector.verdict import Point, Verdict

POINTS = ("first_min", "peak", "second_min")


def with_intervals(verdict: Verdict, own: Sequence[Verdict], seeds: CurveSet) -> Verdict:
    """95 % Student intervals over seeds for the three points; unchanged below three seeds.

    A position's interval is over the seeds that are double descents themselves, in log10(x + 1) on the
    epoch axis, and ends where the axis does; an error's is over all seeds at the mean's position, and not below 0.
    """
    if len(own) < 3 or not verdict.double_descent:
        return verdict
    changed: dict[str, Point] = {}
    for name in POINTS:
        point: Point | None = getattr(verdict, name)
        if point is None:
            continue
        places = np.array([getattr(v, name).position for v in own if v.double_descent])
        scaled = np.log10(places + 1.0) if seeds.log_axis else places
        span = _student(scaled)
        if span is not None and seeds.log_axis:
            span = (10.0 ** span[0] - 1.0, 10.0 ** span[1] - 1.0)
        at = int(np.abs(seeds.grid.x - point.position).argmin())
        errors = seeds.smooth[:, at]
        changed[name] = replace(
            point,
            position_interval=_within(span, float(seeds.grid.x[0]), float(seeds.grid.x[-1])),
            error_interval=_within(_student(errors[np.isfinite(errors)]), 0.0, np.inf),
        )
    return replace(verdict, first_min=changed["first_min"], peak=changed["peak"], second_min=changed["second_min"])


def unaligned(verdict: Verdict, own: Sequence[Verdict]) -> Verdict:
    """The median of the seeds' points where more than half of three or more seeds are double descents and
    their mean is not: peaks at different epochs flatten each other."""
    called = [v for v in own if v.double_descent]
    if verdict.double_descent or len(own) < 3 or 2 * len(called) <= len(own):
        return verdict
    points = {}
    for name in POINTS:
        chosen = [getattr(v, name) for v in called]
        place, error = np.median([(point.position, point.error) for point in chosen], axis=0)
        points[name] = Point(float(place), float(error))
    first, peak, second = (points[name] for name in POINTS)
    return replace(
        verdict,
        shape="double_descent",
        strength="strong" if second.error < first.error else "weak",
        first_min=first,
        peak=peak,
        second_min=second,
        prominence=float(np.median([v.prominence for v in called if v.prominence is not None])),
        note=f"{len(called)} of {len(own)} seeds; peaks not aligned, the mean hides them",
    )


def _within(span: tuple[float, float] | None, low: float, high: float) -> tuple[float, float] | None:
    return None if span is None else (min(max(span[0], low), high), min(max(span[1], low), high))


def _student(values: Array) -> tuple[float, float] | None:
    if len(values) < 3:
        return None
    half = float(stdtrit(len(values) - 1, 0.975) * values.std(ddof=1) / len(values) ** 0.5)
    return float(values.mean()) - half, float(values.mean()) + half
