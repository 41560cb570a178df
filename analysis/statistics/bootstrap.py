"""95 % intervals of a mean over a few seeds: the exact bootstrap distribution, no random numbers where it is small.

With n seeds the plain percentile interval is too narrow: by the factor sqrt((n - 1) / n), and because it uses normal
quantiles where Student's belong. The expanded percentile interval (Hesterberg 2015, "What Teachers Should Know About
the Bootstrap", Am. Stat. 69, section 4.4) takes the quantiles at Phi(-sqrt(n / (n - 1)) t) and one minus that. It can
never leave the range of the values, so with three or four seeds it still covers less than it says.
"""

from __future__ import annotations

import math
from functools import lru_cache
from itertools import combinations_with_replacement

import numpy as np
from numpy.typing import ArrayLike, NDArray

Array = NDArray[np.float64]

LEVEL = 0.95
EXACT_UP_TO = 8  # seeds: 6,435 distinct resamples
DRAWS = 9999
CHUNK = 512  # means at a time: at most 80 MB for each intermediate
_SEED = 20221120


def mean_interval(values: ArrayLike, level: float = LEVEL) -> tuple[float, float, float]:
    """Mean of the finite values and the interval around it. values: (seeds,).

    NaN where there is nothing: three NaN without a value, an interval of NaN with a single one.
    """
    known = np.asarray(values, dtype=np.float64)
    known = known[np.isfinite(known)]
    if len(known) == 0:
        return math.nan, math.nan, math.nan
    mean = float(known.mean())
    if len(known) == 1:
        return mean, math.nan, math.nan
    low, high = intervals(known[None], level)[0]
    return mean, float(low), float(high)


def intervals(values: Array, level: float = LEVEL) -> Array:
    """Intervals of many means at once. values: (cells, seeds), at least two seeds, no NaN. Returns (cells,
    2).
    """
    count = values.shape[1]
    if count < 2:
        raise ValueError(f"values: {count} seeds; an interval needs at least 2")
    parts = [_intervals(values[start : start + CHUNK], level) for start in range(0, len(values), CHUNK)]
    return np.concatenate([np.empty((0, 2)), *parts])


def _intervals(values: Array, level: float) -> Array:
    count = values.shape[1]
    shares, weights = _resamples(count)
    # A fixed order of additions, not a matrix product: the same bits on every machine. Sorted, so that the
    # order of the seeds is of no account either.
    ordered = np.sort(values, axis=1)
    means = np.zeros((len(values), len(shares)))
    for seed in range(count):
        means += ordered[:, seed : seed + 1] * shares[:, seed]
    tail = expanded_tail(count, level)
    order = np.argsort(means, axis=1, kind="stable")
    ranked = np.take_along_axis(means, order, axis=1)
    below = np.cumsum(weights[order], axis=1)
    rows = np.arange(len(values))
    low = np.minimum((below < tail * (1 - 1e-12)).sum(axis=1), len(shares) - 1)
    high = np.minimum((below < (1.0 - tail) * (1 - 1e-12)).sum(axis=1), len(shares) - 1)
    return np.stack([ranked[rows, low], ranked[rows, high]], axis=1)


def expanded_tail(count: int, level: float = LEVEL) -> float:
    """Share of the bootstrap distribution to cut off on either side for `count` values."""
    from scipy.special import ndtr, stdtrit  # scipy.stats takes longer to import than all else here

    return float(ndtr(math.sqrt(count / (count - 1)) * stdtrit(count - 1, (1.0 - level) / 2.0)))


@lru_cache(maxsize=32)
def _resamples(count: int) -> tuple[Array, Array]:
    """(resamples, count) shares of each value and (resamples,) probabilities; all of them where they are
    few.
    """
    if count > EXACT_UP_TO:
        drawn = np.random.default_rng(_SEED).multinomial(count, np.full(count, 1.0 / count), size=DRAWS)
        return drawn / count, np.full(DRAWS, 1.0 / DRAWS)
    picks = np.array(list(combinations_with_replacement(range(count), count)))
    counts = np.stack([(picks == seed).sum(axis=1) for seed in range(count)], axis=1)
    factorial = np.array([math.factorial(k) for k in range(count + 1)], dtype=np.float64)
    weights = factorial[count] / factorial[counts].prod(axis=1) / float(count) ** count
    return counts / count, weights


def share_interval(successes: int, trials: int) -> tuple[float, float]:
    """95 % interval of a share of trials (Wilson 1927); (0, 1) without a trial."""
    if trials == 0:
        return 0.0, 1.0
    z = 1.959963984540054
    share, weight = successes / trials, z * z / trials
    centre = (share + weight / 2) / (1 + weight)
    half = z / (1 + weight) * math.sqrt(share * (1 - share) / trials + weight / (4 * trials))
    return max(0.0, centre - half), min(1.0, centre + half)
