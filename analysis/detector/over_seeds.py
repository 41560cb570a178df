"""What the seeds of a cell say beside their mean: intervals, agreement, and peaks that are not aligned."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from scipy.special import bdtrc, ndtri, stdtrit

from analysis.detector.binned_curves import CurveSet
from analysis.detector.smoothing import Array
from analysis.detector.verdict import Point, Strength, Verdict

POINTS = ("first_min", "peak", "second_min")
TURN = 2.5  # bandwidths by which a smoother moves a sharp turn: the normal quantile of 1 : 100, and a little more


def with_intervals(verdict: Verdict, own: Sequence[Verdict], seeds: CurveSet) -> Verdict:
    """95 % Student intervals over seeds for the three points (positions: three seeds), and the strength.

    A position's interval is over the seeds that are double descents themselves, in log10(x + 1), ends where the axis
    does and is no finer than the smoother; an error's is over all seeds at the mean's position, and not below 0. The
    strength is that of the seeds' own second minus first minimum at the mean's places. Both are of the bins, not of
    the smooth curve: a smoother flattens a sharp turn in all seeds alike, which their spread does not show.
    """
    if len(own) < 2 or verdict.shape != "double_descent":
        return verdict
    levels = seeds.levels(np.arange(len(own)))
    changed: dict[str, Point] = {}
    heights: dict[str, Array] = {}
    for name in POINTS:
        point: Point | None = getattr(verdict, name)
        assert point is not None
        at = int(np.abs(seeds.grid.x - point.position).argmin())
        heights[name] = np.where(np.isfinite(seeds.values[:, at]), seeds.values[:, at], levels[:, at])
        changed[name] = replace(
            point,
            position_interval=_place_interval(own, name, seeds, at) if len(own) >= 3 else None,
            error_interval=_error_interval(heights[name] - levels[:, at], levels[:, at], point.error),
        )
    gaps = heights["second_min"] - heights["first_min"]
    strength, interval = paired_strength(gaps[np.isfinite(gaps)])
    return replace(verdict, strength=strength, strength_interval=interval, **changed)


def _error_interval(off: Array, levels: Array, error: float) -> tuple[float, float] | None:
    """Student's interval over seeds of the bins themselves, about the reported error; it holds that in any case.

    off: (seeds,) bins less levels. At a sharp turn the smoother is off by as much as their mean.
    """
    known = np.isfinite(off)
    if known.sum() < 2:
        return None
    half, moved = half_width((levels + off)[known]), error + float(off[known].mean())
    return max(0.0, min(error, moved - half)), max(error, moved + half)


def _place_interval(own: Sequence[Verdict], name: str, seeds: CurveSet, at: int) -> tuple[float, float] | None:
    """Student's interval of the seeds' places in log10(x + 1), about the smooth turn and the turn of the bins' mean.

    A smoother moves a sharp minimum towards its flatter side, in all seeds alike: up to TURN bandwidths where one side
    is two orders of magnitude steeper. The bins do not.
    """
    points = [getattr(v, name) for v in own if v.shape == "double_descent"]
    places = np.log10(np.array([point.position for point in points]) + 1.0)
    if len(places) < 3:
        return None
    smooth, bins = float(places.mean()), _turns_of_bins(seeds, at, 1.0 if name == "peak" else -1.0)
    half = float(np.hypot(half_width(places), seeds.grid.bandwidth[at]))
    half_bins = float(np.hypot(half_width(bins[1:]), seeds.grid.bandwidth[at]))
    low = 10.0 ** min(smooth - half, bins[0] - half_bins) - 1.0
    high = 10.0 ** max(smooth + half, bins[0] + half_bins) - 1.0
    ends = float(seeds.grid.x[0]), float(seeds.grid.x[-1])
    return min(max(low, ends[0]), ends[1]), min(max(high, ends[0]), ends[1])


def _turns_of_bins(seeds: CurveSet, at: int, sign: float) -> Array:
    """(1 + seeds,) positions of the highest (sign 1) or lowest (-1) bin of the mean and of each seed, within TURN
    bandwidths of bin `at`."""
    position = seeds.grid.position
    near = np.flatnonzero(np.abs(position - position[at]) <= TURN * seeds.grid.bandwidth[at])
    known = near[np.isfinite(seeds.values[:, near]).all(axis=0)]
    if not len(known):
        return np.full(1 + len(seeds.values), position[at])
    values = seeds.values[:, known]
    return position[known[(sign * np.vstack([values.mean(axis=0), values])).argmax(axis=1)]]


def unaligned(verdict: Verdict, own: Sequence[Verdict]) -> Verdict:
    """The median of the seeds' points where more than half of three or more seeds are double descents and
    their mean is not: peaks at different epochs flatten each other. The p-value is that so many seeds are called
    falsely."""
    called = [v for v in own if v.shape == "double_descent"]
    if verdict.shape == "double_descent" or len(own) < 3 or 2 * len(called) <= len(own):
        return verdict
    points = {}
    for name in POINTS:
        chosen = [getattr(v, name) for v in called]
        place, error = np.median([(point.position, point.error) for point in chosen], axis=0)
        points[name] = Point(float(place), float(error))
    first, peak, second = (points[name] for name in POINTS)
    strength, interval = paired_strength(
        np.array([v.second_min.error - v.first_min.error for v in called if v.second_min and v.first_min])
    )
    return replace(
        verdict,
        shape="double_descent",
        strength=strength,
        strength_interval=interval,
        first_min=first,
        peak=peak,
        second_min=second,
        prominence=float(peak.error - max(first.error, second.error)),
        p_value=float(bdtrc(len(called) - 1, len(own), 0.5)),
        note=f"{len(called)} of {len(own)} seeds; peaks not aligned, the mean hides them",
    )


def half_width(values: Array) -> float:
    """Half of the 95 % Student interval of a mean. values: (seeds,), at least two. Covers 95 % under Gaussian noise."""
    return float(stdtrit(len(values) - 1, 0.975) * values.std(ddof=1) / len(values) ** 0.5)


def paired_strength(gaps: Array) -> tuple[Strength, tuple[float, float] | None]:
    """Strength from second minus first minimum of each seed, (seeds,), and its interval; undecided where that holds
    0."""
    if len(gaps) < 2:
        return "undecided", None
    centre, half = float(gaps.mean()), half_width(gaps)
    word: Strength = "strong" if centre + half < 0.0 else "weak" if centre - half > 0.0 else "undecided"
    return word, (centre - half, centre + half)


def single_strength(gap: float, doubt: float) -> Strength:
    """Strength of one curve from its gap and the standard error of that from its own noise."""
    if abs(gap) <= ndtri(0.975) * doubt:
        return "undecided"
    return "strong" if gap < 0.0 else "weak"
