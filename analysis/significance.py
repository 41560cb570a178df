"""p-values for a peak: a rotation test over seeds, and a noise-model test for a single curve.

Null hypothesis of both: the mean curve is a valley (it falls and then rises or stays; monotone and flat
curves are special cases). Statistic of both: the largest studentised prominence over all triples, so
choosing the triple is inside the test and needs no further correction.
"""

from __future__ import annotations

import numpy as np

from analysis.smoothing import Array

DRAWS = 1999
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
    n = len(y)
    best, best_cost = y, np.inf
    for turn in range(n + 1):
        left = antitonic(y[:turn], weight[:turn]) if turn else y[:0]
        right = antitonic(y[turn:][::-1], weight[turn:][::-1])[::-1] if turn < n else y[:0]
        fit = np.concatenate([left, right])
        cost = float(weight @ (y - fit) ** 2)
        if cost < best_cost:
            best, best_cost = fit, cost
    return best


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
    scale = np.sqrt(_running_mean((residual**2).mean(axis=0), 9))
    drawn = null + direction @ residual / np.sqrt(seeds)
    return _tail(studentised_prominence(mean[None], scale)[0], studentised_prominence(drawn, scale))


def noise_p(
    smooth: Array,
    values: Array,
    error: Array,
    hat: Array,
    position: Array,
    wander: Array | None,
    draws: int = 499,
) -> float:
    """p-value of the peak of one curve if all else than a valley is its fitted noise.

    smooth, values, error, position: (bins,), hat: (bins, bins) the smoother. Bin noise is Gaussian with
    the given standard errors; on it lies a smooth wander of the given standard deviation, with a Gaussian
    kernel of 0.3 decades.
    """
    null = valley(values, 1.0 / np.maximum(error, 1e-12) ** 2)
    rng = np.random.default_rng(_SEED)
    drawn = (null + rng.standard_normal((draws, len(values))) * error) @ hat.T
    scale = np.sqrt(error**2 @ (hat**2).T)
    if wander is not None:
        kernel = np.exp(-0.5 * ((position[:, None] - position) / 0.3) ** 2)
        root = np.linalg.cholesky(kernel + 1e-6 * np.eye(len(position)))
        drawn += (rng.standard_normal((draws, len(values))) @ root.T) * wander
        scale = np.hypot(scale, wander)
    return _tail(studentised_prominence(smooth[None], scale)[0], studentised_prominence(drawn, scale))


def studentised_prominence(m: Array, scale: Array) -> Array:
    """max over i < j < k of min(z_ij, z_kj), z_ij = (m_j - m_i) / sqrt(scale_i^2 + scale_j^2); at least 0.

    m: (runs, bins), scale: (bins,) > 0 somewhere. Returns (runs,).
    """
    best = np.zeros(len(m))
    variance = np.maximum(scale, 1e-12) ** 2
    for j in range(1, m.shape[1] - 1):
        z = (m[:, j : j + 1] - m) / np.sqrt(variance + variance[j])
        best = np.maximum(best, np.minimum(z[:, :j].max(axis=1), z[:, j + 1 :].max(axis=1)))
    return best


def _running_mean(a: Array, window: int) -> Array:
    kernel = np.ones(min(window, len(a)))
    return np.convolve(a, kernel, mode="same") / np.convolve(np.ones(len(a)), kernel, mode="same")


def _tail(observed: float, null: Array) -> float:
    return float((1 + np.count_nonzero(null >= observed - 1e-15)) / (1 + len(null)))
