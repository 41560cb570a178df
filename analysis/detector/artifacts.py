"""What looks like a peak and is none: a spike, and a fall that a schedule made in one step.

Both are looked for in the raw points of a candidate. A spike is cut out and a step is undone, and the
curve is read
again: what is still a double descent is one.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from analysis.detector.shape import count_peaks
from analysis.detector.smoothing import Array
from analysis.detector.spikes import median_filter

HALF_WIDTH = 0.1  # decades on either side of a peak that must be high as a whole
HALF_POINTS = 3  # and never fewer points than this on either side
STEP_SHARE = 0.5  # of the fall, within STEP_WIDTH of the epoch
STEP_WIDTH = 0.03
FIRST_STEP = 20  # points; earlier a fall in a few epochs is no step


@dataclass(frozen=True)
class Repair:
    kind: Literal["spike", "step"]
    x: float
    errors: Array  # (seeds, points) with the spike missing or the step undone


def repair(
    x: Array, errors: Array, peak: float, second: float, height: float, rise: float, fall: float
) -> Repair | None:
    """The first thing that is wrong with a candidate peak, undone; None if it stands.

    x: (points,), errors: (seeds, points). peak, second: positions of the peak and second minimum. floor,
    height: error at the higher of the two minima and at the peak.
    """
    raw = _level_mean(errors)
    spike = _spike(x, raw, peak, height - 0.5 * min(rise, fall))
    if spike is not None:
        return Repair("spike", peak, np.where(spike, np.nan, errors))
    step = _step(x, raw, peak, second, fall)
    if step is not None:
        at, jump = step
        return Repair("step", float(x[at]), errors + np.where(np.arange(len(x)) >= at, jump, 0.0))
    return None


def oscillates(x: Array, errors: Array, prominence: float, peaks: int) -> bool:
    """Whether a curve swings again and again by half its prominence: a cyclic schedule, not a double
    descent.

    Swings of one period crowd together on a log axis and a smoother flattens them; here they are counted
    on means over 33 and over 100 windows of equal length, with the noise of a window added to the
    threshold.
    x: (points,), errors: (seeds, points).
    """
    raw = _level_mean(errors)
    y = median_filter(_filled(x, raw), 5 if len(x) >= 200 else 3)  # spikes are no swings
    noise = None
    for windows in (33, 100):
        label = np.minimum((windows * (x - x[0]) / (x[-1] - x[0])).astype(int), windows - 1)
        starts = np.flatnonzero(np.r_[True, np.diff(label) > 0])
        size = np.diff(np.r_[starts, len(x)])
        means = np.add.reduceat(y, starts) / size
        needed = np.full(len(size), 0.5 * prominence)
        if count_peaks(means[None], needed[None])[0] < peaks:  # most curves; noise can only take swings away
            continue
        noise = _noise(raw[np.isfinite(raw)]) if noise is None else noise
        needed += 3.0 * noise / np.sqrt(size)
        if count_peaks(means[None], needed[None])[0] >= peaks:
            return True
    return False


def _level_mean(errors: Array) -> Array:
    """Mean over seeds with each seed's level removed, so that a seed that ends makes no step. (points,)."""
    if len(errors) == 1:
        return errors[0]
    common = np.isfinite(errors).all(axis=0)
    offset = errors[:, common].mean(axis=1, keepdims=True) if common.any() else np.zeros((len(errors), 1))
    known = np.isfinite(errors)
    total = np.where(known, errors - offset, 0.0).sum(axis=0)
    with np.errstate(invalid="ignore"):
        return total / known.sum(axis=0) + offset.mean()


def _spike(x: Array, raw: Array, peak: float, half_height: float) -> np.ndarray | None:
    """Mask of the points to cut if most points around the peak are below half its height."""
    at = int(np.abs(x - peak).argmin())
    reach = (peak + 1.0) * 10.0 ** np.array([-HALF_WIDTH, HALF_WIDTH]) - 1.0
    begin, end = np.searchsorted(x, reach, side="left")[0], np.searchsorted(x, reach, side="right")[1]
    near = slice(min(begin, max(0, at - HALF_POINTS)), max(end, at + HALF_POINTS + 1))
    with np.errstate(invalid="ignore"):
        above = raw[near] > half_height
    if above.sum() > 0.5 * np.isfinite(raw[near]).sum():
        return None
    high = np.zeros(len(x), dtype=bool)
    high[near] = above
    return high


def _step(x: Array, raw: Array, peak: float, second: float, fall: float) -> tuple[int, float] | None:
    """Index and height of a drop within a few points that makes most of the fall, beyond the noise."""
    begin = max(int(np.abs(x - peak).argmin()), FIRST_STEP)
    end = min(int(np.abs(x - second).argmin()) + 1, len(x) - 3)
    if end <= begin or fall <= 0.0:
        return None
    filled = _filled(x, raw)
    total = np.zeros(len(x) + 1)
    np.cumsum(median_filter(filled, 7), out=total[1:])  # a spike is no step
    at = np.arange(begin, end)
    width = np.minimum(np.maximum(3, (STEP_WIDTH * at).astype(int)), len(x) - at)
    drop = (2.0 * total[begin:end] - total[at - width] - total[at + width]) / width
    best = int(drop.argmax())
    if drop[best] < STEP_SHARE * fall:
        return None
    noise = _noise(filled[max(0, begin - 10) : end + 10])
    certain = drop[best] > 4.0 * noise * np.sqrt(2.0 / width[best])
    return (int(at[best]), float(drop[best])) if certain else None


def _filled(x: Array, raw: Array) -> Array:
    """The curve with straight lines across what is missing."""
    known = np.isfinite(raw)
    return raw if known.all() else np.interp(x, x[known], raw[known])


def _noise(y: Array) -> float:
    """Standard deviation of a point, from the median absolute second difference."""
    return float(np.median(np.abs(np.diff(y, 2))) * 1.4826 / np.sqrt(6.0))
