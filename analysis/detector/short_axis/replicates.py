"""The seeds of one short axis as one curve with its noise: levels taken out, failed runs left out.

Every estimate works on many curves at once, (curves, seeds, points), so that the test of a peak can repeat on each of
its draws what was done with the data.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from scipy.special import fdtri, polygamma

from analysis.detector.short_axis.point_noise import (
    LEAST,
    TREND_FROM,
    kept_mean,
    lag_one,
    local_noise,
    neighbour_residuals,
)
from analysis.detector.smoothing import Array

FAR = 6.0  # standard deviations from the other seeds: a failed run
LONE = 5.0  # times the usual noise, and
LONE_RANGE = 3.0  # times the range of four neighbours: a failed run of one or two seeds
LEAST_JUMP = 0.01
NEAR = 3  # points on either side that share their spread
PRIOR = 4.0  # degrees of freedom with which a local spread is drawn to that of the whole axis
DENSE = 20  # points from which the mean's own roughness counts beside the spread over seeds
FEWEST_ALONE = 6  # points of a single seed whose noise can be told from its shape


@dataclass(frozen=True)
class Seeds:
    """Which runs there are, and how a mean and a noise level follow from them.

    u: (points,) increasing, from 0 to 1. known: (seeds, points), one seed or at least two runs more than effects.
    """

    u: Array
    known: np.ndarray
    paired: bool = True

    @property
    def number(self) -> Array:
        """Runs behind each point, (points,)."""
        return self.known.sum(axis=0).astype(np.float64)

    @property
    def free(self) -> float:
        """Degrees of freedom of the spread over seeds."""
        levels = len(self.known) - 1 if self.paired else 0
        return float(self.known.sum() - self.known.shape[1] - levels)

    def means(self, values: Array) -> tuple[Array, Array]:
        """Least-squares point effects beside seed effects, and the residuals (0 where there is no run).

        A seed that has a few of the points moves the mean by what it has there, not by its level.
        values: (curves, seeds, points); returns (curves, points) and (curves, seeds, points).
        """
        known, (seeds, points) = self.known, self.known.shape
        if not self.paired or seeds == 1:
            mean = np.where(known, values, 0.0).sum(axis=1) / self.number
            return mean, np.where(known, values - mean[:, None], 0.0)
        if known.all():
            mean, level = values.mean(axis=1), values.mean(axis=2, keepdims=True)
            return mean, values - mean[:, None] - (level - level.mean(axis=1, keepdims=True))
        seed, point = np.nonzero(known)
        design = np.zeros((len(seed) + 1, seeds + points))
        design[np.arange(len(seed)), seed] = design[np.arange(len(seed)), seeds + point] = 1.0
        design[-1, :seeds] = known.sum(axis=1)  # effects of seeds sum to 0 over the runs
        effects = values[:, known] @ np.linalg.pinv(design)[:, :-1].T
        mean = effects[:, seeds:]
        return mean, np.where(known, values - mean[:, None] - effects[:, :seeds, None], 0.0)

    def noise(self, mean: Array, residual: Array) -> Array:
        """Standard deviation of one run at each point, (curves, points)."""
        if len(self.known) == 1:
            return local_noise(self.u, mean)
        square, points = (residual**2).sum(axis=1), len(self.u)
        trend = self._trend(square) if points >= TREND_FROM else np.ones((len(square), points))
        square = square / trend**2
        whole = square.sum(axis=1, keepdims=True) / self.free
        weight = np.maximum(self.number - 1.0, 0.0)
        weight *= self.free / max(float(weight.sum()), 1.0)
        near = (np.abs(np.subtract.outer(np.arange(points), np.arange(points))) <= NEAR).astype(np.float64)
        spread = trend * np.sqrt((square @ near + PRIOR * whole) / (near @ weight + PRIOR))
        if points >= DENSE:  # what all seeds share, point by point, is noise along the axis too
            rough = kept_mean(np.abs(mean @ neighbour_residuals(self.u).T)) * np.sqrt(self.number.max())
            spread = np.maximum(spread, rough[:, None])
        return np.maximum(spread, LEAST)

    def _trend(self, square: Array) -> Array:
        """(curves, points) noise relative to the middle, exponential in the point's number, from the sums of squares.

        The slope of their logarithms is drawn towards 0 by its own doubt, as for one curve.
        """
        place = np.arange(len(self.u)) - (len(self.u) - 1) / 2.0
        known = self.number >= 2
        inner = place[known] - place[known].mean()
        scale = max(float((inner**2).sum()), 1.0)
        slope = 0.5 * np.log(square[:, known] + LEAST**2) @ inner / scale
        doubt = 0.25 * float(polygamma(1, 0.5 * (self.number[known].mean() - 1.0))) / scale
        drawn = slope**3 / (slope**2 + 2.0 * doubt)
        return np.exp(np.clip(drawn, -1.0, 1.0)[:, None] * place)


@dataclass(frozen=True)
class Replicates:
    """One curve in reading order. mean, noise: (points,); values: (seeds, points), failed runs missing.

    correlation: of neighbours' noise, lag one, on the cautious side. left_out: (seed, point) of failed runs.
    unknown: why the noise is not known (`noise` is then 0), else None.
    """

    seeds: Seeds
    values: Array
    mean: Array
    noise: Array
    correlation: float = 0.0
    left_out: tuple[tuple[int, int], ...] = ()
    unknown: str | None = None

    @property
    def u(self) -> Array:
        return self.seeds.u

    @property
    def error(self) -> Array:
        """Standard error of the mean at each point."""
        return self.noise / np.sqrt(self.seeds.number)


def replicates(u: Array, values: Array, *, paired: bool = True) -> Replicates:
    """u: (points,) increasing; values: (seeds, points), NaN = missing, no empty point, no empty seed."""
    failed = failed_runs(values) if len(values) >= 3 else np.zeros(values.shape, dtype=bool)
    kept = np.where(failed, np.nan, values)
    seeds = Seeds(u, np.isfinite(kept), paired)
    mean, residual = seeds.means(kept[None])
    left_out = tuple((int(s), int(p)) for s, p in np.argwhere(failed))
    curve = Replicates(seeds, kept, mean[0], np.zeros(len(u)), 0.0, left_out)
    why = _why_unknown(seeds, kept)
    if why is not None:
        return replace(curve, unknown=why)
    noise = seeds.noise(mean, residual)[0]
    return replace(
        curve,
        noise=noise,
        correlation=lag_one(kept[0], noise) if len(values) == 1 else _correlation(residual[0], seeds.known),
    )


def failed_runs(values: Array) -> np.ndarray:
    """Mask of runs far from the other seeds at their point: (seeds, points). At least three seeds.

    The scale is the median distance between two seeds, over five points or over all, whichever is larger. Where
    half of a point's seeds would be left out, none is: that is what the point is like.
    """
    centre = np.nanmedian(values, axis=0)
    level = np.nanmedian(values - centre, axis=1, keepdims=True)
    residual = values - level - np.nanmedian(values - level, axis=0)
    first, second = np.triu_indices(len(values), 1)
    distance = np.abs(residual[first] - residual[second]) / (0.6745 * np.sqrt(2.0))
    windows = [distance[:, max(0, j - 2) : j + 3] for j in range(values.shape[1])]
    scale = np.array([np.nanmedian(part) if np.isfinite(part).any() else 0.0 for part in windows])
    scale = np.maximum(scale, np.nanmedian(distance) if np.isfinite(distance).any() else 0.0)
    with np.errstate(invalid="ignore"):
        far = np.abs(residual) > FAR * np.maximum(scale, 1e-6)
    return far & (2 * far.sum(axis=0) < np.isfinite(values).sum(axis=0))


def lone_spike(values: Array) -> int | None:
    """The point farthest from its two neighbours on either side, if that is LONE_RANGE times the range of those
    four and LONE times the usual scatter.

    A peak or a minimum of several points has a neighbour on its flank, so that the range is wide. values: (seeds,
    points).
    """
    y = np.nanmean(values, axis=0)
    shifts = (0, 1, 3, 4)
    near = np.stack([y[shift : len(y) - 4 + shift] for shift in shifts])
    low, high = near.min(axis=0), near.max(axis=0)
    inner = y[2:-2]
    jump = np.maximum(inner - high, low - inner)
    usual = float(kept_mean(np.abs(np.diff(y, 2)) / np.sqrt(6.0)))
    lone = jump > np.maximum.reduce([LONE_RANGE * (high - low), np.full(len(jump), max(LONE * usual, LEAST_JUMP))])
    return 2 + int(np.where(lone, jump, -np.inf).argmax()) if lone.any() else None


def _correlation(residual: Array, known: np.ndarray) -> float:
    """Lag-one correlation of the seeds' residuals, corrected for the effects removed, plus one standard error."""
    pairs = int((known[:, 1:] & known[:, :-1]).sum())
    if pairs < 4:
        return 0.0
    total = max(float((residual**2).sum()), 1e-30)
    raw = float((residual[:, 1:] * residual[:, :-1]).sum()) / total * known.sum() / pairs
    doubt = 1.0 / np.sqrt(pairs * (1.0 - 1.0 / len(residual)))
    return float(np.clip(raw + 1.0 / residual.shape[1] + doubt, 0.0, 0.9))


def _why_unknown(seeds: Seeds, values: Array) -> str | None:
    points = len(seeds.u)
    if len(values) == 1:
        return f"one seed of {points} points: its noise is not known" if points < FEWEST_ALONE else None
    if seeds.free < 2.0:
        return "too few runs at the same points: their noise is not known"
    common = seeds.known.all(axis=0)
    if len(values) > 2 or common.sum() < FEWEST_ALONE:
        return None
    sizes = kept_mean(np.abs(values[:, common] @ neighbour_residuals(seeds.u[common]).T))
    free = 0.5 * (int(common.sum()) - 2)
    ratio = float((sizes.max() / max(sizes.min(), LEAST)) ** 2)
    return (
        "two seeds that scatter unlike each other: their noise is not known"
        if ratio > fdtri(free, free, 0.999)
        else None
    )
