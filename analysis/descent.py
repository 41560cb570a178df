"""Double descent along any axis: epochs, frozen units, width, set size. One detector for all of them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike

from analysis.apex import apex
from analysis.curve_set import WANDER, CurveSet, curve_set, mean_over_seeds
from analysis.repair import Repair, oscillates, repair
from analysis.shape import Rule, Triples, count_peaks, find_triples, rises_after_minimum, still_moving
from analysis.significance import noise_p, rotation_p
from analysis.smoothing import Array
from analysis.verdict import Point, Shape, Verdict

Axis = Literal["epoch", "frozen", "width", "size", "depth"]
MAX_REPAIRS = 8


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
        triple = (int(at.first[run]), int(at.peak[run]), int(at.second[run]))
        arrays = (curves.values[run], curves.bin_error[run], curves.smooth[run])
        return Point(10.0 ** apex(curves.grid.position, *arrays, triple) - 1.0, plain.error)


@dataclass(frozen=True)
class Judged:
    """One cell after repairs: the seeds' curves, the shape of their mean, and what was repaired."""

    seeds: CurveSet
    shapes: Shapes
    shape: Shape
    note: str | None

    def verdict(self) -> Verdict:
        if self.shape == "unstable" and self.shapes.shape[0] != "unstable":
            roughness = float(self.shapes.curves.roughness[0])
            return Verdict("unstable", roughness=roughness, note=self.note)
        return replace(self.shapes.verdict(0), note=self.note)


@dataclass(frozen=True)
class Many:
    """Verdicts on many runs: columns from one pass, and the few runs that had to be read again."""

    shapes: Shapes
    again: dict[int, Judged]

    @property
    def shape(self) -> np.ndarray:
        """(runs,) of Shape."""
        shape = self.shapes.shape.copy()
        for run, judged in self.again.items():
            shape[run] = judged.shape
        return shape

    def verdict(self, run: int) -> Verdict:
        return self.again[run].verdict() if run in self.again else self.shapes.verdict(run)

    def verdicts(self) -> list[Verdict]:
        return [self.verdict(run) for run in range(len(self.shapes.shape))]


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


def _for_one_seed(rule: Rule) -> Rule:
    return replace(rule, floor=max(rule.floor, rule.floor_one_seed))


def judge(x: Array, errors: Array, rule: Rule, *, log_axis: bool, paired: bool) -> Judged:
    """Shape of one cell: the mean of its seeds, read again while spikes or steps make its peak.

    x: (points,) increasing, errors: (seeds, points).
    """
    rule = rule if len(errors) > 1 else _for_one_seed(rule)
    note: str | None = None
    repairs = 0
    while True:
        seeds = curve_set(x, errors, log_axis=log_axis)
        rows = seeds if len(errors) == 1 else mean_over_seeds(seeds, paired=paired)
        shapes = classify(rows, rule)
        shape: Shape = shapes.shape[0]
        done = shapes.repair(x, errors, 0) if shape == "double_descent" and log_axis else None
        if done is None:
            break
        if repairs == MAX_REPAIRS:
            return Judged(seeds, shapes, "unstable", f"spikes or steps throughout, the last a {note}")
        errors, note, repairs = done.errors, f"{done.kind} at {done.x:g}", repairs + 1
    prominence = float(shapes.triples.prominence[0])
    if shape == "double_descent" and log_axis and oscillates(x, errors, prominence, rule.peaks):
        return Judged(seeds, shapes, "unstable", "it swings again and again by half the prominence")
    if note is not None and note.startswith("step") and shape != "double_descent":
        return Judged(seeds, shapes, "unstable", f"the fall is one {note}, as a learning-rate drop makes")
    return Judged(seeds, shapes, shape, None if note is None else f"read without a {note}")


def detect(
    x: ArrayLike,
    errors: ArrayLike,
    *,
    train_errors: ArrayLike | None = None,
    axis: Axis = "epoch",
    paired: bool = True,
    rule: Rule | None = None,
    p_values: bool = True,
) -> Verdict:
    """Verdict on the mean of the seeds, with the seeds' own verdicts behind `agreement`.

    x: (points,) distinct, finite; sorted here. errors: (points,) or (seeds, points), NaN = missing, as
    fractions (the rule's floor is in that unit). train_errors: same shape, optional. axis: "epoch" smooths
    on log(epoch + 1); every other axis is read point by point. paired: seeds share what they differ in
    along the axis, so that an offset of a whole seed is no evidence; without it the spread of the seeds'
    levels counts as noise. Raises ValueError for shapes that do not fit, fewer than 4 points, or repeated
    x.
    """
    xs, ys, trains = checked(x, errors, train_errors)
    rule = rule or Rule()
    log_axis = axis == "epoch"
    judged = judge(xs, ys, rule, log_axis=log_axis, paired=paired)
    verdict = judged.verdict()
    changes: dict[str, object] = {"seeds": len(ys)}
    if len(ys) > 1:
        each = detect_many(xs, ys, axis=axis, rule=rule)
        changes["agreement"] = float(np.mean(each.shape == verdict.shape))
    if p_values and verdict.shape != "unstable":
        changes |= _significance(judged.seeds)
    if trains is not None and verdict.peak is not None:
        changes["train_error_at_peak"] = train_error_near(xs, trains, verdict.peak.epoch, log_axis)
    return replace(verdict, **changes)


def _significance(seeds: CurveSet) -> dict[str, object]:
    if len(seeds.smooth) == 1:
        known = np.isfinite(seeds.values[0])
        values, error = seeds.values[0, known], np.nan_to_num(seeds.bin_error[0, known])
        wander = WANDER * np.nan_to_num(seeds.noise[0, known]) if seeds.log_axis else None
        hat = seeds.hat(0)[np.ix_(known, known)]
        p = noise_p(seeds.smooth[0, known], values, error, hat, seeds.grid.position[known], wander)
        return {"single_seed_significance": p}
    common = np.isfinite(seeds.smooth).all(axis=0)
    if len(seeds.smooth) < 3 or common.sum() < 3:
        return {}
    return {"p_value": rotation_p(seeds.smooth[:, common])}


def detect_each(
    x: ArrayLike, errors: ArrayLike, *, axis: Axis = "epoch", rule: Rule | None = None
) -> list[Verdict]:
    """One verdict per seed, each from its own curve alone (no p-values). errors: (seeds, points) or
    (points,)."""
    return detect_many(x, errors, axis=axis, rule=rule).verdicts()


def detect_many(x: ArrayLike, errors: ArrayLike, *, axis: Axis = "epoch", rule: Rule | None = None) -> Many:
    """Every run's own shape, all runs on one x. errors: (runs, points). No p-values.

    Binning, smoothing and classification are vectorised over the runs; only runs whose peak is a spike or
    a step are then read again, one by one.
    """
    xs, ys, _ = checked(x, errors, None)
    rule = _for_one_seed(rule or Rule())
    log_axis = axis == "epoch"
    shapes = classify(curve_set(xs, ys, log_axis=log_axis), rule)
    again: dict[int, Judged] = {}
    for run in np.flatnonzero(shapes.shape == "double_descent") if log_axis else ():
        one = ys[run : run + 1]
        swings = oscillates(xs, one, float(shapes.triples.prominence[run]), rule.peaks)
        if swings or shapes.repair(xs, one, int(run)) is not None:
            again[int(run)] = judge(xs, one, rule, log_axis=True, paired=True)
    return Many(shapes, again)


def checked(
    x: ArrayLike, errors: ArrayLike, train_errors: ArrayLike | None
) -> tuple[Array, Array, Array | None]:
    """x increasing, errors (seeds, points), train errors alike; columns that no seed has are dropped."""
    xs, ys = np.asarray(x, dtype=np.float64), np.atleast_2d(np.asarray(errors, dtype=np.float64))
    trains = None if train_errors is None else np.atleast_2d(np.asarray(train_errors, dtype=np.float64))
    if xs.ndim != 1 or ys.ndim != 2 or ys.shape[1] != len(xs):
        raise ValueError(
            f"errors: shape {ys.shape} does not fit x of shape {xs.shape}; (seeds, {xs.size}) is allowed"
        )
    if trains is not None and trains.shape != ys.shape:
        raise ValueError(f"train_errors: shape {trains.shape}, allowed is that of errors, {ys.shape}")
    if not np.isfinite(xs).all() or (xs < 0).any():
        raise ValueError("x: every value must be finite and at least 0")
    order = np.argsort(xs, kind="stable")
    order = order[~np.isnan(ys[:, order]).all(axis=0)]
    xs = xs[order]
    if len(xs) < 4:
        raise ValueError(f"errors: {len(xs)} points with a value; at least 4 are needed to have a shape")
    if (np.diff(xs) == 0).any():
        raise ValueError(f"x: {xs[1:][np.diff(xs) == 0][0]:g} appears twice; one value per x is allowed")
    return xs, ys[:, order], None if trains is None else trains[:, order]


def train_error_near(x: Array, trains: Array, at: float, log_axis: bool) -> float | None:
    """Mean train error within five per cent of `at` (or at the nearest point), over seeds; None where
    unknown."""
    near = np.abs(x - at) <= (0.05 * at if log_axis else 0.0)
    near[np.abs(x - at).argmin()] = True
    chosen = trains[:, near]
    return float(np.nanmean(chosen)) if np.isfinite(chosen).any() else None
