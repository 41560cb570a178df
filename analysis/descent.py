"""Double descent along any axis: epochs, frozen units, width, set size. One detector for all of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike

from analysis.curve_set import CurveSet, curve_set, mean_over_seeds
from analysis.shape import Rule, Triples, count_peaks, find_triples, rises_after_minimum, still_moving
from analysis.significance import noise_p, rotation_p
from analysis.smoothing import Array
from analysis.verdict import Point, Shape, Verdict

Axis = Literal["epoch", "frozen", "width", "size", "depth"]


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
            first, peak, second = (
                self._point(run, i[run]) for i in (triples.first, triples.peak, triples.second)
            )
            return Verdict(
                **base,
                strength="strong" if second.error < first.error else "weak",
                first_min=first,
                peak=peak,
                second_min=second,
                prominence=float(triples.prominence[run]),
            )
        return Verdict(**base, first_min=self._point(run, self.lowest[run]))

    def _point(self, run: int, at: int) -> Point:
        return Point(float(self.curves.grid.x[at]), float(self.curves.smooth[run, at]))


def classify(curves: CurveSet, rule: Rule) -> Shapes:
    """Shape of every row of a CurveSet."""
    m, s = curves.smooth, curves.error
    triples = find_triples(m, np.nan_to_num(s), rule)
    rises, lowest, rise = rises_after_minimum(m, np.nan_to_num(s), rule)
    moving = still_moving(m, s, curves.grid.position, rise, rule, curves.log_axis)
    threshold = np.maximum(rule.comparable * triples.prominence, rule.floor)
    oscillates = triples.found & (count_peaks(m, threshold) >= rule.peaks)
    shape = np.full(len(m), "monotone", dtype=object)
    shape[rises & moving] = "u_shaped"
    shape[rises & ~moving] = "plateau"
    shape[triples.found] = "double_descent"
    shape[oscillates | ~np.isfinite(m).any(axis=1)] = "unstable"
    return Shapes(shape, triples, lowest, curves)


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
    seeds = curve_set(xs, ys, log_axis=axis == "epoch")
    each = classify(seeds, rule)
    one = len(ys) == 1
    shapes = each if one else classify(mean_over_seeds(seeds, paired=paired), rule)
    verdict = shapes.verdict(0)
    changes: dict[str, object] = {"seeds": len(ys)}
    if not one:
        changes["agreement"] = float(np.mean(each.shape == verdict.shape))
    if p_values and verdict.shape != "unstable":
        common = np.isfinite(seeds.smooth).all(axis=0)
        if len(ys) >= 3 and common.sum() >= 3:
            changes["p_value"] = rotation_p(seeds.smooth[:, common])
        elif one:
            known = np.isfinite(seeds.values[0])
            changes["single_seed_significance"] = noise_p(
                seeds.smooth[0, known],
                seeds.values[0, known],
                np.nan_to_num(seeds.bin_error[0, known]),
                seeds.hat(0)[np.ix_(known, known)],
            )
    if trains is not None and verdict.peak is not None:
        changes["train_error_at_peak"] = train_error_near(xs, trains, verdict.peak.epoch, axis == "epoch")
    return Verdict(**{**verdict.__dict__, **changes})


def detect_each(
    x: ArrayLike, errors: ArrayLike, *, axis: Axis = "epoch", rule: Rule | None = None
) -> list[Verdict]:
    """One verdict per seed, each from its own curve alone (no p-values). errors: (seeds, points) or
    (points,)."""
    xs, ys, _ = checked(x, errors, None)
    shapes = classify(curve_set(xs, ys, log_axis=axis == "epoch"), rule or Rule())
    return [shapes.verdict(run) for run in range(len(ys))]


def detect_many(x: ArrayLike, errors: ArrayLike, *, axis: Axis = "epoch", rule: Rule | None = None) -> Shapes:
    """Shapes of many runs on one x, as columns. errors: (runs, points). Vectorised over runs; no
    p-values."""
    xs, ys, _ = checked(x, errors, None)
    return classify(curve_set(xs, ys, log_axis=axis == "epoch"), rule or Rule())


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
