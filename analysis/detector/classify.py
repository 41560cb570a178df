"""Shapes of many smoothed curves at once, as columns."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from analysis.detector.artifacts import Repair, repair
from analysis.detector.binned_curves import CurveSet
from analysis.detector.over_seeds import single_strength
from analysis.detector.peak_fit.peak_position import apex
from analysis.detector.shape import Rule, Triples, count_peaks, find_triples, rises_after_minimum, still_moving
from analysis.detector.smoothing import Array
from analysis.detector.verdict import Point, Shape, Verdict

ABRUPT = 4.0  # standard errors by which a bin lies below the smooth curve's minimum: the curve drops abruptly there
LEAST_DROP = 0.01


@dataclass(frozen=True)
class Shapes:
    """Verdicts as columns, one row per curve."""

    shape: np.ndarray  # (runs,) of Shape
    triples: Triples
    lowest: np.ndarray  # (runs,) bin of the lowest value
    curves: CurveSet

    def verdict(self, run: int) -> Verdict:
        shape: Shape = self.shape[run]
        roughness = float(self.curves.roughness[run])
        base = {"shape": shape, "roughness": roughness if np.isfinite(roughness) else None}
        if shape != "double_descent":
            return Verdict(**base, first_min=self._lowest(run))
        triples, places = self.triples, self.curves.grid.x
        first, peak, second = (float(error) for error in self.heights[run])
        at = int(triples.first[run]), int(triples.second[run])
        doubt = float(np.hypot(*self.curves.error[run, list(at)]))
        return Verdict(
            **base,
            strength=single_strength(second - first, doubt),
            first_min=Point(float(places[at[0]]), first),
            peak=Point(float(self.peaks[run]), peak),
            second_min=Point(float(places[at[1]]), second),
            prominence=peak - max(first, second),
        )

    def repair(self, x: Array, errors: Array, run: int) -> Repair | None:
        """What is wrong with the peak of this run, from its raw points (seeds, points)."""
        at, places = self.triples, self.curves.grid.x
        peak, second = at.peak[run], at.second[run]
        sizes = (float(self.curves.smooth[run, peak]), float(at.rise[run]), float(at.fall[run]))
        return repair(x, errors, float(places[peak]), float(places[second]), *sizes)

    def _lowest(self, run: int) -> Point:
        """The lowest point of a curve without a peak: of the smooth curve, or where the points are lower beyond doubt,
        of the bins (right after an abrupt drop) or of the last points (a fall within the last bin)."""
        curves, at = self.curves, int(self.lowest[run])
        values, low = curves.values[run], float(curves.smooth[run, at])
        doubt = np.maximum(ABRUPT * np.nan_to_num(curves.bin_error[run]), LEAST_DROP)
        last, end = (float(value) for value in curves.end[run])
        with np.errstate(invalid="ignore"):
            surely = np.where(values < low - doubt, values, np.inf)
        if end < min(low - doubt[-1], float(surely.min())):
            return Point(last, end)
        if np.isfinite(surely).any():
            at = int(surely.argmin())
            return Point(float(curves.grid.x[at]), float(values[at]))
        return Point(float(curves.grid.x[at]), low)

    @cached_property
    def heights(self) -> Array:
        """(runs, 3) level of double descents at first minimum, peak and second minimum, NaN elsewhere.

        The peak lies between bins: there the level is a parabola through three of them.
        """
        curves, at = self.curves, self.triples
        found = np.full((len(self.shape), 3), np.nan)
        rows = np.flatnonzero(self.shape == "double_descent")
        level, each = curves.levels(rows), np.arange(len(rows))
        turns = np.stack([at.first, at.peak, at.second], axis=1)[rows]
        heights = np.take_along_axis(level, turns, axis=1)
        position, places = curves.grid.position, np.log10(self.peaks[rows] + 1.0)
        near = np.clip(np.abs(position - places[:, None]).argmin(axis=1), 1, level.shape[1] - 2)
        heights[:, 1] = _parabola(position, level, each, near, places)
        smooth = np.take_along_axis(curves.smooth[rows], turns, axis=1)
        wrong = ~(heights[:, 1] > np.maximum(heights[:, 0], heights[:, 2]))
        heights[wrong] = smooth[wrong]
        found[rows] = heights
        return found

    @cached_property
    def peaks(self) -> Array:
        """(runs,) epochs of the peaks of double descents, NaN elsewhere."""
        curves, at = self.curves, self.triples
        found = np.full(len(self.shape), np.nan)
        rows = np.flatnonzero(self.shape == "double_descent")
        triples = np.stack([at.first, at.peak, at.second], axis=1)[rows]
        arrays = (curves.values[rows], curves.bin_error[rows], curves.noise[rows], curves.smooth[rows])
        found[rows] = 10.0 ** apex(curves.grid.position, *arrays, triples) - 1.0
        return found


def _parabola(position: Array, level: Array, rows: np.ndarray, near: np.ndarray, places: Array) -> Array:
    """Value at `places` of the parabola through three neighbouring bins of each row (Lagrange)."""
    u = np.stack([position[near + shift] for shift in (-1, 0, 1)])
    y = np.stack([level[rows, near + shift] for shift in (-1, 0, 1)])
    total = np.zeros(len(rows))
    for one, (left, right) in zip((0, 1, 2), ((1, 2), (0, 2), (0, 1)), strict=True):
        share = (places - u[left]) * (places - u[right]) / ((u[one] - u[left]) * (u[one] - u[right]))
        total += share * y[one]
    return total


def classify(curves: CurveSet, rule: Rule) -> Shapes:
    """Shape of every row of a CurveSet."""
    m, s = curves.smooth, curves.error
    triples = find_triples(m, np.nan_to_num(s), rule)
    rises, lowest, rise = rises_after_minimum(m, np.nan_to_num(s), rule)
    moving = still_moving(curves.values, curves.bin_error, curves.grid.position, rise, rule, rule.tail)
    # the bins before smoothing, so that swings a kernel would flatten are seen; noise is added to the
    # threshold
    threshold = np.maximum(rule.comparable * triples.prominence, rule.floor)[:, None]
    noise = 3.0 * np.nan_to_num(curves.bin_error)
    oscillates = triples.found & (count_peaks(curves.values, threshold + noise) >= rule.peaks)
    shape = np.full(len(m), "monotone", dtype=object)
    shape[rises & moving] = "u_shaped"
    shape[rises & ~moving] = "plateau"
    shape[triples.found] = "double_descent"
    shape[oscillates | ~np.isfinite(m).any(axis=1)] = "unstable"
    return Shapes(shape, triples, lowest, curves)
