"""How well a score foretold what was measured: correlations, and what choosing the source by it costs."""

from __future__ import annotations

import warnings
from typing import NamedTuple

import numpy as np
from scipy.stats import rankdata, weightedtau

from analysis.transferability.pair import Array

DRAWS = 500
FEWEST = 3
"""Sources that a correlation needs."""
_SEED = 20240701


class Estimate(NamedTuple):
    """A value with its 95 % interval over sources; NaN where there is none."""

    value: float
    low: float
    high: float


class Agreement(NamedTuple):
    """Of one score, larger meaning better, with measured accuracies of the same sources."""

    sources: int
    pearson: Estimate
    spearman: Estimate
    weighted_kendall: Estimate
    regret: Estimate
    """The best accuracy less that of the source which the score puts first: 0 where it chooses the best."""


MEASURES = ("pearson", "spearman", "weighted_kendall", "regret")


def agreement(goodness: Array, accuracy: Array, draws: int = DRAWS) -> Agreement:
    """Of a score with accuracies, both (sources,), a larger score promising a better source; finite.

    Intervals are percentiles over sources drawn with replacement: they cover other sources of the same kind. A draw of
    fewer than three different sources is drawn again. Raises ValueError where shapes differ.
    """
    if goodness.shape != accuracy.shape or goodness.ndim != 1:
        raise ValueError(f"goodness: shape {goodness.shape}; that of accuracy is {accuracy.shape}")
    n = len(goodness)
    at_hand = _measures(goodness, accuracy)
    if n < FEWEST:
        none = (np.nan, np.nan, np.nan)
        regret = Estimate(at_hand[3], np.nan, np.nan)
        return Agreement(n, Estimate(*none), Estimate(*none), Estimate(*none), regret)
    rng = np.random.default_rng(_SEED)
    drawn = np.empty((draws, len(MEASURES)))
    for row in range(draws):
        chosen = rng.integers(0, n, n)
        while len(np.unique(chosen)) < FEWEST:
            chosen = rng.integers(0, n, n)
        drawn[row] = _measures(goodness[chosen], accuracy[chosen])
    return Agreement(n, *(_estimate(value, column) for value, column in zip(at_hand, drawn.T, strict=True)))


def _estimate(value: float, drawn: Array) -> Estimate:
    known = drawn[np.isfinite(drawn)]
    if len(known) == 0 or not np.isfinite(value):
        return Estimate(value, np.nan, np.nan)
    low, high = np.percentile(known, [2.5, 97.5])
    return Estimate(value, float(low), float(high))


def _measures(goodness: Array, accuracy: Array) -> tuple[float, float, float, float]:
    """In the order of MEASURES; NaN for a correlation with what does not vary."""
    if len(goodness) < 2 or np.ptp(goodness) == 0.0 or np.ptp(accuracy) == 0.0:
        return np.nan, np.nan, np.nan, top_1_regret(goodness, accuracy)
    return (
        float(np.corrcoef(goodness, accuracy)[0, 1]),
        spearman(goodness, accuracy),
        weighted_kendall(goodness, accuracy),
        top_1_regret(goodness, accuracy),
    )


def spearman(first: Array, second: Array) -> float:
    """Spearman's rank correlation, ties at their mean rank; NaN where one does not vary."""
    if np.ptp(first) == 0.0 or np.ptp(second) == 0.0:
        return float("nan")
    return float(np.corrcoef(rankdata(first), rankdata(second))[0, 1])


def weighted_kendall(goodness: Array, accuracy: Array) -> float:
    """Kendall's tau with hyperbolic weights, in which the best sources count most (Vigna, WWW 2015)."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        return float(np.asarray(weightedtau(goodness, accuracy))[0])


def top_1_regret(goodness: Array, accuracy: Array) -> float:
    """The best accuracy less that of the first source; of several that the score puts first, their mean.

    >>> top_1_regret(np.array([1.0, 3.0, 2.0]), np.array([0.9, 0.85, 0.7]))
    0.050000000000000044
    """
    first = goodness == goodness.max()
    return float(accuracy.max() - accuracy[first].mean())


def explained_shares(factors: dict[str, list[str]], accuracy: Array) -> dict[str, float]:
    """The share of the variance of accuracies that each factor alone explains (eta squared, of a one-way layout).

    factors: by name its level for each accuracy (n,). Shares of factors that vary together overlap. Empty where the
    accuracies do not vary.
    """
    centred = accuracy - accuracy.mean()
    total = float(centred @ centred)
    if total == 0.0:
        return {}
    found = {}
    for name, levels in factors.items():
        known = np.unique(np.array(levels), return_inverse=True)[1]
        counts = np.bincount(known)
        means = np.bincount(known, weights=centred) / counts
        found[name] = float(counts @ means**2) / total
    return found
