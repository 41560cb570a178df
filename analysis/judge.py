"""Verdict on one cell or many runs, with what is no peak undone and the curve read again."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from analysis.classify import Shapes, classify
from analysis.curve_set import CurveSet, curve_set, mean_over_seeds
from analysis.repair import oscillates
from analysis.shape import Rule
from analysis.smoothing import Array
from analysis.verdict import Shape, Verdict

MAX_REPAIRS = 8


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


def for_one_seed(rule: Rule) -> Rule:
    return replace(rule, floor=max(rule.floor, rule.floor_one_seed))


def judge(x: Array, errors: Array, rule: Rule, *, log_axis: bool, paired: bool) -> Judged:
    """Shape of one cell: the mean of its seeds, read again while spikes or steps make its peak.

    x: (points,) increasing, errors: (seeds, points).
    """
    rule = rule if len(errors) > 1 else for_one_seed(rule)
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


def judge_each(x: Array, errors: Array, rule: Rule, *, log_axis: bool) -> Many:
    """Every run alone: one pass over all, then the few whose peak is a spike, a step or a swing one by one.

    x: (points,) increasing, errors: (runs, points).
    """
    rule = for_one_seed(rule)
    shapes = classify(curve_set(x, errors, log_axis=log_axis), rule)
    again: dict[int, Judged] = {}
    for run in np.flatnonzero(shapes.shape == "double_descent") if log_axis else ():
        one = errors[run : run + 1]
        swings = oscillates(x, one, float(shapes.triples.prominence[run]), rule.peaks)
        if swings or shapes.repair(x, one, int(run)) is not None:
            again[int(run)] = judge(x, one, rule, log_axis=True, paired=True)
    return Many(shapes, again)
