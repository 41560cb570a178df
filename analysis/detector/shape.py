"""Shape of smoothed curves, many at once: the candidate triple, then monotone, u_shaped, plateau or double
descent.

A curve enters as bin values m and standard errors s. A rise or a fall counts only between the lower bound
of the peak, m - c s, and the upper bound of the valley, m + c s, so noise that differs along the curve is
judged where it is.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from analysis.detector.smoothing import Array

Index = NDArray[np.intp]
Flags = NDArray[np.bool_]


@dataclass(frozen=True)
class Rule:
    """What counts. All shares are of the curve's own rise or fall, so only `floor` has a unit (error
    fraction)."""

    margin: float = 2.5  # c above
    likely: float = 1.0  # c with which another, higher peak is preferred once one is certain
    floor: float = 0.005  # half a percentage point: less is not called a peak, however certain
    floor_one_seed: float = 0.012  # a slow drift of one run makes humps of up to a point
    recovery: float = 0.2  # a fall of less than this share of the rise before it is a plateau
    share: float = 0.1  # a rise of less than this share of the fall after it leaves the curve monotone
    tail: float = 0.2  # decades (epochs) or share of the range (other axes) that decide "still rising"
    tail_share: float = 0.05  # a move by this share of the rise within a tail is not a plateau
    comparable: float = 0.5  # a further peak of this share of the prominence counts as comparable
    peaks: int = 3  # so many comparable peaks are an oscillation, not a double descent
    bandwidth: float = 1.0  # factor on every smoothing bandwidth
    seen: float = 0.1  # p up to which a peak on a short axis is named; above, the shape is that without it
    level: float = 0.01  # p up to which it is significant: many axes are read, so fewer than one in twenty
    level_one_seed: float = 0.035  # the same for one run, whose noise is taken with caution


@dataclass(frozen=True)
class Triples:
    """One row per curve. Indices are bins and are -1 where `found` is False; rise and fall are then 0."""

    found: Flags
    first: Index
    peak: Index
    second: Index
    rise: Array
    fall: Array

    @property
    def prominence(self) -> Array:
        return np.minimum(self.rise, self.fall)


def lowest_before(values: Array) -> Array:
    """Smallest value strictly left of every bin, NaN ignored; +inf where there is none. (runs, bins)."""
    best = np.fmin.accumulate(np.where(np.isnan(values), np.inf, values), axis=1)
    return np.concatenate([np.full((len(values), 1), np.inf), best[:, :-1]], axis=1)


def lowest_after(values: Array) -> Array:
    """Smallest value strictly right of every bin."""
    return lowest_before(values[:, ::-1])[:, ::-1]


def prominences(m: Array) -> Array:
    """min(rise from the lowest point before, fall to the lowest point after), for every bin; may be
    negative."""
    with np.errstate(invalid="ignore"):
        return np.nan_to_num(m - np.maximum(lowest_before(m), lowest_after(m)), nan=-np.inf)


def find_triples(m: Array, s: Array, rule: Rule) -> Triples:
    """The most prominent peak whose rise and fall both pass the rule. m, s: (runs, bins), NaN outside a
    curve.

    One peak must be certain. Where one is, a higher one that is merely likely is taken: it is the smaller
    peak's claim to be the only one that is in doubt then, not that there is a peak.
    """
    with np.errstate(invalid="ignore"):
        certain, likely = (
            prominences_between(m - margin * s, m + margin * s) > 0.0 for margin in (rule.margin, rule.likely)
        )
        rise = m - lowest_before(m)
        fall = m - lowest_after(m)
        smaller = np.minimum(rise, fall)
        enough = (smaller >= rule.floor) & (fall >= rule.recovery * rise) & (rise >= rule.share * fall)
        allowed = likely & enough & (certain & enough).any(axis=1, keepdims=True)
    score = np.where(allowed, smaller, -np.inf)
    peak = score.argmax(axis=1)
    rows = np.arange(len(m))
    found = np.isfinite(score[rows, peak])
    columns = np.arange(m.shape[1])
    safe = np.where(np.isnan(m), np.inf, m)
    first = np.where(columns < peak[:, None], safe, np.inf).argmin(axis=1)
    second = np.where(columns > peak[:, None], safe, np.inf).argmin(axis=1)

    def only_found(index: Index) -> Index:
        return np.where(found, index, -1)

    return Triples(
        found,
        only_found(first),
        only_found(peak),
        only_found(second),
        np.where(found, rise[rows, peak], 0.0),
        np.where(found, fall[rows, peak], 0.0),
    )


def prominences_between(low: Array, high: Array) -> Array:
    """Prominence of the lower bound over the upper bounds on either side: > 0 means certain at the
    margin."""
    return np.nan_to_num(low - np.maximum(lowest_before(high), lowest_after(high)), nan=-np.inf)


def count_peaks(m: Array, threshold: Array) -> Index:
    """Number of peaks with at least `threshold` of rise before and fall after. m, threshold: (runs, bins).

    One walk from left to right with hysteresis, all runs in step.
    """
    if len(m) == 1:
        return np.array([_count_peaks_of_one(m[0].tolist(), threshold[0].tolist())])
    runs = len(m)
    low, high = np.full(runs, np.inf), np.full(runs, -np.inf)
    rising = np.zeros(runs, dtype=bool)
    peaks = np.zeros(runs, dtype=np.intp)
    for value, needed in zip(m.T, threshold.T, strict=True):
        known = ~np.isnan(value)
        low = np.where(known & ~rising, np.fmin(low, value), low)
        high = np.where(known & rising, np.fmax(high, value), high)
        turn_up = known & ~rising & (value - low >= needed)
        turn_down = known & rising & (high - value >= needed)
        peaks += turn_down
        high = np.where(turn_up, value, high)
        low = np.where(turn_down, value, low)
        rising = (rising | turn_up) & ~turn_down
    return peaks


def _count_peaks_of_one(values: list[float], threshold: list[float]) -> int:
    """The same walk in plain numbers: for one run ten times faster than arrays of length one."""
    low, high, rising, peaks = np.inf, -np.inf, False, 0
    for value, needed in zip(values, threshold, strict=True):
        if value != value:
            continue
        if rising:
            high = max(high, value)
            if high - value >= needed:
                rising, low, peaks = False, value, peaks + 1
        else:
            low = min(low, value)
            if value - low >= needed:
                rising, high = True, value
    return peaks


def rises_after_minimum(m: Array, s: Array, rule: Rule) -> tuple[Flags, Index, Array]:
    """Whether a curve rises, beyond doubt and by the floor, after its lowest bin: flag, that bin, and the
    rise."""
    safe = np.where(np.isnan(m), np.inf, m)
    lowest = safe.argmin(axis=1)
    rows = np.arange(len(m))
    after = np.arange(m.shape[1]) > lowest[:, None]
    rise = np.where(after & np.isfinite(safe), m - safe[rows, lowest][:, None], -np.inf)
    with np.errstate(invalid="ignore"):
        sure = rise - rule.margin * (s + s[rows, lowest][:, None])
    largest = rise.max(axis=1)
    return (np.nan_to_num(sure, nan=-np.inf).max(axis=1) > 0) & (largest >= rule.floor), lowest, largest


def end_slope(values: Array, error: Array, position: Array, width: Array) -> tuple[Array, Array]:
    """Least-squares slope over the last `width` of each curve, per unit of position, and its standard
    error.

    values, error: (runs, bins) bin means and standard errors, NaN outside a curve; width: scalar array. At
    least three bins are used.
    """
    known = ~np.isnan(values)
    last = values.shape[1] - 1 - known[:, ::-1].argmax(axis=1)
    use = known & (position >= position[last][:, None] - width)
    third = np.sort(np.where(known, np.arange(values.shape[1]), -1), axis=1)[:, -3:].min(axis=1)
    use |= known & (np.arange(values.shape[1]) >= third[:, None])
    count = use.sum(axis=1, keepdims=True)
    offset = np.where(use, position, 0.0)
    offset = np.where(use, position - offset.sum(axis=1, keepdims=True) / count, 0.0)
    square = (offset**2).sum(axis=1)
    with np.errstate(invalid="ignore", divide="ignore"):
        slope = (offset * np.nan_to_num(values)).sum(axis=1) / square
        doubt = np.sqrt((offset**2 * np.nan_to_num(error) ** 2).sum(axis=1)) / square
    return np.nan_to_num(slope), np.nan_to_num(doubt)


def still_moving(values: Array, error: Array, position: Array, rise: Array, rule: Rule, tail: float) -> Flags:
    """Whether the end of a curve still moves by a twentieth of its rise per tail: its shape is not decided.

    tail: on the scale of position; the slope is taken over twice that.
    """
    slope, doubt = end_slope(values, error, position, np.asarray(2.0 * tail))
    return (np.abs(slope) > 1.5 * doubt) & (np.abs(slope) * tail >= rule.tail_share * rise)
