"""Double descent along any axis: epochs, frozen units, width, set size. One detector for all of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike

from analysis.detector.binned_curves import CurveSet
from analysis.detector.over_seeds import unaligned, with_intervals
from analysis.detector.reread import CurveReading, RunVerdicts, judge, judge_cells, judge_each
from analysis.detector.shape import Rule
from analysis.detector.short_axis.axis_scale import ShortAxis
from analysis.detector.short_axis.cause import THRESHOLDS
from analysis.detector.short_axis.verdict_on_axis import axis_verdict
from analysis.detector.significance import noise_p, rotation_p
from analysis.detector.smoothing import Array, smoother
from analysis.detector.verdict import Cause, Verdict

Axis = Literal["epoch", ShortAxis]
LONE_WANDER = 0.5  # slow wander of a run as a share of its noise, where no second seed shows how large it is
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

    x: (points,) distinct, finite; sorted here. errors: (seeds, points) or (points,), NaN = missing, as
    fractions (the rule's floor is in that unit). train_errors: same shape, optional. axis: "epoch" is read on
    log(epoch + 1); width and size on a log scale, frozen and depth on a linear one, smoothed where the points allow it;
    frozen units are read from the largest number down to 0. paired: seeds share what they differ in along the axis, so
    that an offset of a whole seed is no evidence; without it the spread of the seeds' levels counts as noise.
    p_values: epochs only; short axes are always tested, since the call depends on it. Raises ValueError for shapes that
    do not fit, fewer than 4 points, or repeated x.
    """
    xs, ys, trains = checked(x, errors, train_errors)
    rule = rule or Rule()
    if axis != "epoch":
        return axis_verdict(xs, ys, trains, axis, rule, paired=paired)
    judged = judge(xs, ys, rule, paired=paired)
    own = judge_each(xs, ys, rule).verdicts() if len(ys) > 1 else []
    verdict = _finished(xs, trains, judged, own)
    return _with_significance(verdict, judged) if p_values else verdict


def detect_cells(
    x: ArrayLike,
    cells: Sequence[Array],
    train_errors: Sequence[Array],
    *,
    rule: Rule | None = None,
    p_values: bool = True,
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
        judged, runs = judge_cells(xs, ys, rows, rule or Rule())
        for index, of_cell, each in zip(alike, rows, judged, strict=True):
            own = [runs.verdict(run) for run in range(of_cell.start, of_cell.stop)]
            verdict = _finished(xs, ts[of_cell], each, own)
            found[index] = _with_significance(verdict, each) if p_values else verdict
    return [
        found[index] if index in found else detect(x, cell, train_errors=train, rule=rule, p_values=p_values)
        for index, (cell, train) in enumerate(zip(cells, train_errors, strict=True))
    ]


def _finished(x: Array, trains: Array | None, judged: CurveReading, own: list[Verdict]) -> Verdict:
    """The verdict on the mean with what the seeds' own verdicts and the train error add to it."""
    verdict = replace(judged.verdict(), seeds=max(1, len(own)))
    if own:
        verdict = unaligned(with_intervals(verdict, own, judged.seeds), own)
        verdict = replace(verdict, agreement=float(np.mean([v.shape == verdict.shape for v in own])))
    if trains is not None and verdict.peak is not None and verdict.first_min is not None:
        at_peak = train_error_near(x, trains, verdict.peak.position)
        before = train_error_near(x, trains, verdict.first_min.position)
        if at_peak is not None and before is not None and at_peak > before + TRAIN_RISE:
            return _unstable(verdict, at_peak)
        verdict = replace(verdict, train_error_at_peak=at_peak)
    if verdict.shape == "double_descent":
        verdict = replace(verdict, cause=_cause(x, trains, verdict))
    return verdict


def _cause(x: Array, trains: Array | None, verdict: Verdict) -> Cause:
    """Interpolation where the train error falls through a threshold between first and second minimum."""
    if trains is None or verdict.first_min is None or verdict.second_min is None:
        return "unknown"
    before = train_error_near(x, trains, verdict.first_min.position)
    after = train_error_near(x, trains, verdict.second_min.position)
    if before is None or after is None:
        return "unknown"
    return "interpolation" if any(after <= threshold < before for threshold in THRESHOLDS) else "unknown"


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


def _with_significance(verdict: Verdict, judged: CurveReading) -> Verdict:
    seeds = judged.seeds
    if verdict.shape == "unstable" or verdict.p_value is not None:
        return verdict
    if verdict.seeds == 1:
        return replace(
            verdict, single_seed_significance=_noise_p(seeds, 0, LONE_WANDER * np.nan_to_num(seeds.noise[0]))
        )
    curves = _reaching(seeds, verdict)
    if verdict.seeds == 2:
        mean = judged.shapes.curves
        return replace(verdict, p_value=_noise_p(mean, judged.row, np.nan_to_num(mean.error[judged.row])))
    return verdict if len(curves) < 3 or curves.shape[1] < 3 else replace(verdict, p_value=rotation_p(curves))


def _noise_p(curves: CurveSet, row: int, wander: Array) -> float:
    known = np.isfinite(curves.values[row]) & np.isfinite(curves.smooth[row])
    values, error = curves.values[row, known], np.nan_to_num(curves.bin_error[row, known])
    hat = smoother(curves.grid, known)[np.ix_(known, known)]
    return noise_p(curves.smooth[row, known], values, error, hat, curves.grid.position[known], wander[known])


def _reaching(seeds: CurveSet, verdict: Verdict) -> Array:
    """(seeds, bins) for the test over seeds: those that reach the verdict's last point, on the bins that all of them
    have.

    A seed that has only begun thus leaves the test as it was, instead of cutting the axis for all.
    """
    present = np.isfinite(seeds.smooth)
    last = verdict.second_min.position if verdict.second_min is not None else np.inf
    end = min(int(np.searchsorted(seeds.grid.x, last, side="right")), len(seeds.grid.x)) - 1
    if verdict.second_min is None:
        end = int(np.flatnonzero(present.sum(axis=0) * 2 >= len(present))[-1])
    chosen = present[:, : end + 1][:, -1]
    if chosen.sum() < 3:
        chosen = np.ones(len(present), dtype=bool)
    return seeds.smooth[chosen][:, present[chosen].all(axis=0)]


def detect_each(x: ArrayLike, errors: ArrayLike, *, axis: Axis = "epoch", rule: Rule | None = None) -> list[Verdict]:
    """One verdict per seed, each from its own curve alone. errors: (seeds, points) or (points,)."""
    if axis == "epoch":
        return detect_many(x, errors, rule=rule).verdicts()
    rows = np.atleast_2d(np.asarray(errors, dtype=np.float64))
    return [detect(x, row, axis=axis, rule=rule) for row in rows]


def detect_many(x: ArrayLike, errors: ArrayLike, *, rule: Rule | None = None) -> RunVerdicts:
    """Every run's own shape on epochs, all runs on one x. errors: (runs, points). No p-values.

    Binning, smoothing and classification are vectorised over the runs; only runs whose peak is a spike, a
    step or one of many swings are then read again, one by one.
    """
    xs, ys, _ = checked(x, errors, None)
    return judge_each(xs, ys, rule or Rule())


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


def train_error_near(x: Array, trains: Array, at: float) -> float | None:
    """Mean train error within five per cent of the epoch `at`, or at the nearest, over seeds; None where unknown."""
    near = np.abs(x - at) <= 0.05 * at
    near[np.abs(x - at).argmin()] = True
    chosen = trains[:, near]
    return float(np.nanmean(chosen)) if np.isfinite(chosen).any() else None
