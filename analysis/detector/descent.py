"""Double descent along any axis: epochs, frozen units, width, set size. One detector for all of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike

from analysis.detector.binned_curves import WANDER, CurveSet
from analysis.detector.over_seeds import unaligned, with_intervals
from analysis.detector.reread import CurveReading, RunVerdicts, judge, judge_cells, judge_each
from analysis.detector.shape import Rule
from analysis.detector.significance import noise_p, rotation_p
from analysis.detector.smoothing import Array
from analysis.detector.verdict import Verdict

Axis = Literal["epoch", "frozen", "width", "size", "depth"]
TRAIN_RISE = 0.02  # a peak at which the train error has risen by more than this is an instability


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
    """Verdict on the mean of the seeds, with the seeds' own verdicts behind `agreement` and the intervals.

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
    own = judge_each(xs, ys, rule, log_axis=log_axis).verdicts() if len(ys) > 1 else []
    verdict = _finished(xs, trains, judged, own, log_axis)
    return _with_significance(verdict, judged.seeds) if p_values else verdict


def detect_cells(
    x: ArrayLike, cells: Sequence[Array], train_errors: Sequence[Array], *, p_values: bool = True
) -> list[Verdict]:
    """detect() on the epochs of many cells whose runs have the same x, in one pass over all their runs.

    cells: one (seeds, points) each, and train_errors alike. Memory is a few times that of the errors.
    """
    alike = [index for index, cell in enumerate(cells) if len(cell) > 1 and not np.isnan(cell).all(axis=0).any()]
    found: dict[int, Verdict] = {}
    if alike:
        sizes = [len(cells[index]) for index in alike]
        ends = np.cumsum(sizes).tolist()
        rows = [slice(end - size, end) for end, size in zip(ends, sizes, strict=True)]
        trains = np.concatenate([train_errors[index] for index in alike])
        xs, ys, ts = checked(x, np.concatenate([cells[index] for index in alike]), trains)
        assert ts is not None
        judged, runs = judge_cells(xs, ys, rows, Rule())
        for index, of_cell, each in zip(alike, rows, judged, strict=True):
            own = [runs.verdict(run) for run in range(of_cell.start, of_cell.stop)]
            verdict = _finished(xs, ts[of_cell], each, own, log_axis=True)
            found[index] = _with_significance(verdict, each.seeds) if p_values else verdict
    return [
        found[index] if index in found else detect(x, cell, train_errors=train, p_values=p_values)
        for index, (cell, train) in enumerate(zip(cells, train_errors, strict=True))
    ]


def _finished(x: Array, trains: Array | None, judged: CurveReading, own: list[Verdict], log_axis: bool) -> Verdict:
    """The verdict on the mean with what the seeds' own verdicts and the train error add to it."""
    verdict = replace(judged.verdict(), seeds=max(1, len(own)))
    if own:
        verdict = with_intervals(verdict, own, judged.seeds)
        if log_axis:  # one seed of a short axis is too rough a witness
            verdict = unaligned(verdict, own)
        verdict = replace(verdict, agreement=float(np.mean([v.shape == verdict.shape for v in own])))
    if trains is not None and verdict.peak is not None and verdict.first_min is not None:
        at_peak = train_error_near(x, trains, verdict.peak.position, log_axis)
        before = train_error_near(x, trains, verdict.first_min.position, log_axis)
        if log_axis and at_peak is not None and before is not None and at_peak > before + TRAIN_RISE:
            return _unstable(verdict, at_peak)
        verdict = replace(verdict, train_error_at_peak=at_peak)
    return verdict


def _unstable(verdict: Verdict, train_error: float) -> Verdict:
    """An interpolation peak comes while the train error falls; where both rise, the optimiser lost its
    way."""
    return Verdict(
        "unstable",
        roughness=verdict.roughness,
        train_error_at_peak=train_error,
        seeds=verdict.seeds,
        agreement=verdict.agreement,
        note="the train error rises with the test error: an instability, not an interpolation peak",
    )


def _with_significance(verdict: Verdict, seeds: CurveSet) -> Verdict:
    if verdict.shape == "unstable":
        return verdict
    if verdict.seeds == 1:
        known = np.isfinite(seeds.values[0])
        values, error = seeds.values[0, known], np.nan_to_num(seeds.bin_error[0, known])
        wander = WANDER * np.nan_to_num(seeds.noise[0, known]) if seeds.log_axis else None
        hat = seeds.hat(0)[np.ix_(known, known)]
        p = noise_p(seeds.smooth[0, known], values, error, hat, seeds.grid.position[known], wander)
        return replace(verdict, single_seed_significance=p)
    common = np.isfinite(seeds.smooth).all(axis=0)
    if verdict.seeds < 3 or common.sum() < 3:
        return verdict
    return replace(verdict, p_value=rotation_p(seeds.smooth[:, common]))


def detect_each(x: ArrayLike, errors: ArrayLike, *, axis: Axis = "epoch", rule: Rule | None = None) -> list[Verdict]:
    """One verdict per seed, each from its own curve alone (no p-values). errors: (seeds, points) or
    (points,)."""
    return detect_many(x, errors, axis=axis, rule=rule).verdicts()


def detect_many(x: ArrayLike, errors: ArrayLike, *, axis: Axis = "epoch", rule: Rule | None = None) -> RunVerdicts:
    """Every run's own shape, all runs on one x. errors: (runs, points). No p-values.

    Binning, smoothing and classification are vectorised over the runs; only runs whose peak is a spike, a
    step or one of many swings are then read again, one by one.
    """
    xs, ys, _ = checked(x, errors, None)
    return judge_each(xs, ys, rule or Rule(), log_axis=axis == "epoch")


def checked(x: ArrayLike, errors: ArrayLike, train_errors: ArrayLike | None) -> tuple[Array, Array, Array | None]:
    """x increasing, errors (seeds, points), train errors alike; columns that no seed has are dropped."""
    xs, ys = np.asarray(x, dtype=np.float64), np.atleast_2d(np.asarray(errors, dtype=np.float64))
    trains = None if train_errors is None else np.atleast_2d(np.asarray(train_errors, dtype=np.float64))
    if xs.ndim != 1 or ys.ndim != 2 or ys.shape[1] != len(xs):
        raise ValueError(f"errors: shape {ys.shape} does not fit x of shape {xs.shape}; (seeds, {xs.size}) is allowed")
    if trains is not None and trains.shape != ys.shape:
        raise ValueError(f"train_errors: shape {trains.shape}, allowed is that of errors, {ys.shape}")
    if not np.isfinite(xs).all() or (xs < 0).any():
        raise ValueError("x: every value must be finite and at least 0")
    order = np.argsort(xs, kind="stable")
    empty = np.isnan(ys[:, order]).all(axis=0) if np.isnan(ys[0]).any() else np.zeros(len(xs), dtype=bool)
    order = order[~empty]
    if np.array_equal(order, np.arange(len(xs))):
        order = slice(None)  # sorted and complete: no copy
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
