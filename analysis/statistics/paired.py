"""A mean of paired differences: its interval and the t-test that goes with it."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from analysis.statistics.intervals import LEVEL, student_quantile

SMALLEST_SD = 0.001
"""Least standard deviation of a paired difference of errors that is believed: errors come in steps of one test sample,
and a few equal differences are not certainty."""


def smallest_sd(test_samples: float | None) -> float:
    """SMALLEST_SD, or the rounding of a difference of two shares of so many test images where that is more: each is off
    by up to half an image, evenly (variance 1/12 of an image squared). test_samples: None = not known.

    Example: `smallest_sd(20)` is 0.0204.
    """
    return SMALLEST_SD if not test_samples else max(SMALLEST_SD, 1.0 / (test_samples * math.sqrt(6.0)))


class PairedMean(NamedTuple):
    """Mean of n differences, its interval (95 %, or of another level), and the two-sided p-value of a mean of 0; NaN
    where n is too small.

    The interval lies on one side of 0 exactly where p is below .05 (or 1 - level).
    """

    n: int
    mean: float
    low: float
    high: float
    p_value: float


def paired_mean(differences: ArrayLike, least_sd: float = SMALLEST_SD, level: float = LEVEL) -> PairedMean:
    """Of the finite differences, (seeds,). Student's t; no interval and no p-value below two. least_sd: what their
    standard deviation is at least taken to be (`smallest_sd`).

    Example: `paired_mean([-0.05, -0.07, -0.06])` has the mean -0.06 and the interval from -0.085 to -0.035.
    """
    from scipy.special import stdtr  # scipy.stats takes longer to import than all else here

    known = np.asarray(differences, dtype=np.float64)
    known = known[np.isfinite(known)]
    n = len(known)
    if n < 2:
        return PairedMean(n, float(known.mean()) if n else math.nan, math.nan, math.nan, math.nan)
    mean = float(known.mean())
    error = max(float(known.std(ddof=1)), least_sd) / math.sqrt(n)
    half = student_quantile(n - 1, level) * error
    return PairedMean(n, mean, mean - half, mean + half, float(2 * stdtr(n - 1, -abs(mean) / error)))
