"""95 % intervals of a mean over a few seeds (Student 1908), and of a share of trials (Wilson 1927).

What a Student interval covers is the mean over all seeds that could have been drawn, on the same test images: all runs
of a sweep share them. It is exact for Gaussian values at any number of seeds from two on; a percentile bootstrap of
three to five seeds covers 80 to 90 % where it says 95.
"""

from __future__ import annotations

import math
from functools import lru_cache

import numpy as np
from numpy.typing import ArrayLike, NDArray

Array = NDArray[np.float64]

LEVEL = 0.95
NORMAL = 1.959963984540054
"""The normal quantile that holds LEVEL between its negative and itself."""


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
    2). The order of the seeds is of no account, to the last bit.
    """
    count = values.shape[1]
    if count < 2:
        raise ValueError(f"values: {count} seeds; an interval needs at least 2")
    ordered = np.sort(values, axis=1)
    mean = ordered.mean(axis=1)
    half = student_quantile(count - 1, level) * ordered.std(axis=1, ddof=1) / math.sqrt(count)
    return np.stack([mean - half, mean + half], axis=1)


def for_new_images(mean: ArrayLike, low: ArrayLike, high: ArrayLike, samples: ArrayLike) -> tuple[Array, Array]:
    """95 % intervals of a mean error over new seeds and new test images, from those over seeds on one test set.

    mean, low, high: errors as fractions, of any one shape; samples: images in the shared test set. The mean error of
    the seeds on an image lies between 0 and 1, so that over images its variance is at most e (1 - e) / samples, as if
    all seeds were wrong on the same images. That variance is added to the seeds': no interval is too narrow for it,
    and where seeds err on unlike images it is wider than it need be. NaN where something is not known.
    """
    e, below, above, count = (np.asarray(each, dtype=np.float64) for each in (mean, low, high, samples))
    images = NORMAL**2 * e * (1.0 - e) / count
    return e - np.sqrt((e - below) ** 2 + images), e + np.sqrt((above - e) ** 2 + images)


@lru_cache(maxsize=64)
def student_quantile(freedom: int, level: float = LEVEL) -> float:
    """Student's t that holds `level` between its negative and itself; ten digits, the same on every machine."""
    from scipy.special import stdtrit  # scipy.stats takes longer to import than all else here

    return round(float(stdtrit(freedom, 0.5 + level / 2.0)), 10)


def share_interval(successes: int, trials: int) -> tuple[float, float]:
    """95 % interval of a share of trials (Wilson 1927); (0, 1) without a trial."""
    if trials == 0:
        return 0.0, 1.0
    z = NORMAL
    share, weight = successes / trials, z * z / trials
    centre = (share + weight / 2) / (1 + weight)
    half = z / (1 + weight) * math.sqrt(share * (1 - share) / trials + weight / (4 * trials))
    return max(0.0, centre - half), min(1.0, centre + half)
