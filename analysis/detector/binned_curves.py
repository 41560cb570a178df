"""Runs on one x axis, binned and smoothed with their standard errors, and their means over seeds."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray
from scipy.special import chdtri  # scipy.stats takes longer to import than all else here

from analysis.detector.noise_level import WINDOW as NOISE_WINDOW
from analysis.detector.noise_level import local_noise, standard_error, within_bins
from analysis.detector.smoothing import (
    TRIM_FROM,
    Array,
    Grid,
    bin_means,
    level_smoother,
    log_grid,
    row_median,
    smoother,
)
from analysis.detector.spikes import despike

TRIM_INFLATION = 1.1  # standard error of a mean of the middle half against the mean's, Gaussian noise
WANDER = 0.2  # slow wander of a run as a share of its noise: no average over epochs removes it
CAUTION = 1.0  # a noise level from n points is raised by 1 / sqrt(n): few points know little
POOL = 15  # bins over which the spread between seeds is pooled


ARRAYS = ("values", "bin_error", "smooth", "error", "noise", "scatter", "end")
END = 5  # last points whose median is the level at the end of a curve that falls within its last bin


@dataclass(frozen=True)
class CurveSet:
    """All arrays but `end` are (runs, bins), NaN outside a run's range."""

    grid: Grid
    values: Array  # bin means
    bin_error: Array  # their standard errors
    smooth: Array
    error: Array  # standard errors of smooth
    noise: Array  # standard deviation of a single point, from second differences
    scatter: Array  # the same from lines through well-filled bins: larger where a curve swings inside a bin
    end: Array  # (runs, 2) x of the last point and the median of the last five, NaN where one of them is missing

    @cached_property
    def roughness(self) -> Array:
        """One figure per run: the median over bins of the standard deviation of a point."""
        return row_median(self.noise)

    def rows(self, chosen: slice) -> CurveSet:
        return CurveSet(self.grid, *(getattr(self, name)[chosen] for name in ARRAYS))

    def levels(self, rows: NDArray[np.intp]) -> Array:
        """(rows, bins) the curves' own level: a local quadratic of the bins, which a sharp turn does not flatten."""
        found = np.full((len(rows), len(self.grid.x)), np.nan)
        values = self.values[rows]
        for pattern, same in _patterns(np.isfinite(values)):
            hat = level_smoother(self.grid, pattern)[:, pattern]
            inside = values[np.ix_(same, pattern)]
            found[same] = np.clip(inside @ hat.T, inside.min(axis=1)[:, None], inside.max(axis=1)[:, None])
        return found


def curve_set(x: Array, errors: Array, bandwidth: float = 1.0) -> CurveSet:
    """Bins, smooths and measures the noise of every run. x: (points,) increasing; errors: (runs,
    points). bandwidth: a factor on the smoother's."""
    grid = log_grid(x, bandwidth)
    filled = np.flatnonzero(grid.counts >= TRIM_FROM)
    errors = despike(errors, int(grid.starts[filled[0]]) if len(filled) else len(x))
    values, number = bin_means(grid, errors)
    scatter, correlated = within_bins(grid, errors)
    noise = local_noise(grid, x, errors, correlated)
    nearby = np.convolve(grid.counts, np.ones(NOISE_WINDOW), mode="full")[NOISE_WINDOW // 2 :][: len(grid.x)]
    noise = noise * (1.0 + CAUTION / np.sqrt(nearby))
    trimmed = np.where(grid.counts >= TRIM_FROM, TRIM_INFLATION, 1.0)
    bin_error = np.where(number > 0, standard_error(noise, number, correlated) * trimmed, np.nan)
    smooth, error = np.full_like(values, np.nan), np.full_like(values, np.nan)
    for pattern, rows in _patterns(np.isfinite(values)):
        hat = smoother(grid, pattern)[:, pattern]
        inside = values[np.ix_(rows, pattern)]
        if pattern.any():  # a line through a spike may leave the range of the errors, 0 to 1 that is
            smooth[rows] = np.clip(inside @ hat.T, inside.min(axis=1)[:, None], inside.max(axis=1)[:, None])
        known = np.nan_to_num(bin_error[np.ix_(rows, pattern)])
        error[rows] = np.sqrt(known**2 @ (hat**2).T + (WANDER * np.nan_to_num(noise[rows])) ** 2)
    end = np.stack([np.full(len(errors), x[-1]), np.median(errors[:, -END:], axis=1)], axis=1)
    return CurveSet(grid, values, bin_error, smooth, error, noise, scatter, end)


def _patterns(present: NDArray[np.bool_]) -> Iterator[tuple[NDArray[np.bool_], NDArray[np.intp]]]:
    """The different sets of bins that rows have, and the rows of each: they share one smoother."""
    patterns, of_run = np.unique(present, axis=0, return_inverse=True)
    for number, pattern in enumerate(patterns):
        yield pattern, np.flatnonzero(of_run.ravel() == number)


def mean_over_seeds(seeds: CurveSet, rows: NDArray[np.intp] | slice = slice(None), *, paired: bool = True) -> CurveSet:
    """Mean curve of the chosen runs as a CurveSet of one run.

    A seed that has ended stays where it ended, so that the mean has no step and no shape that no seed has. A bin needs
    half of the seeds. The standard error is the larger of the noise carried through the mean and the spread between
    seeds (each seed's level taken out, pooled over neighbouring bins).
    """
    values, bin_error, noise = seeds.values[rows], seeds.bin_error[rows], seeds.noise[rows]
    smooth, error = seeds.smooth[rows], seeds.error[rows]
    number = np.isfinite(values).sum(axis=0)
    enough = number >= max(1.0, len(values) / 2.0)

    def averaged(a: Array) -> Array:
        return np.where(enough, filled(a).mean(axis=0), np.nan)

    def carried(a: Array) -> Array:
        with np.errstate(invalid="ignore", divide="ignore"):
            return np.where(enough, np.sqrt(np.nansum(a**2, axis=0)) / np.isfinite(a).sum(axis=0), np.nan)

    mean = averaged(smooth)
    offset = _levels(smooth) if paired else 0.0
    between = _spread(smooth - offset - mean)
    standard = np.where(enough, np.fmax(carried(error), between), np.nan)
    return CurveSet(
        seeds.grid,
        averaged(values)[None],
        carried(bin_error)[None],
        mean[None],
        standard[None],
        carried(noise)[None],
        carried(seeds.scatter[rows])[None],
        seeds.end[rows].mean(axis=0)[None],
    )


def filled(curves: Array) -> Array:
    """(seeds, bins) without holes: straight lines across them, and the first and last value beyond either end."""
    if np.isfinite(curves).all():
        return curves
    places = np.arange(curves.shape[1])
    known = np.isfinite(curves)
    rows = [
        np.interp(places, places[has], row[has]) if has.any() else row for row, has in zip(curves, known, strict=True)
    ]
    return np.array(rows)


def stacked(sets: Sequence[CurveSet]) -> CurveSet:
    """The runs of several sets of one grid as one set."""
    first = sets[0]
    return CurveSet(first.grid, *(np.concatenate([getattr(each, name) for each in sets]) for name in ARRAYS))


def _levels(smooth: Array) -> Array:
    """(seeds, 1): each seed's offset from the mean of seeds, over all bins."""
    level = filled(smooth).mean(axis=1, keepdims=True)
    return level - level.mean()


def _spread(residual: Array) -> Array:
    """Standard error of the mean from residuals (seeds, bins).

    The variance is its median over POOL neighbouring bins, which the first epochs, where seeds differ by tens of
    points, do not move. A median of s^2 is brought to the mean's scale.
    """
    seeds = np.isfinite(residual).sum(axis=0)
    enough = seeds >= 2
    variance = np.full(len(seeds), np.nan)
    variance[enough] = np.nansum(residual[:, enough] ** 2, axis=0) / (seeds[enough] - 1)
    if not enough.any():
        return variance
    free = int(seeds.max()) - 1
    scale = float(chdtri(free, 0.5)) / free  # the median of chi-squared
    edge = np.pad(variance, POOL // 2, constant_values=np.nan)
    return np.sqrt(row_median(sliding_window_view(edge, POOL)) / scale / np.maximum(seeds, 1))
