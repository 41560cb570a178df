"""Runs on one x axis, binned and smoothed with their standard errors, and their means over seeds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray
from scipy.special import chdtri  # scipy.stats takes longer to import than all else here

from analysis.detector.noise_level import WINDOW as NOISE_WINDOW
from analysis.detector.noise_level import local_noise, standard_error, within_bins
from analysis.detector.smoothing import TRIM_FROM, Array, Grid, bin_means, log_grid, point_grid, row_median, smoother
from analysis.detector.spikes import despike

TRIM_INFLATION = 1.1  # standard error of a mean of the middle half against the mean's, Gaussian noise
WANDER = 0.2  # slow wander of a run as a share of its noise: no average over epochs removes it
CAUTION = 1.0  # a noise level from n points is raised by 1 / sqrt(n): few points know little
POOL = 15  # bins over which the spread between seeds is pooled


ARRAYS = ("values", "bin_error", "smooth", "error", "noise", "scatter")


@dataclass(frozen=True)
class CurveSet:
    """All arrays are (runs, bins), NaN outside a run's range."""

    grid: Grid
    log_axis: bool
    values: Array  # bin means
    bin_error: Array  # their standard errors
    smooth: Array
    error: Array  # standard errors of smooth
    noise: Array  # standard deviation of a single point, from second differences
    scatter: Array  # the same from lines through well-filled bins: larger where a curve swings inside a bin

    @cached_property
    def roughness(self) -> Array:
        """One figure per run: the median over bins of the standard deviation of a point."""
        return row_median(self.noise)

    def rows(self, chosen: slice) -> CurveSet:
        return CurveSet(self.grid, self.log_axis, *(getattr(self, name)[chosen] for name in ARRAYS))

    def hat(self, run: int) -> Array:
        return smoother(self.grid, np.isfinite(self.values[run]))


def curve_set(x: Array, errors: Array, *, log_axis: bool) -> CurveSet:
    """Bins, smooths and measures the noise of every run. x: (points,) increasing; errors: (runs,
    points)."""
    grid = log_grid(x) if log_axis else point_grid(x)
    if log_axis:
        filled = np.flatnonzero(grid.counts >= TRIM_FROM)
        errors = despike(errors, int(grid.starts[filled[0]]) if len(filled) else len(x))
    values, number = bin_means(grid, errors)
    scatter, correlated = within_bins(grid, errors)
    if not log_axis:
        correlated = np.zeros(len(errors))
    noise = local_noise(grid, x, errors, correlated)
    if log_axis:
        nearby = np.convolve(grid.counts, np.ones(NOISE_WINDOW), mode="full")[NOISE_WINDOW // 2 :][: len(grid.x)]
        noise = noise * (1.0 + CAUTION / np.sqrt(nearby))
    trimmed = np.where(grid.counts >= TRIM_FROM, TRIM_INFLATION, 1.0)
    bin_error = np.where(number > 0, standard_error(noise, number, correlated) * trimmed, np.nan)
    return _smoothed(grid, values, bin_error, noise, scatter, log_axis)


def _smoothed(grid: Grid, values: Array, bin_error: Array, noise: Array, scatter: Array, log_axis: bool) -> CurveSet:
    smooth, error = np.full_like(values, np.nan), np.full_like(values, np.nan)
    present = np.isfinite(values)
    patterns, of_run = np.unique(present, axis=0, return_inverse=True)
    for number, pattern in enumerate(patterns):
        rows = np.flatnonzero(of_run.ravel() == number)
        hat = smoother(grid, pattern)[:, pattern]
        inside = values[np.ix_(rows, pattern)]
        if pattern.any():  # a line through a spike may leave the range of the errors, 0 to 1 that is
            smooth[rows] = np.clip(inside @ hat.T, inside.min(axis=1)[:, None], inside.max(axis=1)[:, None])
        known = np.nan_to_num(bin_error[np.ix_(rows, pattern)])
        error[rows] = np.sqrt(known**2 @ (hat**2).T + (WANDER * np.nan_to_num(noise[rows])) ** 2 * log_axis)
    return CurveSet(grid, log_axis, values, bin_error, smooth, error, noise, scatter)


def mean_over_seeds(seeds: CurveSet, rows: NDArray[np.intp] | slice = slice(None), *, paired: bool = True) -> CurveSet:
    """Mean curve of the chosen runs as a CurveSet of one run.

    Seeds may end at different places: each seed's level over the bins that all share is taken out first,
    so that a seed that ends makes no step. A bin needs half of the seeds. The standard error is the larger
    of the noise carried through the mean and the spread between seeds (pooled over neighbouring bins).
    """
    values, bin_error, noise = seeds.values[rows], seeds.bin_error[rows], seeds.noise[rows]
    smooth, error = seeds.smooth[rows], seeds.error[rows]
    offset = _levels(values)
    number = np.isfinite(values).sum(axis=0)
    enough = number >= max(1.0, len(values) / 2.0)

    def averaged(a: Array, shift: Array) -> Array:
        total = np.nansum(a - shift, axis=0)
        with np.errstate(invalid="ignore", divide="ignore"):
            return np.where(enough, total / np.isfinite(a).sum(axis=0), np.nan)

    def carried(a: Array) -> Array:
        with np.errstate(invalid="ignore", divide="ignore"):
            return np.where(enough, np.sqrt(np.nansum(a**2, axis=0)) / np.isfinite(a).sum(axis=0), np.nan)

    mean = averaged(smooth, offset)
    between = _spread(smooth - (offset if paired else 0.0) - mean, pool=POOL if seeds.log_axis else None)
    standard = np.fmax(carried(error), between) if seeds.log_axis else between
    standard = np.where(enough, standard, np.nan)
    return CurveSet(
        seeds.grid,
        seeds.log_axis,
        averaged(values, offset)[None],
        carried(bin_error)[None],
        mean[None],
        standard[None],
        carried(noise)[None],
        carried(seeds.scatter[rows])[None],
    )


def stacked(sets: Sequence[CurveSet]) -> CurveSet:
    """The runs of several sets of one grid as one set."""
    first = sets[0]
    return CurveSet(
        first.grid, first.log_axis, *(np.concatenate([getattr(each, name) for each in sets]) for name in ARRAYS)
    )


def _levels(values: Array) -> Array:
    """(seeds, 1): each seed's offset from the mean of seeds over the bins that all of them have."""
    common = np.isfinite(values).all(axis=0)
    if not common.any():
        return np.zeros((len(values), 1))
    level = values[:, common].mean(axis=1, keepdims=True)
    return level - level.mean()


def _spread(residual: Array, pool: int | None) -> Array:
    """Standard error of the mean from residuals (seeds, bins).

    The variance is pooled: its mean over all bins (pool None), or its median over `pool` neighbouring
    bins, which the first epochs, where seeds differ by tens of points, do not move. A median of s^2 is
    brought to the mean's scale.
    """
    seeds = np.isfinite(residual).sum(axis=0)
    enough = seeds >= 2
    variance = np.full(len(seeds), np.nan)
    variance[enough] = np.nansum(residual[:, enough] ** 2, axis=0) / (seeds[enough] - 1)
    if not enough.any():
        return variance
    if pool is None:
        return np.sqrt(np.nanmean(variance) / np.maximum(seeds, 1))
    free = int(seeds.max()) - 1
    scale = float(chdtri(free, 0.5)) / free  # the median of chi-squared
    edge = np.pad(variance, pool // 2, constant_values=np.nan)
    return np.sqrt(row_median(sliding_window_view(edge, pool)) / scale / np.maximum(seeds, 1))
