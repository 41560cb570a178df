"""Curves on a coarse grid: bins of log x, a local-linear smoother and the noise that is left.

Everything here is linear in the curve apart from the trimmed bin means, so that thousands of runs on the
same x are one matrix product.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

BINS_PER_DECADE = 20
BANDWIDTH = 0.05  # decades: a peak at epoch 60 is averaged over epochs 53 to 67
LEVEL_WIDTH = 1.2
TRIM_FROM = 8  # bins with at least this many points use the mean of their middle half


@dataclass(frozen=True)
class Grid:
    """Bins of one x axis. `starts` index the sorted x, `position` is the scale on which we smooth."""

    x: Array  # (bins,) mean x of each bin, in the axis' own unit
    position: Array  # (bins,) log10(x + 1)
    starts: NDArray[np.intp]  # (bins,)
    counts: NDArray[np.intp]  # (bins,)
    bandwidth: Array  # (bins,) of the kernel, on the scale of position


def log_grid(x: Array, factor: float = 1.0) -> Grid:
    """Bins of equal width in log10(x + 1), about 20 a decade; early epochs keep a bin of their own.

    x: (points,) increasing, >= 0. The bandwidth is `factor` x BANDWIDTH decades but never under about 1.2 points.
    """
    position = np.log10(x + 1.0)
    label = np.floor(position * BINS_PER_DECADE + 1e-9).astype(np.intp)
    starts = np.flatnonzero(np.r_[True, np.diff(label) > 0])
    counts = np.diff(np.r_[starts, len(x)])
    centre = np.add.reduceat(position, starts) / counts
    spacing = np.gradient(centre) if len(centre) > 1 else np.ones(1)
    return Grid(
        x=np.add.reduceat(x, starts) / counts,
        position=centre,
        starts=starts,
        counts=counts,
        bandwidth=np.maximum(factor * BANDWIDTH, 0.6 * spacing),
    )


def bin_means(grid: Grid, errors: Array) -> tuple[Array, Array]:
    """Mean (middle half in well-filled bins, against spikes) and number of finite points per bin.

    errors: (runs, points) with NaN = missing. Returns two arrays (runs, bins); an empty bin is NaN, 0.
    """
    finite = np.isfinite(errors)
    complete = bool(finite.all())
    total = np.add.reduceat(errors if complete else np.where(finite, errors, 0.0), grid.starts, axis=1)
    if complete:
        number = np.broadcast_to(grid.counts, total.shape).astype(np.float64)
    else:
        number = np.add.reduceat(finite.astype(np.float64), grid.starts, axis=1)
    with np.errstate(invalid="ignore", divide="ignore"):
        means = total / number
    for j in np.flatnonzero(grid.counts >= TRIM_FROM):
        begin, size = grid.starts[j], grid.counts[j]
        full = np.ones(len(errors), dtype=bool) if complete else number[:, j] == size
        if full.any():
            ordered = np.sort(errors[full, begin : begin + size], axis=1)
            means[full, j] = ordered[:, size // 4 : size - size // 4].mean(axis=1)
    return means, number


def smoother(grid: Grid, present: NDArray[np.bool_]) -> Array:
    """Local-linear hat matrix (bins, bins) with a Gaussian kernel, from the bins that are present.

    Rows outside the range of the present bins are NaN: nothing is extrapolated.
    """
    size = len(grid.x)
    hat = np.full((size, size), np.nan)
    known = np.flatnonzero(present)
    if not len(known):
        return hat
    inner = np.arange(known[0], known[-1] + 1)
    width = grid.bandwidth[inner, None]
    offset = grid.position[known] - grid.position[inner, None]
    weight = np.exp(-0.5 * (offset / width) ** 2)
    s0, s1, s2 = (a.sum(axis=1, keepdims=True) for a in (weight, weight * offset, weight * offset**2))
    slope_free = s0 * s2 - s1 * s1
    with np.errstate(invalid="ignore", divide="ignore"):
        spread = slope_free / s0**2 > (0.1 * width) ** 2  # else one bin carries all the weight
        row = np.where(spread, weight * (s2 - s1 * offset) / slope_free, weight / s0)
    reached = s0[:, 0] >= 1e-6  # not a hole wider than the kernel
    hat[inner[reached]] = 0.0
    hat[np.ix_(inner[reached], known)] = row[reached]
    return hat


def level_smoother(grid: Grid, present: NDArray[np.bool_]) -> Array:
    """Local-quadratic hat matrix (bins, bins): the level of a curve at its turns, where a line is too low or too high.

    The kernel is LEVEL_WIDTH times as wide as the smoother's. The two bins at either end, and bins with fewer than five
    neighbours under the kernel, keep the line of `smoother`.
    """
    hat = smoother(grid, present)
    known = np.flatnonzero(present)
    for j in known[2:-2]:
        offset = (grid.position[known] - grid.position[j]) / (LEVEL_WIDTH * grid.bandwidth[j])
        weight = np.exp(-0.5 * offset**2)
        if (weight > 0.005).sum() < 5:
            continue
        basis = np.stack([np.ones(len(known)), offset, offset**2])
        weighted = basis * weight
        hat[j, known] = np.linalg.lstsq(weighted @ basis.T, weighted, rcond=None)[0][0]
    return hat


def row_median(a: Array) -> Array:
    """Median over the last axis of what is not NaN; NaN where nothing is."""
    ordered = np.sort(a, axis=-1)  # NaN last
    number = np.isfinite(ordered).sum(axis=-1, keepdims=True)
    low = np.take_along_axis(ordered, np.maximum(number - 1, 0) // 2, axis=-1)
    high = np.take_along_axis(ordered, np.minimum(number // 2, a.shape[-1] - 1), axis=-1)
    return (0.5 * (low + high))[..., 0]
