"""Shape of one short axis: the certain peak at any smoothing, or else what the curve does after its lowest point."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from analysis.detector.shape import (
    Rule,
    count_peaks,
    lowest_after,
    lowest_before,
    rises_after_minimum,
    still_moving,
)
from analysis.detector.short_axis.axis_scale import bandwidths, kernel_means, local_quadratic
from analysis.detector.short_axis.peak_test import peak_test, smoothed_errors
from analysis.detector.short_axis.point_noise import LEAST
from analysis.detector.short_axis.replicates import Replicates
from analysis.detector.smoothing import Array
from analysis.detector.verdict import Shape

PLACED = 16.0  # the same for the place of the peak, which noise moves more than its height
QUIET = 6.0  # standard errors of prominence with which a curve is smoothed no further
LIKELY = 0.6  # share of the needed z with which a more prominent peak is preferred once one is certain
OWN = 0.35  # weight of a point from which it is read as it is
LONE_SHARE = 1.0 / 3.0  # of the prominence that must stay whichever single run is left out


@dataclass(frozen=True)
class Reading:
    """Shape and the three points as indices into the curve. level: (points,) the curve's own level, for the
    heights, and matrix (points, points) what makes it of the mean.

    turns: first minimum, peak, second minimum, None where the shape is none. lowest: of the whole curve.
    ascent: rise after the second minimum where it is beyond doubt, else None. lone: the point without which there is
    none.
    """

    shape: Shape
    level: Array
    matrix: Array
    lowest: int
    turns: tuple[int, int, int] | None = None
    ascent: float | None = None
    lone: int | None = None
    note: str | None = None

    @property
    def prominence(self) -> float | None:
        if self.turns is None:
            return None
        first, peak, second = self.level[list(self.turns)]
        return float(peak - max(first, second))


def read(curve: Replicates, rule: Rule, draws: int | None = None) -> tuple[Reading, float | None]:
    """Shape of a curve and the p-value of its largest peak. A peak is named up to p = `rule.seen`.

    Whether it is significant is the verdict's to say. Where the noise is not known there is no p, and the shape is as
    it is seen: the rule's floor is the only bound.
    """
    matrices = [np.eye(len(curve.u)), *(kernel_means(curve.u, h) for h in bandwidths(curve.u, rule.bandwidth))]
    errors = smoothed_errors(curve, matrices)
    test = None if curve.unknown is not None else peak_test(curve, matrices, rule.seen, draws)
    needed, p = (0.0,) * len(matrices), None if test is None else test.p
    if test is not None:
        if test.p > rule.seen:
            return _without_peak(curve, matrices[-1], errors[-1], rule), p
        level = significance_level(curve, rule)
        needed = test.critical(level if test.p <= level else rule.seen)
    found = [
        _peak_at(curve, matrices, errors, number, z, rule)
        for number, z in enumerate(needed)
        if number == 0 or test is not None
    ]
    best = max(found, key=lambda reading: reading.prominence or 0.0)
    return (_without_peak(curve, matrices[-1], errors[-1], rule) if best.turns is None else best), p


def significance_level(curve: Replicates, rule: Rule) -> float:
    return rule.level if len(curve.values) > 1 else rule.level_one_seed


def _peak_at(
    curve: Replicates, matrices: list[Array], errors: list[Array], at: int, needed: float, rule: Rule
) -> Reading:
    """The most prominent peak that is certain in one smoother, with its places and heights on the level curve.

    A more prominent one that is merely likely is preferred to it: then it is in doubt which, not whether.
    """
    m, s = matrices[at] @ curve.mean, errors[at]
    n, z = len(m), (m[:, None] - m) / np.sqrt(np.add.outer(s**2, s**2) + 1e-24)
    earlier = np.tri(n, k=-1, dtype=bool)
    sure = np.minimum(np.where(earlier, z, -np.inf).max(axis=1), np.where(earlier.T, z, -np.inf).max(axis=1))
    smaller = m - np.maximum(lowest_before(m[None])[0], lowest_after(m[None])[0])
    if not ((smaller > 0.0) & (sure >= needed)).any():
        return Reading("monotone", m, matrices[at], int(m.argmin()))
    peak = int(np.where(sure >= LIKELY * needed, smaller, -np.inf).argmax())
    matrix, chosen, wider = level_curve(curve, matrices, errors, at, peak, rule)
    level = matrix @ curve.mean
    turns = _turns(level, matrices[at][peak], wider @ curve.mean)
    if turns is None or not _large_enough(level, turns, rule):
        return Reading("monotone", m, matrices[at], int(m.argmin()))
    prominence = float(level[turns[1]] - max(level[turns[0]], level[turns[2]]))
    threshold = np.maximum(0.5 * prominence, rule.floor) + 3.0 * errors[chosen]
    swings = (
        curve.unknown is None and count_peaks((matrices[chosen] @ curve.mean)[None], threshold[None])[0] >= rule.peaks
    )
    if swings:
        note = "it swings again and again by half the prominence"
        return Reading("unstable", level, matrix, int(level.argmin()), turns, note=note)
    lone = lone_point(curve.mean, matrices[at], (int(m[:peak].argmin()), peak, peak + 1 + int(m[peak + 1 :].argmin())))
    ascent = _ascent(m, s, turns[2], needed, rule)
    return Reading("double_descent", level, matrix, int(level.argmin()), turns, ascent, lone)


def _turns(level: Array, weight: Array, wider: Array) -> tuple[int, int, int] | None:
    """The highest point of the level curve where the smoother that found the peak looked, and the lowest on either
    side.

    On the flat top of a noisy curve the highest point is the noise's: the place of the peak is that of the wider
    curve, as far as the level there is above half of the prominence.
    """
    near = np.flatnonzero(weight >= 0.5 * weight.max())
    near = near[(near > 0) & (near < len(level) - 1)]
    if not len(near):
        return None
    top = int(near[level[near].argmax()])
    half = 0.5 * (level[top] + max(level[:top].min(), level[top + 1 :].min()))
    below = np.flatnonzero(level < half)
    begin, end = below[below < top].max(initial=0) + 1, below[below > top].min(initial=len(level) - 1)
    top = int(begin + wider[begin:end].argmax()) if end > begin else top
    return int(level[:top].argmin()), top, top + 1 + int(level[top + 1 :].argmin())


def _large_enough(level: Array, turns: tuple[int, int, int], rule: Rule) -> bool:
    first, peak, second = level[list(turns)]
    rise, fall = peak - first, peak - second
    return min(rise, fall) >= rule.floor and fall >= rule.recovery * rise and rise >= rule.share * fall


def _ascent(m: Array, s: Array, second: int, needed: float, rule: Rule) -> float | None:
    """How far the curve rises again after the second minimum, where that is beyond doubt."""
    if second + 1 >= len(m):
        return None
    top = second + 1 + int(m[second + 1 :].argmax())
    rise = float(m[top] - m[second])
    return rise if rise >= rule.floor and rise > needed * float(np.hypot(s[top], s[second])) else None


def lone_point(y: Array, matrix: Array, triple: tuple[int, int, int]) -> int | None:
    """The one point that makes a turn: without it less than LONE_SHARE of the prominence is left there.

    Where points are read as they are, what is left is the neighbour nearest in height.
    """
    m = matrix @ y
    first, peak, second = triple
    base = max(m[first], m[second])
    least = LONE_SHARE * (m[peak] - base)
    for turn, sign in ((first, -1.0), (peak, 1.0), (second, -1.0)):
        bound = sign * (base + least if turn == peak else m[peak] - least)
        if matrix[turn, turn] > OWN:
            near = y[max(0, turn - 1) : turn + 2 : 2] if 0 < turn < len(y) - 1 else y[[1 if turn == 0 else turn - 1]]
            if (sign * near).max() < bound:
                return turn
            continue
        share = matrix[turn]
        without = sign * (m[turn] - share * y) / (1.0 - share)
        if without.min() < bound:
            return int(without.argmin())
    return None


def level_curve(
    curve: Replicates, matrices: list[Array], errors: list[Array], at: int, peak: int, rule: Rule
) -> tuple[Array, int, Array]:
    """What makes the curve's own level of the points: the points themselves, or a local quadratic as wide as their
    noise asks for.

    The narrowest smoother is chosen whose standard error at its peak is below a sixth of its prominence there, or else
    the clearest, and none wider than the one (`at`) in which the peak was found. Returns the matrix, its number, and
    the matrix of the curve on which the peak is placed, which is chosen alike with a sixteenth, and may be wider.
    """
    found = matrices[at] @ curve.mean
    first, second = int(found[:peak].argmin()), peak + 1 + int(found[peak + 1 :].argmin())
    clarity = np.zeros(len(matrices))
    for number, (matrix, s) in enumerate(zip(matrices, errors, strict=True)):
        m = matrix @ curve.mean
        top = first + 1 + int(m[first + 1 : second].argmax())
        clarity[number] = (m[top] - max(m[:top].min(), m[top + 1 :].min())) / max(s[top], LEAST)
    chosen, place = (
        int(np.argmax(some >= least) if (some >= least).any() else some.argmax())
        for some, least in ((clarity[: at + 1], QUIET), (clarity, PLACED))
    )
    widths = bandwidths(curve.u, rule.bandwidth)
    level, wider = (
        matrices[0] if number == 0 else local_quadratic(curve.u, 1.5 * widths[number - 1]) for number in (chosen, place)
    )
    return level, chosen, wider


def _without_peak(curve: Replicates, matrix: Array, s: Array, rule: Rule) -> Reading:
    m = matrix @ curve.mean
    rises, lowest, rise = rises_after_minimum(m[None], s[None], rule)
    if not rises[0]:
        sharp = bool(curve.mean.min() < m.min() - 4.0 * curve.error[curve.mean.argmin()])
        level, chosen = (curve.mean, np.eye(len(m))) if sharp else (m, matrix)
        return Reading("monotone", level, chosen, int(level.argmin()))
    moving = still_moving(curve.mean[None], curve.error[None], curve.u, rise, rule, rule.tail)
    return Reading("u_shaped" if moving[0] else "plateau", m, matrix, int(lowest[0]))
