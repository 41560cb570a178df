"""Where a turning point of a short axis may lie: the places it takes when the noise is drawn anew."""

from __future__ import annotations

import numpy as np
from scipy.special import ndtri, stdtrit

from analysis.detector.short_axis.peak_test import correlated_noise
from analysis.detector.short_axis.reading import Reading
from analysis.detector.short_axis.replicates import NEAR, PRIOR, Replicates
from analysis.detector.smoothing import Array

DRAWS = 400
_SEED = 20221120


def place_spans(curve: Replicates, reading: Reading, places: Array) -> list[tuple[float, float] | None]:
    """95 % intervals of first minimum, peak and second minimum, on the axis.

    The level curve with the noise of the mean drawn on it, smoothed as it was, has its turning points elsewhere; their
    quantiles are the interval, widened by Student's t for a noise that is known from few runs, and by half the distance
    to the next points, between which nothing was measured.
    """
    assert reading.turns is not None
    first, peak, second = reading.turns
    rng = np.random.default_rng(_SEED)
    free = curve.seeds.free * min(1.0, (2 * NEAR + 1) / len(places)) + PRIOR  # of the spread at one point
    noise = correlated_noise(rng, (DRAWS, len(places)), curve.correlation) * curve.error
    drawn = reading.level + noise @ reading.matrix.T
    inner = drawn[:, first + 1 : second]
    tops = first + 1 + inner.argmax(axis=1)
    columns = np.arange(len(places))
    lows = np.where(columns < tops[:, None], drawn, np.inf).argmin(axis=1)
    highs = np.where(columns > tops[:, None], drawn, np.inf).argmin(axis=1)
    factor = float(stdtrit(free, 0.975) / ndtri(0.975))
    return [_span(curve.u, at, found, factor, places) for at, found in ((first, lows), (peak, tops), (second, highs))]


def _span(u: Array, at: int, found: np.ndarray, factor: float, places: Array) -> tuple[float, float]:
    low, high = np.quantile(u[found], [0.025, 0.975])
    gap = 0.5 * np.diff(u)
    low = u[at] - factor * max(0.0, u[at] - low) - (gap[at - 1] if at else 0.0)
    high = u[at] + factor * max(0.0, high - u[at]) + (gap[at] if at < len(gap) else 0.0)
    ends = np.interp([low, high], u, places)
    return float(ends.min()), float(ends.max())
