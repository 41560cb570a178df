"""How much a point of a short axis scatters: from its neighbours where there is one run, from the seeds where there
are more."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from analysis.detector.short_axis.axis_scale import FEW
from analysis.detector.significance import antitonic, valley
from analysis.detector.smoothing import Array

KEPT = 0.8  # share of the smallest residuals that make the level: a bump and a failed run are in the rest
WINDOW = 25  # residuals behind a local level
TREND_FROM = 16  # points
LEAST_SHARE = 0.8  # of the whole axis' level that a local one has at least
CUBIC_FROM, DENSE_FROM = 8, 40  # points
UNSEEN = 0.35  # correlation of neighbours' noise that one curve of few points is taken to have
TAKEN = 0.3  # and that any one curve has at least
FITTED = 0.65
SEEN = 40.0  # points from which more is learned of it than is taken
LEAST = 1e-6  # a noise of nothing
MOST_BLIND = 0.9  # and never more than this share

BLIND = 6.5  # points by which the estimate that is blind to steep stretches counts, of all
STEP = 1.1284  # mean size of the difference of two standard normal values
KEPT_MEAN = 0.5586  # mean |z| of the smallest 80 % of standard normal values


def neighbour_residuals(u: Array) -> Array:
    """Matrix (residuals, points) of each inner point's distance from a polynomial through its neighbours.

    Two neighbours and a line; from eight points on four and a cubic; from forty on six and the least-squares cubic. A
    curve that bends evenly leaves no residual, however uneven the grid. Each row is scaled so that white noise of unit
    variance gives unit variance.
    """
    n = len(u)
    side = 1 + (n >= CUBIC_FROM) + (n >= DENSE_FROM)
    rows = np.zeros((n - 2 * side, n))
    for row, j in enumerate(range(side, n - side)):
        near = np.r_[j - side : j, j + 1 : j + side + 1]
        basis = ((u[near] - u[j]) / (u[near[-1]] - u[near[0]]))[:, None] ** np.arange(min(2 * side, 4))
        rows[row, near] = -np.linalg.pinv(basis)[0]
        rows[row, j] = 1.0
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def kept_mean(size: Array) -> Array:
    """Mean of the smallest KEPT of the absolute residuals, over the last axis, in standard deviations."""
    count = max(2, int(np.ceil(KEPT * size.shape[-1])))
    return np.partition(size, count - 1, axis=-1)[..., :count].mean(axis=-1) / KEPT_MEAN


def local_noise(u: Array, curves: Array) -> Array:
    """Standard deviation of a point along each curve. curves, result: (curves, points).

    Its size is a mean of two estimates: one takes bending for noise on a coarse grid, the other is blind to noise on a
    steep stretch.
    """
    rows = neighbour_residuals(u)
    size = np.maximum(np.abs(curves @ rows.T), LEAST)
    course = _course(size, len(u))
    side = (len(u) - len(rows)) // 2
    course = course * kept_mean(size / course[:, side : len(u) - side])[:, None]
    share = MOST_BLIND if len(u) < FEW else BLIND / len(u)
    other = excess_variation(curves) / course.mean(axis=1)
    return np.maximum(course * (1.0 - share + share * other)[:, None], LEAST)


def _course(size: Array, points: int) -> Array:
    """(curves, points) how the noise changes along the axis, from the absolute residuals: a relative measure.

    Few points have one level; from 16 on it may grow or fall exponentially, by a line through log residuals whose slope
    is drawn towards 0 by its own doubt (the logarithm of a normal value's size has a deviation of 1.11); from 52
    points on it is the level in windows of 25 residuals, not below four fifths of the whole.
    """
    count = size.shape[1]
    if points < TREND_FROM:
        return np.ones((len(size), points))
    if count >= 2 * WINDOW:
        local = kept_mean(sliding_window_view(size, WINDOW, axis=1))
        left = (points - local.shape[1]) // 2
        local = np.pad(local, ((0, 0), (left, points - local.shape[1] - left)), mode="edge")
        return np.maximum(local, LEAST_SHARE * kept_mean(size)[:, None])
    place = np.arange(points) - (points - 1) / 2.0
    inner = place[(points - count) // 2 : (points + count) // 2]
    square = float((inner**2).sum())
    slope = np.log(size) @ inner / square
    drawn = slope**3 / (slope**2 + 2.0 * 1.11**2 / square)
    return np.exp(drawn[:, None] * place)


def excess_variation(curves: Array) -> Array:
    """(runs,) how far curves move to and fro beyond a fall, a rise, a fall and a rise, per step, in standard
    deviations.

    Total variation less the largest alternating sum of that form. It is 0 for any such curve, however steep or bent,
    where a residual from neighbours takes bending for noise. curves: (runs, points).
    """
    sign = np.array([-1.0, 1.0, -1.0, 1.0])[:, None]
    columns = np.ascontiguousarray(curves.T)
    state = np.zeros((4, len(curves)))
    for before, after in pairwise(columns):
        state = np.maximum.accumulate(state, axis=0) + sign * (after - before)
    total = np.abs(np.diff(columns, axis=0)).sum(axis=0)
    return np.maximum(total - state.max(axis=0), 0.0) / (STEP * (len(columns) - 1))


def lag_one(y: Array, noise: Array) -> float:
    """Correlation of neighbours' noise that one curve is taken to have: what it shows, and never less than TAKEN.

    One run of few points cannot tell correlated noise from white. What it shows is the correlation of the residuals of
    the best fall, rise and fall, which any such curve leaves without a trace however bent. That fit takes most of it
    away: measured on levels and bumps of 30 to 90 points, FITTED of the correlation is left, less 1 / sqrt(n).
    """
    n = len(y)
    residual = np.clip((y - _fall_rise_fall(y)) / noise, -3.0, 3.0)
    raw = float((residual[1:] * residual[:-1]).sum() / max(float((residual**2).sum()), 1e-12))
    share = n / (n + SEEN)
    shown = (raw + 1.2 / np.sqrt(n)) / FITTED
    return float(np.clip((1.0 - share) * UNSEEN + share * shown, TAKEN, 0.8))


def _fall_rise_fall(y: Array) -> Array:
    """Least-squares fit that falls, rises and falls: the best of all places for the second turn."""
    ones = np.ones(len(y))
    fits = (np.r_[valley(y[:t], ones[:t]), antitonic(y[t:], ones[t:])] for t in range(2, len(y) - 1))
    return min(fits, key=lambda fit: float(((y - fit) ** 2).sum()))
