"""Which of several depths have the lowest error, from a few seeds that all depths share.

The depth with the lowest mean is a choice made on the same errors that are then reported. So no depth is compared with
it alone. A depth stays in the set unless it is worse than some other depth beyond doubt: one-sided paired t-tests
against every other depth, the smallest p-value times their number (Bonferroni). The depth that is truly best is thrown
out with a probability of at most 5 %, whatever the errors of the others and however they depend on each other
(multiple comparisons with the best: Hsu 1984, Annals of Statistics 12; subset selection: Gupta 1965).

The tests are of log odds, ln(e / (1 - e)): seeds multiply the odds of an error, so that errors near 40 % scatter ten
times as much as errors near 4 %. Tests of the errors themselves could not tell 40 % from 4 % over three seeds.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from analysis.statistics.intervals import student_quantile
from analysis.statistics.paired import SMALLEST_SD, smallest_sd

Array = NDArray[np.float64]

ALPHA = 0.05
FEWEST_SEEDS = 3
"""Seeds that all depths share. With two, a test against four others needs a difference of 25 standard errors."""


@dataclass(frozen=True)
class Comparison:
    """Depths on shared seeds, in the order in which they were given.

    best: place of the lowest mean (of equal ones the last, which freezes more). p_best: (depths,) adjusted p-value of
    "no other depth is better". among_best: (depths,) it is above 5 %. behind, low, high: (depths,) error less that of
    the best, with intervals that hold together with a probability of 95 %, whichever depth is the best (Bonferroni over
    all pairs of depths: over the other depths alone they would hold of a depth that no one has chosen by its errors).
    told: the median over pairs of the least difference of errors that so many seeds tell apart, about.
    left_out: (seeds,) error on each seed at the depth that the other seeds choose, free of the choice by seeds alone:
    what all seeds share, such as test images, still makes it look lower than it is. chosen: (seeds,) that depth's
    place.
    """

    best: int
    p_best: Array
    among_best: NDArray[np.bool_]
    behind: Array
    low: Array
    high: Array
    told: float
    left_out: Array
    chosen: NDArray[np.intp]


def compare(errors: Array, test_samples: float | None = None) -> Comparison:
    """errors: (seeds, depths), at least FEWEST_SEEDS and two depths, no NaN. test_samples: images that they are shares
    of; a difference of two such shares is not believed to vary less than their rounding. Errors above 1 (shares of
    unexplained variance) are compared as they are. Raises ValueError for fewer seeds or depths.

    Example: `compare(np.array([[.1, .3], [.12, .3], [.11, .31]])).among_best` is [True, False].
    """
    seeds, depths = errors.shape
    if seeds < FEWEST_SEEDS or depths < 2 or not np.isfinite(errors).all():
        raise ValueError(f"errors: {seeds} seeds of {depths} depths; needed are {FEWEST_SEEDS} and 2, without NaN")
    least = smallest_sd(test_samples)
    mean, spread = _differences(errors, np.full(depths, least))
    t = np.divide(*_differences(*_log_odds(errors, test_samples, least)))
    p = np.minimum(1.0, (depths - 1) * _upper_tail(t, seeds - 1, own=np.eye(depths, dtype=bool)).min(axis=1))
    best = _lowest(errors.mean(axis=0))
    among_best = p > ALPHA
    among_best[best] = True  # also where its mean log odds are not the lowest
    half = student_quantile(seeds - 1, 1.0 - ALPHA / (depths * (depths - 1) / 2)) * spread[:, best]
    half[best] = 0.0
    one_sided = student_quantile(seeds - 1, 1.0 - 2.0 * ALPHA / (depths - 1))
    apart = spread[np.triu_indices(depths, 1)]
    chosen = np.array([_lowest(np.delete(errors, seed, axis=0).mean(axis=0)) for seed in range(seeds)])
    return Comparison(
        best=best,
        p_best=p,
        among_best=among_best,
        behind=mean[:, best],
        low=mean[:, best] - half,
        high=mean[:, best] + half,
        told=float(np.median(apart) * one_sided),
        left_out=errors[np.arange(seeds), chosen],
        chosen=chosen,
    )


def _differences(values: Array, least: Array) -> tuple[Array, Array]:
    """Means over seeds of all paired differences of (seeds, depths) and their standard errors, (depths, depths) each.
    least: (depths,) least standard deviation of a difference that is believed."""
    differences = values[:, :, None] - values[:, None, :]
    spread = np.maximum(differences.std(axis=0, ddof=1), np.maximum(least[:, None], least[None, :]))
    return differences.mean(axis=0), spread / np.sqrt(len(values))


def _log_odds(errors: Array, test_samples: float | None, least: float) -> tuple[Array, Array]:
    """Log odds of errors (seeds, depths), half an image added to both sides (Haldane 1956), and what `least` is on that
    scale at each depth."""
    if errors.max() > 1.0:
        return errors, np.full(errors.shape[1], least)
    half = 0.5 / (test_samples or 1.0 / SMALLEST_SD)
    shares = (errors + half) / (1.0 + 2.0 * half)
    return np.log(shares / (1.0 - shares)), least / (shares * (1.0 - shares)).mean(axis=0)


def _lowest(means: Array) -> int:
    """The last of the lowest: means that differ by less than rounding of floats are equal."""
    return int(np.flatnonzero(means <= means.min() + 1e-12)[-1])


def _upper_tail(t: Array, freedom: int, own: NDArray[np.bool_]) -> Array:
    """P(T > t); 1 for a depth against itself."""
    from scipy.special import stdtr  # scipy.stats takes longer to import than all else here

    return np.where(own, 1.0, stdtr(freedom, -t))
