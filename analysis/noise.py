"""How rough a curve is, from its own second differences: no smooth fit is needed, so no bandwidth
enters."""

from __future__ import annotations

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from analysis.smoothing import Array, Grid

WINDOW = 7  # bins over which the local noise level is a median
MAX_CORRELATION = 0.95
GAUSSIAN_MEAN_ABS = np.sqrt(2.0 / np.pi)  # E|z| of a standard normal


def second_differences(x: Array, errors: Array) -> tuple[Array, Array]:
    """Residual of every inner point from the line through its neighbours, and its variance factor.

    x: (points,), errors: (runs, points). Returns (runs, points - 2) and (points - 2,): the variance of a
    residual is the factor times that of one point when the noise is white.
    """
    share = (x[2:] - x[1:-1]) / (x[2:] - x[:-2])
    residual = errors[:, 1:-1] - share * errors[:, :-2] - (1.0 - share) * errors[:, 2:]
    return residual, 1.0 + share**2 + (1.0 - share) ** 2


def correlation(errors: Array) -> Array:
    """Lag-one correlation of the noise of each run, as of a first-order autoregression; in [0, 0.95].

    With D_h the mean squared difference at lag h, D_2 / D_1 = (1 - r^2) / (1 - r) = 1 + r. The later three
    fifths of the curve are used, where the trend from one point to the next is small against the noise.
    errors: (runs, points). Returns (runs,).
    """
    late = errors[:, int(0.4 * errors.shape[1]) :]
    if late.shape[1] < 12:
        return np.zeros(len(errors))
    with np.errstate(invalid="ignore", divide="ignore"):
        one = _mean_square(late[:, 1:] - late[:, :-1])
        ratio = _mean_square(late[:, 2:] - late[:, :-2]) / one
    return np.clip(np.nan_to_num(ratio - 1.0, nan=0.0, posinf=0.0), 0.0, MAX_CORRELATION)


def local_noise(grid: Grid, x: Array, errors: Array, correlated: Array) -> Array:
    """Standard deviation of one point about the curve, per bin: (runs, bins).

    The mean absolute second difference of each bin, then a running median over seven bins, which neither
    the curvature of the first epochs nor a single spike moves.
    """
    runs, bins = len(errors), len(grid.x)
    if len(x) < 5:
        return np.full((runs, bins), np.nan)
    residual, factor = second_differences(x, errors)
    size = np.abs(residual) / np.sqrt(factor)
    finite = np.isfinite(size)
    padded = np.zeros((runs, len(x)))
    padded[:, 1:-1] = np.where(finite, size, 0.0)
    number = np.zeros((runs, len(x)))
    number[:, 1:-1] = finite
    with np.errstate(invalid="ignore", divide="ignore"):
        level = np.add.reduceat(padded, grid.starts, axis=1) / np.add.reduceat(number, grid.starts, axis=1)
    level /= GAUSSIAN_MEAN_ABS
    # variance of a second difference under AR(1) noise is (1 - r)(3 - r) / 2 per unit, against 3 / 2 when
    # white
    level /= np.sqrt((1.0 - correlated) * (3.0 - correlated) / 3.0)[:, None]
    return _running_median(level, WINDOW)


def standard_error(noise: Array, number: Array, correlated: Array) -> Array:
    """Standard error of a bin's mean under AR(1) noise. noise, number: (runs, bins); correlated:
    (runs,)."""
    r = correlated[:, None]
    with np.errstate(invalid="ignore", divide="ignore"):
        inflation = np.minimum((1.0 + r) / (1.0 - r), np.maximum(number, 1.0))
        return noise * np.sqrt(inflation / number)


def _mean_square(a: NDArray[np.float64]) -> Array:
    finite = np.isfinite(a)
    total = np.einsum("ij,ij->i", np.where(finite, a, 0.0), np.where(finite, a, 0.0))
    return total / finite.sum(axis=1)


def _running_median(level: Array, window: int) -> Array:
    window = min(window, level.shape[1] - (1 - level.shape[1] % 2))
    half = window // 2
    edge = np.pad(level, ((0, 0), (half, half)), constant_values=np.nan)
    windows = sliding_window_view(edge, window, axis=1)
    holes = np.all(np.isnan(windows), axis=2, keepdims=True)
    median = np.nanmedian(np.where(holes, 0.0, windows), axis=2)
    return np.where(holes[:, :, 0], np.nan, median)
