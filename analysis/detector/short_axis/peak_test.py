"""Is a peak on a short axis more than noise? A simulation of the largest studentised peak under a valley.

Statistic: over all smoothers and all triples i < j < k the largest min(z_ij, z_kj), z_ij = (m_j - m_i) / sqrt(s_i^2 +
s_j^2), divided by the noise level. Null hypothesis: the curve is a valley (falls, then rises or stays). Its draws are
a fitted valley with noise of the fitted size, heteroscedastic and correlated along the axis, and the noise level is
estimated anew in each draw, so that not knowing it is paid for.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from analysis.detector.short_axis.replicates import Replicates
from analysis.detector.significance import valley
from analysis.detector.smoothing import Array

DRAWS = 999
FEW_DRAWS, FAR = 199, 3.0  # these decide where p is FAR times what would be looked at (Besag and Clifford 1991)
MORE_DRAWS, SMALL = 4999, 0.005  # these say p where it is at most SMALL; what counts as certain stays as DRAWS say
MORE_POINTS = 20  # not on longer axes, on which a draw costs the square of the points
SHORT = 20  # points below which the noise's correlation is known badly
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
    """p: of the largest peak at any smoothing. drawn: one (smoothers, draws) of sorted peaks for each null."""

    p: float
    drawn: tuple[Array, ...]
    least: tuple[NDArray[np.intp], ...]  # of each null, sorted: the draws beyond a draw's clearest peak

    def critical(self, level: float) -> tuple[float, ...]:
        """z beyond which a peak is certain at `level`, by smoothing: the strictest of the nulls."""
        found = []
        for order, least in zip(self.drawn, self.least, strict=True):
            draws = order.shape[1]
            allowed = int(least[max(0, int(level * (1 + draws)) - 1)])
            found.append(order[:, draws - max(1, allowed)])
        return tuple(float(value) for value in np.max(found, axis=0))


def peak_test(curve: Replicates, matrices: list[Array], enough: float, draws: int | None = None) -> PeakTest:
    """The largest p over what the noise and the valley may be; once it exceeds `enough`, no more are tried.

    Smoothings are put on one scale by their own null distributions: the statistic is the smallest p of them.
    """
    if draws is None:
        quick = peak_test(curve, matrices, enough, FEW_DRAWS)
        if quick.p > FAR * enough:
            return quick
        found = peak_test(curve, matrices, enough, DRAWS)
        if found.p > SMALL or len(curve.u) > MORE_POINTS:
            return found
        return replace(found, p=peak_test(curve, matrices, enough, MORE_DRAWS).p)
    p, drawn, least, nulls = 0.0, [], [], _nulls(curve)
    for correlation in _correlations(curve):
        rng = np.random.default_rng(_SEED)
        noise = curve.noise * correlated_noise(rng, (draws, *curve.seeds.known.shape), correlation)
        means, residual = curve.seeds.means(noise)
        for null in nulls:
            if p <= enough:
                one, peaks, ranks = _against(curve, matrices, null + means, residual)
                p, drawn, least = max(p, one), [*drawn, peaks], [*least, ranks]
    return PeakTest(p, tuple(drawn), tuple(least))


def _correlations(curve: Replicates) -> tuple[float, ...]:
    """Where seeds tell the noise, its correlation has both effects: swings of neighbours grow with it and steps from
    point to point shrink. On few points it is known badly, so correlated and white noise are tried."""
    both = len(curve.values) > 1 and len(curve.u) < SHORT and curve.correlation > 0.0
    return (curve.correlation, 0.0) if both else (curve.correlation,)


def _nulls(curve: Replicates) -> tuple[Array, ...]:
    """The valleys on which noise may have made the peak, (points,) each.

    The reduced one, on which noise makes most peaks where the curve is level, and the plain one, which keeps the small
    rises and falls that help noise on one side of a peak. Both keep a steep fall of the data: where noise is told from
    neighbours (one run), such a fall counts as noise, in the data and so in the draws too. One run of few points: a
    level, since the valley follows its noise in steps, and drawn peaks are then studentised by too much.
    """
    if len(curve.values) == 1 and len(curve.u) < SHORT:
        return (np.full(len(curve.u), curve.mean.mean()),)
    reduced, plain = reduced_valley(curve.mean, curve.error), valley(curve.mean, _weight(curve.error))
    return (reduced,) if np.array_equal(reduced, plain) else (reduced, plain)


def _against(
    curve: Replicates, matrices: list[Array], means: Array, residual: Array
) -> tuple[float, Array, NDArray[np.intp]]:
    """p-value against drawn curves (draws, points), their peaks (smoothers, draws) sorted, and their ranks sorted."""
    draws = len(means)
    errors = np.vstack([curve.noise, curve.seeds.noise(means, residual)]) / np.sqrt(curve.seeds.number)
    means = np.vstack([curve.mean, means])
    scales = _errors(curve, errors, matrices)
    z = np.stack([_largest_peak(means @ m.T, s) for m, s in zip(matrices, scales, strict=True)])
    order = np.sort(z[:, 1:], axis=1)
    above = draws - np.array([np.searchsorted(row, of, side="left") for row, of in zip(order, z, strict=True)])
    among = above + (z <= z[:, :1])  # ranks in the pool of all draws and the curve itself, which are exchangeable
    least = among.min(axis=0)
    p = float((least <= least[0]).sum() / (1 + draws)) if z[:, 0].max() > 0.0 else 1.0
    return p, order, np.sort(above[:, 1:].min(axis=0))


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
    weight = _weight(error)
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


def _weight(error: Array) -> Array:
    return 1.0 / np.maximum(error, 1e-12) ** 2
