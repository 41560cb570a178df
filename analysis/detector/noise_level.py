"""How rough a curve is, from its own second differences: no smooth fit is needed, so no bandwidth
enters."""

from __future__ import annotations

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from analysis.detector.smoothing import Array, Grid, row_median

WINDOW = 11  # bins over which the local noise level is a median
MAX_CORRELATION = 0.95
KNOWN_WHITE = 60.0
CHUNK = 16  # runs whose points stay in the cache
LINE_FROM = 8  # points a bin needs for a line through it
GAUSSIAN_MEAN_ABS = np.sqrt(2.0 / np.pi)  # E|z| of a standard normal


def second_differences(x: Array, errors: Array) -> tuple[Array, Array]:
    """Residual of every inner point from the line through its neighbours, and its variance factor.

    x: (points,), errors: (runs, points). Returns (runs, points - 2) and (points - 2,): the variance of a
    residual is the factor times that of one point when the noise is white.
    """
    share = (x[2:] - x[1:-1]) / (x[2:] - x[:-2])
    residual = errors[:, 1:-1] - share * errors[:, :-2] - (1.0 - share) * errors[:, 2:]
    return residual, 1.0 + share**2 + (1.0 - share) ** 2


def within_bins(grid: Grid, errors: Array) -> tuple[Array, Array]:
    """Scatter about a straight line inside well-filled bins, and its lag-one correlation.

    Removing a line from n white values leaves a lag-one covariance of -sum H_{t,t+1} (H the hat matrix of
    the line) times their variance; that is added back, so that white noise comes out as 0. The correlation
    is one figure per run, pooled over bins and clipped to [0, 0.95].
    errors: (runs, points). Returns the standard deviation (runs, bins), NaN in the other bins, and (runs,).
    """
    scatter = np.full((len(errors), len(grid.x)), np.nan)
    covariance, weight = np.zeros(len(errors)), np.zeros(len(errors))
    for j in np.flatnonzero(grid.counts >= LINE_FROM):
        n = int(grid.counts[j])
        block = errors[:, grid.starts[j] : grid.starts[j] + n]
        time = np.arange(n) - (n - 1) / 2.0
        basis = np.stack([np.full(n, n**-0.5), time / np.linalg.norm(time)])
        residual = block - (block @ basis.T) @ basis
        variance = np.einsum("ij,ij->i", residual, residual) / (n - 2)
        lag = np.einsum("ij,ij->i", residual[:, 1:], residual[:, :-1])
        removed = float(np.sum(basis[:, 1:] * basis[:, :-1]))
        with np.errstate(invalid="ignore", divide="ignore"):
            share = lag / variance + removed
        known = np.isfinite(share)
        covariance[known] += share[known]
        weight[known] += n - 1
        scatter[:, j] = np.sqrt(variance)
    # few points know little of it: shrunk towards 0 as if KNOWN_WHITE points more had been seen, all white
    pooled = covariance / (weight + KNOWN_WHITE)
    return scatter, np.clip(pooled, 0.0, MAX_CORRELATION)


def local_noise(grid: Grid, x: Array, errors: Array, correlated: Array) -> Array:
    """Standard deviation of one point about the curve, per bin: (runs, bins).

    The mean absolute second difference of each bin, then a running median over WINDOW bins, which neither
    the curvature of the first epochs nor a single spike moves.
    """
    runs, bins = len(errors), len(grid.x)
    if len(x) < 5:
        return np.full((runs, bins), np.nan)
    level = np.empty((runs, bins))
    for begin in range(0, runs, CHUNK):
        level[begin : begin + CHUNK] = _mean_size(grid, x, errors[begin : begin + CHUNK])
    # the median over bins of a mean of n half-normal values lies below the mean, by 15 % for n = 1
    level /= GAUSSIAN_MEAN_ABS * (1.0 - 0.155 / grid.counts)
    # variance of a second difference under AR(1) noise is (1 - r)(3 - r) / 2 per unit, against 3 / 2 when
    # white
    level /= np.sqrt((1.0 - correlated) * (3.0 - correlated) / 3.0)[:, None]
    return _running_median(level, WINDOW)


def _mean_size(grid: Grid, x: Array, errors: Array) -> Array:
    """Mean absolute second difference of the points of each bin, in units of a point's deviation."""
    residual, factor = second_differences(x, errors)
    size, number = np.zeros(errors.shape), np.zeros((1, len(x)))
    np.abs(residual, out=residual)
    np.divide(residual, np.sqrt(factor), out=size[:, 1:-1])
    number[:, 1:-1] = 1.0
    finite = np.isfinite(size)
    if not finite.all():
        size, number = np.where(finite, size, 0.0), number * finite
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.add.reduceat(size, grid.starts, axis=1) / np.add.reduceat(number, grid.starts, axis=1)


def standard_error(noise: Array, number: Array, correlated: Array) -> Array:
    """Standard error of a bin's mean under AR(1) noise. noise, number: (runs, bins); correlated:
    (runs,)."""
    r = correlated[:, None]
    with np.errstate(invalid="ignore", divide="ignore"):
        inflation = np.minimum((1.0 + r) / (1.0 - r), np.maximum(number, 1.0))
        return noise * np.sqrt(inflation / number)


def _running_median(level: Array, window: int) -> Array:
    window = min(window, level.shape[1] - (1 - level.shape[1] % 2))
    half = window // 2
    edge = np.pad(level, ((0, 0), (half, half)), constant_values=np.nan)
    return row_median(sliding_window_view(edge, window, axis=1))
