"""p-values for a peak: a rotation test over seeds, and a noise-model test for a single curve.

Null hypothesis of both: the mean curve is a valley (it falls and then rises or stays; monotone and flat
curves are special cases). Statistic of both: the largest studentised prominence over all triples, so
choosing the triple is inside the test and needs no further correction.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from analysis.detector.smoothing import Array

DRAWS = 1999
FIRST_DRAWS = 499
"""Draws of the noise test that decide where one of them is beyond the peak; else DRAWS do. Exact all the same: each
p-value above the smallest that the first stage can give is decided there, all below by the second stage alone. There
are not more of them, since the noise model is not good for less (`analysis.scoring.tails`)."""
LEAST_SCALE = 1e-4  # a hundredth of a point: seeds that agree to the last digit make no peak of rounding
_SEED = 20221120  # fixed: the same curve gives the same p-value


def antitonic(y: Array, weight: Array) -> Array:
    """Least-squares non-increasing fit by pooling adjacent violators. y, weight: (n,)."""
    from scipy.optimize import isotonic_regression

    return isotonic_regression(y, weights=weight, increasing=False).x


def valley(y: Array, weight: Array) -> Array:
    """Least-squares fit that falls and then rises: the best of all places to turn. y, weight: (n,).

    The two halves are fitted apart; for the best turn the join needs no constraint (Stout 2008, "Unimodal
    regression via prefix isotonic regression", Comput. Stat. Data Anal. 53).
    """
    cost = _prefix_costs(y, weight) + _prefix_costs(y[::-1], weight[::-1])[::-1]
    turn = int(cost.argmin())
    left = antitonic(y[:turn], weight[:turn]) if turn else y[:0]
    right = antitonic(y[turn:][::-1], weight[turn:][::-1])[::-1] if turn < len(y) else y[:0]
    return np.concatenate([left, right])


def _prefix_costs(y: Array, weight: Array) -> Array:
    """Weighted squares left by the non-increasing fit to the first 0, 1, ..., n values: (n + 1,).

    Pooling adjacent violators from the left solves every prefix on the way; plain numbers, since a pool is one.
    """
    pools: list[tuple[float, float, float]] = []  # weight, mean, squares about it
    costs, total = [0.0], 0.0
    for value, one in zip(y.tolist(), weight.tolist(), strict=True):
        size, mean, square = one, value, 0.0
        while pools and pools[-1][1] < mean:
            other, its, rest = pools.pop()
            total -= rest
            both = size + other
            square += rest + (mean - its) ** 2 * size * other / both
            size, mean = both, (size * mean + other * its) / both
        pools.append((size, mean, square))
        total += square
        costs.append(total)
    return np.array(costs)


def rotation_p(curves: Array, draws: int = DRAWS) -> float:
    """p-value of the peak of the mean of seeds, exact in the seeds' covariance along the curve.

    curves: (seeds, bins), at least three seeds, no NaN. Seeds are independent Gaussian curves with one
    unknown covariance; then E = Y - 1 m' keeps its law under any rotation of the seeds, and the mean of a
    rotated sample is m + u'E / sqrt(n) with u uniform on the sphere (Wedderburn 1975; Langsrud 2005,
    "Rotation tests", Stat. Comput. 15). The null mean m is estimated by the valley fit.
    """
    seeds, bins = curves.shape
    mean = curves.mean(axis=0)
    null = valley(mean, np.ones(bins))
    rng = np.random.default_rng(_SEED)
    direction = rng.standard_normal((draws, seeds))
    direction /= np.linalg.norm(direction, axis=1, keepdims=True)
    residual = curves - null
    # any function of E'E is the same for every rotation, so studentising by it keeps the test exact
    scale = np.maximum(np.sqrt(_running_mean((residual**2).mean(axis=0), 9)), LEAST_SCALE)
    observed = studentised_prominence(mean[None], scale)[0]
    if observed <= 0.0:  # no peak: every draw has one as large
        return 1.0
    drawn = null + direction @ residual / np.sqrt(seeds)
    return (1 + _beyond(drawn, scale, observed)) / (1 + draws)


def noise_p(
    smooth: Array,
    values: Array,
    error: Array,
    hat: Array,
    position: Array,
    wander: Array,
) -> float:
    """p-value of the peak of one curve if all else than a valley is its fitted noise.

    smooth, values, error, position: (bins,), hat: (bins, bins) the smoother. Bin noise is Gaussian with
    the given standard errors; on it lies a smooth wander of the given standard deviation, with a Gaussian
    kernel of 0.3 decades. wander: (bins,).
    """
    null = valley(values, 1.0 / np.maximum(error, 1e-12) ** 2)
    scale = np.hypot(np.sqrt(error**2 @ (hat**2).T), wander)
    kernel = np.exp(-0.5 * ((position[:, None] - position) / 0.3) ** 2)
    root = np.linalg.cholesky(kernel + 1e-6 * np.eye(len(position)))
    observed = studentised_prominence(smooth[None], scale)[0]
    rng = np.random.default_rng(_SEED)

    def beyond(draws: int) -> int:
        drawn = (null + rng.standard_normal((draws, len(values))) * error) @ hat.T
        drawn += (rng.standard_normal((draws, len(values))) @ root.T) * wander
        return _beyond(drawn, scale, observed)

    if observed <= 0.0:
        return 1.0
    if found := beyond(FIRST_DRAWS):
        return (1 + found) / (1 + FIRST_DRAWS)
    return (1 + beyond(DRAWS - FIRST_DRAWS)) / (1 + DRAWS)


def studentised_prominence(m: Array, scale: Array) -> Array:
    """max over i < j < k of min(z_ij, z_kj), z_ij = (m_j - m_i) / sqrt(scale_i^2 + scale_j^2); at least 0.

    m: (runs, bins), scale: (bins,) > 0 somewhere. Returns (runs,).
    """
    columns = np.ascontiguousarray(m.T)  # bins first: the reductions below then run over whole rows
    best = np.zeros(len(m))
    variance = np.maximum(scale, 1e-12) ** 2
    for j in range(1, len(columns) - 1):
        z = columns[j] - columns
        z /= np.sqrt(variance + variance[j])[:, None]
        np.maximum(best, np.minimum(z[:j].max(axis=0), z[j + 1 :].max(axis=0)), out=best)
    return best


def reaches(m: Array, scale: Array, level: float) -> NDArray[np.bool_]:
    """Whether studentised_prominence(m, scale) >= level, for every row of m; most are decided by bounds.

    For a peak at j the best i is not known before all are tried, but the lowest m_i with its own scale gives a
    lower bound of max z_ij, and with the smallest scale of all i an upper one.
    """
    columns, variance = np.ascontiguousarray(m.T), np.maximum(scale, 1e-12) ** 2
    low_left, high_left = _bounds(columns, variance)
    low_right, high_right = (a[::-1] for a in _bounds(columns[::-1], variance[::-1]))
    inner = slice(1, -1)
    found = np.minimum(low_left, low_right)[inner].max(axis=0) >= level
    open_rows = np.flatnonzero(~found & (np.minimum(high_left, high_right)[inner].max(axis=0) >= level))
    found[open_rows] = studentised_prominence(m[open_rows], scale) >= level
    return found


def _bounds(columns: Array, variance: Array) -> tuple[Array, Array]:
    """Lower and upper bounds of max over i < j of z_ij, both (bins, rows); nothing is known of the first bin.

    columns: (bins, rows), variance: (bins,).
    """
    low, high = np.full((2, *columns.shape), -np.inf)
    lowest, its = columns[0].copy(), np.full(columns.shape[1], variance[0])
    for j in range(1, len(columns)):
        rise = columns[j] - lowest
        low[j] = rise / np.sqrt(variance[j] + its)
        # a negative rise is largest over the largest scale; such a j is no peak, and 0 bounds it
        high[j] = np.maximum(rise, 0.0) / np.sqrt(variance[j] + variance[:j].min())
        its = np.where(rise < 0.0, variance[j], its)
        np.minimum(lowest, columns[j], out=lowest)
    return low, high


def _running_mean(a: Array, window: int) -> Array:
    kernel = np.ones(min(window, len(a)))
    return np.convolve(a, kernel, mode="same") / np.convolve(np.ones(len(a)), kernel, mode="same")


def _beyond(drawn: Array, scale: Array, observed: float) -> int:
    """How many of the draws (rows) have a peak as large as the observed one."""
    return int(np.count_nonzero(reaches(drawn, scale, observed - 1e-15)))
