"""Shapes of many smoothed curves at once, as columns."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from analysis.detector.artifacts import Repair, repair
from analysis.detector.binned_curves import CurveSet
from analysis.detector.peak_position import apex
from analysis.detector.shape import Rule, Triples, count_peaks, find_triples, rises_after_minimum, still_moving
from analysis.detector.smoothing import Array
from analysis.detector.verdict import Point, Shape, Verdict


@dataclass(frozen=True)
class Shapes:
    """Verdicts as columns, one row per curve."""

    shape: np.ndarray  # (runs,) of Shape
    triples: Triples
    lowest: np.ndarray  # (runs,) bin of the lowest value
    curves: CurveSet

    def verdict(self, run: int) -> Verdict:
        shape: Shape = self.shape[run]
        triples, roughness = self.triples, float(self.curves.roughness[run])
        base = {"shape": shape, "roughness": roughness if np.isfinite(roughness) else None}
        if shape == "double_descent":
            first, second = self._point(run, triples.first[run]), self._point(run, triples.second[run])
            peak = self._peak(run)
            return Verdict(
                **base,
                strength="strong" if second.error < first.error else "weak",
                first_min=first,
                peak=peak,
                second_min=second,
                prominence=float(triples.prominence[run]),
            )
        return Verdict(**base, first_min=self._point(run, self.lowest[run]))

    def repair(self, x: Array, errors: Array, run: int) -> Repair | None:
        """What is wrong with the peak of this run, from its raw points (seeds, points)."""
        at, places = self.triples, self.curves.grid.x
        peak, second = at.peak[run], at.second[run]
        sizes = (float(self.curves.smooth[run, peak]), float(at.rise[run]), float(at.fall[run]))
        return repair(x, errors, float(places[peak]), float(places[second]), *sizes)

    def _point(self, run: int, at: int) -> Point:
        return Point(float(self.curves.grid.x[at]), float(self.curves.smooth[run, at]))

    def _peak(self, run: int) -> Point:
        """The peak, refined on the log axis; its error is the smooth curve's largest."""
        curves, at = self.curves, self.triples
        plain = self._point(run, at.peak[run])
        if not curves.log_axis:
            return plain
        return Point(float(self.peaks[run]), plain.error)

    @cached_property
    def peaks(self) -> Array:
        """(runs,) epochs of the peaks of double descents, NaN elsewhere; log axis only."""
        curves, at = self.curves, self.triples
        found = np.full(len(self.shape), np.nan)
        rows = np.flatnonzero(self.shape == "double_descent")
        triples = np.stack([at.first, at.peak, at.second], axis=1)[rows]
        arrays = (curves.values[rows], curves.bin_error[rows], curves.noise[rows], curves.smooth[rows])
        found[rows] = 10.0 ** apex(curves.grid.position, *arrays, triples) - 1.0
        return found


def classify(curves: CurveSet, rule: Rule) -> Shapes:
    """Shape of every row of a CurveSet."""
    m, s = curves.smooth, curves.error
    triples = find_triples(m, np.nan_to_num(s), rule)
    rises, lowest, rise = rises_after_minimum(m, np.nan_to_num(s), rule)
    moving = still_moving(curves.values, curves.bin_error, curves.grid.position, rise, rule, curves.log_axis)
    # the bins before smoothing, so that swings a kernel would flatten are seen; noise is added to the
    # threshold
    threshold = np.maximum(rule.comparable * triples.prominence, rule.floor)[:, None]
    noise = 3.0 * np.nan_to_num(curves.bin_error) * curves.log_axis
    oscillates = triples.found & (count_peaks(curves.values, threshold + noise) >= rule.peaks)
    shape = np.full(len(m), "monotone", dtype=object)
    shape[rises & moving] = "u_shaped"
    shape[rises & ~moving] = "plateau"
    shape[triples.found] = "double_descent"
    shape[oscillates | ~np.isfinite(m).any(axis=1)] = "unstable"
    return Shapes(shape, triples, lowest, curves)
