"""Rules that others use, as a score of how clear a peak on a short axis is; the larger, the clearer.

Each reads x-free values in reading order, errors (seeds, points) without holes. A threshold is set where the score
asks for it: at the same share of false positives as the detector's.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from scipy.signal import find_peaks

from analysis.detector.short_axis.point_noise import kept_mean
from analysis.detector.significance import antitonic, valley
from analysis.detector.smoothing import Array
from analysis.scoring.baselines import lcdb_score, moving_average


def raw_prominence(errors: Array) -> float:
    """Largest min(rise, fall) of the mean over the size of its steps: what the eye does."""
    mean = errors.mean(axis=0)
    return _prominence(mean) / max(float(kept_mean(np.abs(np.diff(mean)))), 1e-9)


def smoothed_prominence(errors: Array) -> float:
    """scipy.signal.find_peaks on a moving average of three points, over the size of the steps."""
    mean = errors.mean(axis=0)
    _, found = find_peaks(moving_average(mean, 3), prominence=0.0)
    return float(found["prominences"].max(initial=0.0)) / max(float(kept_mean(np.abs(np.diff(mean)))), 1e-9)


def isotonic_gain(errors: Array) -> float:
    """How much better falls, rises, falls fits than falls, rises: drop in squares per square left."""
    y, ones = errors.mean(axis=0), np.ones(errors.shape[1])
    simple = float(((y - valley(y, ones)) ** 2).sum())
    costs = [
        float(((y[:t] - valley(y[:t], ones[:t])) ** 2).sum() + ((y[t:] - antitonic(y[t:], ones[t:])) ** 2).sum())
        for t in range(2, len(y) - 1)
    ]
    return (simple - min(costs)) / (min(costs) + 1e-9)


def lcdb(errors: Array) -> float:
    """Peaking test of LCDB 1.1 over repetitions, every point a bin; minus its p-value times the number of triples."""
    return lcdb_score(np.arange(errors.shape[1], dtype=np.float64), errors) if len(errors) > 1 else -np.inf


def _prominence(y: Array) -> float:
    before, after = np.minimum.accumulate(y), np.minimum.accumulate(y[::-1])[::-1]
    return float((y - np.maximum(before, after)).max())


SHORT_RIVALS: dict[str, Callable[[Array], float]] = {
    "prominence of the points": raw_prominence,
    "find_peaks, moving average": smoothed_prominence,
    "isotonic pieces": isotonic_gain,
    "LCDB 1.1 peaking": lcdb,
}
