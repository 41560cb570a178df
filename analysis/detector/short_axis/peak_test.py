"""Is a peak on a short axis more than noise? A simulation of the largest studentised peak under a valley.

Statistic: over all smoothers and all triples i < j < k the largest min(z_ij, z_kj), z_ij = (m_j - m_i) / sqrt(s_i^2 +
s_j^2), divided by the noise level. Null hypothesis: the curve is a valley (falls, then rises or stays). Its draws are
a fitted valley with noise of the fitted size, heteroscedastic and correlated along the axis, and the noise level is
estimated anew in each draw, so that not knowing it is paid for.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from analysis.detector.short_axis.axis_scale import FEW
from analysis.detector.short_axis.replicates import Replicates
from analysis.detector.significance import valley
from analysis.detector.smoothing import Array

DRAWS = 999
SHORT, SHORT_DRAWS = 20, 1999  # points below which more draws are cheap
POOLED = 5.0  # standard errors by which two levels of the fitted valley must differ to be two
_SEED = 20221120  # fixed: the same curve gives the same p-value


def smoothed_errors(curve: Replicates, matrices: list[Array]) -> list[Array]:
    """Standard errors of the mean under each smoother, (points,) each."""
    return [s[0] for s in _errors(curve, curve.error[None], matrices)]


def _errors(curve: Replicates, error: Array, matrices: list[Array]) -> list[Array]:
    """The same for many curves: error, results: (curves, points). Neighbours' correlation falls with their distance."""
    steps = np.abs(np.subtract.outer(np.arange(len(curve.u)), np.arange(len(curve.u))))
    alike = curve.correlation**steps
    found = []
    for matrix in matrices:
        inflation = np.einsum("ij,jk,ik->i", matrix, alike, matrix) / (matrix**2).sum(axis=1)
        found.append(np.sqrt(error**2 @ (matrix**2).T * inflation))
    return found


@dataclass(frozen=True)
class PeakTest:
    """p: of the largest peak at any smoothing. critical: z beyond which a peak is certain at `level`, by smoothing."""

    p: float
    critical: tuple[float, ...]


def peak_test(curve: Replicates, matrices: list[Array], level: float, draws: int | None = None) -> PeakTest:
    """Smoothings are put on one scale by their own null distributions: the statistic is the smallest p of them.

    Where the seeds tell the noise, its correlation has both effects: swings of neighbours grow with it and steps from
    point to point shrink. On few points it is known badly, so the larger p of correlated and white noise counts.
    """
    few = len(curve.u) < SHORT
    draws = draws or (SHORT_DRAWS if few else DRAWS)
    found = _peak_test(curve, matrices, level, draws, curve.correlation)
    if not few or len(curve.values) == 1 or curve.correlation == 0.0:
        return found
    white = _peak_test(curve, matrices, level, draws, 0.0)
    critical = tuple(max(pair) for pair in zip(found.critical, white.critical, strict=True))
    return PeakTest(max(found.p, white.p), critical)


def _peak_test(curve: Replicates, matrices: list[Array], level: float, draws: int, correlation: float) -> PeakTest:
    seeds, rng = curve.seeds, np.random.default_rng(_SEED)
    alone = len(curve.values) == 1 and len(curve.u) < FEW  # too few to tell a level from a step
    null = np.full(len(curve.u), curve.mean.mean()) if alone else reduced_valley(curve.mean, curve.error)
    drawn = null + curve.noise * correlated_noise(rng, (draws, *seeds.known.shape), correlation)
    means, residual = seeds.means(drawn)
    errors = np.vstack([curve.noise, seeds.noise(means, residual)]) / np.sqrt(seeds.number)
    means = np.vstack([curve.mean, means])
    scales = _errors(curve, errors, matrices)
    z = np.stack([_largest_peak(means @ m.T, s) for m, s in zip(matrices, scales, strict=True)])
    order = np.sort(z[:, 1:], axis=1)
    above = draws - np.array([np.searchsorted(row, of, side="left") for row, of in zip(order, z, strict=True)])
    least = above.min(axis=0)
    p = float((1 + (least[1:] <= least[0]).sum()) / (1 + draws)) if z[:, 0].max() > 0.0 else 1.0
    allowed = int(np.sort(least[1:])[max(0, int(level * (1 + draws)) - 1)])
    return PeakTest(p, tuple(float(row[draws - max(1, allowed)]) for row in order))


def _largest_peak(m: Array, s: Array) -> Array:
    """(curves,) max over i < j < k of min(z_ij, z_kj), at least 0. m, s: (curves, points)."""
    columns, variance = np.ascontiguousarray(m.T), np.ascontiguousarray(s.T) ** 2 + 1e-24
    best = np.zeros(len(m))
    for j in range(1, len(columns) - 1):
        z = (columns[j] - columns) / np.sqrt(variance + variance[j])
        np.maximum(best, np.minimum(z[:j].max(axis=0), z[j + 1 :].max(axis=0)), out=best)
    return best


def correlated_noise(rng: np.random.Generator, shape: tuple[int, ...], r: float) -> Array:
    """Standard normal values whose last axis is a first-order autoregression, stationary from its first value on."""
    noise = rng.standard_normal(shape)
    if r > 0.0:
        for j in range(1, shape[-1]):
            noise[..., j] = r * noise[..., j - 1] + np.sqrt(1.0 - r * r) * noise[..., j]
    return noise


def reduced_valley(y: Array, error: Array) -> Array:
    """Least-squares valley whose neighbouring levels differ by POOLED standard errors at least.

    The plain fit follows the noise of a level stretch in steps, on which noise makes fewer peaks than on the level
    itself. Levels are joined in turn, the least different first (reduced monotonic regression, Schell and Singh 1997).
    """
    weight = 1.0 / np.maximum(error, 1e-12) ** 2
    fit = valley(y, weight)
    ends = np.flatnonzero(np.r_[np.diff(fit) != 0.0, True]) + 1
    starts = np.r_[0, ends[:-1]]
    sizes = [float(weight[a:b].sum()) for a, b in zip(starts, ends, strict=True)]
    levels = [float(fit[a]) for a in starts]
    counts = (ends - starts).tolist()
    while len(levels) > 1:
        gaps = np.abs(np.diff(levels)) / np.sqrt(1.0 / np.array(sizes[1:]) + 1.0 / np.array(sizes[:-1]))
        least = int(gaps.argmin())
        if gaps[least] >= POOLED:
            break
        both = sizes[least] + sizes[least + 1]
        levels[least] = (sizes[least] * levels[least] + sizes[least + 1] * levels.pop(least + 1)) / both
        sizes[least : least + 2] = [both]
        counts[least] += counts.pop(least + 1)
    return np.repeat(levels, counts)
