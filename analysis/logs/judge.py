"""Runs to verdicts. A loss is judged in a unit of its own."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from analysis.logs.ingest import Curves, Run
from analysis.logs.readers.table import short

if TYPE_CHECKING:
    from analysis.detector.descent import Axis
    from analysis.detector.verdict import Point, Verdict

IN_UNITS = ("prominence", "roughness", "train_error_at_peak", "strength_interval", "final_ascent")
"""Fields of a verdict in the unit of the errors, beside those of its points."""


FEWEST = 4  # points without which nothing has a shape


@dataclass(frozen=True)
class Judged:
    """Runs with their verdicts, and a line for each run that has too few points to be judged."""

    runs: list[Run]
    verdicts: list[Verdict]
    refused: list[str]


def judged(curves: Curves, *, sensitivity: bool = False) -> Judged:
    """The verdict of each run, adjusted for the others, with its sensitivity if asked for; runs in = verdicts +
    refusals."""
    from analysis.detector.q_values import adjusted

    runs: list[Run] = []
    verdicts: list[Verdict] = []
    refused: list[str] = []
    for whole in curves.runs:
        run, few = _long_enough(whole)
        if few:
            text = f"{few} of {len(whole.errors)} seeds left out: fewer than {FEWEST} points"
            refused.append(f"run {short(run.name)}: {text}")
        try:
            verdicts.append(_verdict(run, curves.axis, curves.loss, sensitivity))
            runs.append(run)
        except ValueError as error:
            refused.append(f"run {short(run.name)}: {error}")
    return Judged(runs, [verdict for verdict in adjusted(verdicts) if verdict is not None], refused)


def _long_enough(run: Run) -> tuple[Run, int]:
    """The run with those seeds that have points enough to be curves, and the number of the others."""
    enough = np.isfinite(run.errors).sum(axis=1) >= FEWEST
    if enough.all() or not enough.any():
        return run, 0
    trains = None if run.train_errors is None else run.train_errors[enough]
    return replace(run, errors=run.errors[enough], train_errors=trains), int((~enough).sum())


def _verdict(run: Run, axis: str, loss: bool, sensitivity: bool) -> Verdict:
    from analysis.detector.descent import detect
    from analysis.detector.sensitivity import with_sensitivity

    points = int(np.isfinite(run.errors).any(axis=0).sum())
    if points < FEWEST:
        raise ValueError(f"{points} points; at least {FEWEST} are needed to have a shape")
    along = cast("Axis", axis)
    shift, scale = unit_of_loss(run.errors) if loss else (0.0, 1.0)
    errors = (run.errors - shift) / scale if loss else run.errors
    trains = None if run.train_errors is None else (run.train_errors - shift) / scale if loss else run.train_errors
    verdict = detect(run.x, errors, train_errors=trains, axis=along, paired=run.paired)
    if loss and verdict.cause is not None:  # the thresholds of interpolation are train errors, not losses
        verdict = replace(verdict, cause="unknown")
        trains = trains if axis == "epoch" else None  # elsewhere train errors give the cause alone
    if sensitivity:
        verdict = with_sensitivity(verdict, run.x, errors, train_errors=trains, axis=along, paired=run.paired)
    return _in_unit(verdict, shift, scale) if loss else verdict


def unit_of_loss(losses: np.ndarray) -> tuple[float, float]:
    """(shift, scale) of a loss for which the detector's settings, made for error fractions, are used.

    The scale is the larger of the median loss and of the span from its 5th to its 95th percentile, so that a loss
    times any factor has the same verdict, and "too small to be a peak" is half a per cent of the loss's own size.
    The shift is 0, or the smallest loss where that is negative.
    """
    known = losses[np.isfinite(losses)]
    shift = min(0.0, float(known.min()))
    low, middle, high = np.percentile(known - shift, [5, 50, 95])
    return shift, float(max(middle, high - low)) or 1.0


def _in_unit(verdict: Verdict, shift: float, scale: float) -> Verdict:
    changed: dict[str, Any] = {}
    for name in (f.name for f in fields(verdict)):
        value = getattr(verdict, name)
        if name in ("first_min", "peak", "second_min") and value is not None:
            changed[name] = _point(value, shift, scale)
        elif name == "train_error_at_peak" and value is not None:
            changed[name] = value * scale + shift
        elif name in IN_UNITS and value is not None:
            changed[name] = value * scale if isinstance(value, float) else tuple(v * scale for v in value)
    return replace(verdict, **changed)


def _point(point: Point, shift: float, scale: float) -> Point:
    span = point.error_interval
    return replace(
        point,
        error=point.error * scale + shift,
        error_interval=None if span is None else (span[0] * scale + shift, span[1] * scale + shift),
    )
