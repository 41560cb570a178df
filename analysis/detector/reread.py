"""Verdict on one cell or many runs, with what is no peak undone and the curve read again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from analysis.detector.artifacts import Repair, oscillates
from analysis.detector.binned_curves import CurveSet, curve_set, mean_over_seeds, stacked
from analysis.detector.classify import Shapes, classify
from analysis.detector.shape import Rule
from analysis.detector.smoothing import Array
from analysis.detector.verdict import Shape, Verdict

MAX_REPAIRS = 8


@dataclass(frozen=True)
class CurveReading:
    """One curve after repairs: its row in the shapes, its shape, and what was repaired. seeds: the curves
    behind it."""

    seeds: CurveSet
    shapes: Shapes
    shape: Shape
    note: str | None
    row: int = 0

    def verdict(self) -> Verdict:
        if self.shape == "unstable" and self.shapes.shape[self.row] != "unstable":
            roughness = float(self.shapes.curves.roughness[self.row])
            return Verdict("unstable", roughness=roughness, note=self.note)
        return replace(self.shapes.verdict(self.row), note=self.note)


@dataclass(frozen=True)
class RunVerdicts:
    """Verdicts on many runs: columns from one pass, and the few runs that are not what they seemed."""

    shapes: Shapes
    again: dict[int, CurveReading]

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


def for_one_seed(rule: Rule) -> Rule:
    return replace(rule, floor=max(rule.floor, rule.floor_one_seed))


def judge(x: Array, errors: Array, rule: Rule, *, paired: bool = True) -> CurveReading:
    """Shape of one cell: the mean of its seeds, read again while spikes or steps make its peak.

    x: (points,) increasing, errors: (seeds, points).
    """
    rule = rule if len(errors) > 1 else for_one_seed(rule)
    note: str | None = None
    for repairs in range(MAX_REPAIRS + 1):
        seeds = curve_set(x, errors, rule.bandwidth)
        rows = seeds if len(errors) == 1 else mean_over_seeds(seeds, paired=paired)
        found = _judged(x, errors, rule, seeds, classify(rows, rule), 0, note, repairs)
        if isinstance(found, CurveReading):
            return found
        errors, note = found.errors, _name(found)
    raise AssertionError("the last repair is a verdict")


def judge_cells(x: Array, errors: Array, cells: Sequence[slice], rule: Rule) -> tuple[list[CurveReading], RunVerdicts]:
    """Every cell's mean over its seeds, and every run alone, in one pass over all runs.

    x: (points,) increasing, errors: (runs, points); cells: the rows of each cell, at least two. Only cells whose
    peak is to be repaired are read again one by one.
    """
    curves = curve_set(x, errors, rule.bandwidth)
    shapes = classify(stacked([mean_over_seeds(curves, rows) for rows in cells]), rule)
    judged = []
    for row, rows in enumerate(cells):
        found = _judged(x, errors[rows], rule, curves.rows(rows), shapes, row, None, 0)
        again = isinstance(found, Repair)
        judged.append(judge(x, errors[rows], rule) if again else found)
    return judged, judge_each(x, errors, rule, curves=curves)


def judge_each(x: Array, errors: Array, rule: Rule, *, curves: CurveSet | None = None) -> RunVerdicts:
    """Every run alone: one pass over all, then one over the few whose peak was repaired, and so on.

    x: (points,) increasing, errors: (runs, points), curves: their CurveSet if it is there already.
    """
    rule = for_one_seed(rule)
    curves = curve_set(x, errors, rule.bandwidth) if curves is None else curves
    shapes = first = classify(curves, rule)
    again: dict[int, CurveReading] = {}
    notes: dict[int, str] = {}
    runs = np.arange(len(errors))
    for repairs in range(MAX_REPAIRS + 1):
        repaired: list[tuple[int, Repair]] = []
        for row, run in enumerate(runs.tolist()):
            if repairs == 0 and shapes.shape[row] != "double_descent":
                continue
            one = errors[row : row + 1]
            found = _judged(x, one, rule, curves, shapes, row, notes.get(run), repairs)
            if isinstance(found, Repair):
                repaired.append((run, found))
                notes[run] = _name(found)
            elif repairs or found.shape != shapes.shape[row]:
                again[run] = found
        if not repaired:
            break
        runs = np.array([run for run, _ in repaired])
        errors = np.concatenate([found.errors for _, found in repaired])
        curves = curve_set(x, errors, rule.bandwidth)
        shapes = classify(curves, rule)
    return RunVerdicts(first, again)


def _name(repair: Repair) -> str:
    return f"{repair.kind} at {repair.x:g}"


def _judged(
    x: Array,
    errors: Array,
    rule: Rule,
    seeds: CurveSet,
    shapes: Shapes,
    row: int,
    note: str | None,
    repairs: int,
) -> CurveReading | Repair:
    """What is to be said of one row, or what has to be repaired first. errors: (seeds, points) behind the
    row; note: the last repair."""
    shape: Shape = shapes.shape[row]
    candidate = shape == "double_descent"
    found = shapes.repair(x, errors, row) if candidate else None
    if found is not None and repairs < MAX_REPAIRS:
        return found
    if found is not None:
        note = f"spikes or steps throughout, the last a {note}"
        return CurveReading(seeds, shapes, "unstable", note, row)
    prominence = float(shapes.triples.prominence[row])
    if candidate and oscillates(x, errors, prominence, rule.peaks):
        return CurveReading(seeds, shapes, "unstable", "it swings again and again by half the prominence", row)
    if note is not None and note.startswith("step") and shape != "double_descent":
        note = f"the fall is one {note}, as a learning-rate drop makes"
        return CurveReading(seeds, shapes, "unstable", note, row)
    return CurveReading(seeds, shapes, shape, None if note is None else f"read without a {note}", row)
