"""Verdict along a short axis (frozen units, width, set size, depth): seeds, reading, test, points."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from analysis.detector.over_seeds import half_width, paired_strength, single_strength
from analysis.detector.shape import Rule
from analysis.detector.short_axis.axis_scale import ShortAxis, natural_scale, reading_order
from analysis.detector.short_axis.cause import cause_of_peak
from analysis.detector.short_axis.place_interval import place_spans
from analysis.detector.short_axis.reading import Reading, read, significance_level
from analysis.detector.short_axis.replicates import Replicates, lone_spike, replicates
from analysis.detector.smoothing import Array
from analysis.detector.verdict import Point, Verdict

MOST_LEFT_OUT = 5  # lone runs of one or two seeds; more are no accident
OWN_DRAWS = 199
FEWEST = 4  # points of a seed, or left of an axis, that have a shape


@dataclass(frozen=True)
class AxisReading:
    """places: (points,) on the axis, in reading order, without those left out."""

    places: Array
    curve: Replicates
    reading: Reading
    p: float | None
    notes: tuple[str, ...]


def axis_verdict(
    x: Array, errors: Array, trains: Array | None, axis: ShortAxis, rule: Rule, *, paired: bool = True
) -> Verdict:
    """x: (points,) increasing; errors, trains: (seeds, points), NaN = missing. Positions in the verdict are on the
    axis."""
    chosen = _counted(errors)
    begun = int(np.isfinite(errors).any(axis=1).sum() - chosen.sum())
    values, trains = errors[chosen], None if trains is None else trains[chosen]
    found = read_axis(x, values, axis, rule, paired=paired)
    notes = (*found.notes, *([f"{begun} seeds with less than half of the points not counted"] if begun else []))
    reading, curve = found.reading, found.curve
    alone = len(values) == 1
    verdict = Verdict(
        shape=reading.shape,
        roughness=None if curve.unknown else float(np.median(curve.noise)),
        seeds=len(values),
        p_value=None if alone or reading.shape == "unstable" else found.p,
        single_seed_significance=found.p if alone and reading.shape != "unstable" else None,
        agreement=None if alone else _agreement(found, axis, rule),
        note="; ".join(notes) or None,
        first_min=None if reading.shape == "unstable" else _point(found, reading.lowest),
        significant_at=significance_level(curve, rule),
        final_ascent=reading.ascent,
    )
    if reading.shape != "double_descent":
        return verdict
    return _with_cause(with_turns(verdict, found), found, x, trains, axis)


def _counted(errors: Array) -> np.ndarray:
    """The seeds that are read, (seeds,): those with half of the points or more, so that one that has begun moves
    nothing.

    All of them where that leaves fewer than half of the seeds, or a point without a run.
    """
    known = np.isfinite(errors)
    some = known.any(axis=1)
    enough = 2 * known.sum(axis=1) >= errors.shape[1]
    fits = 2 * int(enough.sum()) >= int(some.sum()) and bool(known[enough].any(axis=0).all())
    return np.asarray(enough if fits else some)


def read_axis(x: Array, values: Array, axis: ShortAxis, rule: Rule, *, paired: bool = True) -> AxisReading:
    """The curve read without the runs that make a turn alone (one or two seeds: with more, the seeds tell a failed
    run)."""
    order = reading_order(x, axis)
    places, values = x[order], values[:, order]
    notes: list[str] = []
    while len(values) <= 2 and len(places) > FEWEST + 1 and (spike := lone_spike(values)) is not None:
        notes.append(f"read without the run at {places[spike]:g}: it is far from its neighbours")
        places, values = np.delete(places, spike), np.delete(values, spike, axis=1)
    while True:
        curve = replicates(natural_scale(places, axis), values, paired=paired)
        reading, p = read(curve, rule)
        if len(values) > 2 or reading.lone is None or curve.unknown or len(places) <= FEWEST + 1:
            break
        if len(notes) == MOST_LEFT_OUT:
            reading = replace(reading, shape="unstable")
            notes.append("single runs make peaks again and again")
            break
        notes.append(f"read without the run at {places[reading.lone]:g}: it makes a turn alone")
        places, values = np.delete(places, reading.lone), np.delete(values, reading.lone, axis=1)
    for place in dict.fromkeys(point for _, point in curve.left_out):
        count = sum(point == place for _, point in curve.left_out)
        notes.append(f"{count} of {len(values)} seeds left out at {places[place]:g}: far from the others")
    if reading.note:
        notes.append(reading.note)
    if reading.ascent is not None:
        notes.append(f"rises again by {100 * reading.ascent:.1f} points after the second minimum")
    if curve.unknown:
        notes.append(f"as seen: {curve.unknown}")
    return AxisReading(places, curve, reading, p, tuple(notes))


def _point(found: AxisReading, at: int) -> Point:
    return Point(float(found.places[at]), float(found.reading.level[at]))


def with_turns(verdict: Verdict, found: AxisReading) -> Verdict:
    """The three points, their intervals over seeds, the strength."""
    reading, curve = found.reading, found.curve
    assert reading.turns is not None
    points = [_point(found, at) for at in reading.turns]
    heights = _heights(found)
    interval = None
    if len(heights) >= 2:
        spans = place_spans(curve, reading, found.places) if len(heights) >= 3 and not curve.unknown else [None] * 3
        for number, (point, span) in enumerate(zip(points, spans, strict=True)):
            half = half_width(heights[:, number])
            errors = (max(0.0, point.error - half), point.error + half)
            points[number] = replace(point, position_interval=span, error_interval=errors)
        strength, interval = paired_strength(heights[:, 2] - heights[:, 0])
    else:
        doubt = np.sqrt(curve.error**2 @ (reading.matrix[[reading.turns[0], reading.turns[2]]] ** 2).T)
        gap = points[2].error - points[0].error
        strength = "undecided" if curve.unknown else single_strength(gap, float(np.hypot(*doubt)))
    return replace(
        verdict,
        strength=strength,
        strength_interval=interval,
        first_min=points[0],
        peak=points[1],
        second_min=points[2],
        prominence=reading.prominence,
    )


def _with_cause(verdict: Verdict, found: AxisReading, x: Array, trains: Array | None, axis: ShortAxis) -> Verdict:
    if trains is None:
        return replace(verdict, cause="unknown")
    reading = found.reading
    assert reading.turns is not None
    kept = trains[:, np.searchsorted(x, found.places)]
    known = np.isfinite(kept)
    with np.errstate(invalid="ignore", divide="ignore"):
        train = np.where(known, kept, 0.0).sum(axis=0) / known.sum(axis=0)
    cause, _ = cause_of_peak(reading.level, reading.turns, train, frozen=axis == "frozen")
    at_peak = float(train[reading.turns[1]])
    return replace(verdict, cause=cause, train_error_at_peak=at_peak if np.isfinite(at_peak) else None)


def _heights(found: AxisReading) -> Array:
    """(seeds, 3): each seed's own level at the turning points; only seeds that have it at all three."""
    reading, values = found.reading, found.curve.values
    assert reading.turns is not None
    rows = reading.matrix[list(reading.turns)]
    whole = np.isfinite(values).all(axis=1)
    heights: Array = np.array(values[:, list(reading.turns)])
    heights[whole] = values[whole] @ rows.T
    return heights[np.flatnonzero(np.isfinite(heights).all(axis=1))]


def _agreement(found: AxisReading, axis: ShortAxis, rule: Rule) -> float:
    """Share of the seeds that rise and fall between the turning points; for other shapes, that do not go against it."""
    reading, values = found.reading, found.curve.values
    if reading.turns is not None and reading.shape == "double_descent":
        heights = _heights(found)
        same = int(np.count_nonzero(heights[:, 1] > np.maximum(heights[:, 0], heights[:, 2])))
        return same / len(heights) if len(heights) else 0.0
    known = [row[np.isfinite(row)] for row in values]
    places = [found.places[np.isfinite(row)] for row in values]
    own = [
        read(replicates(natural_scale(place, axis), row[None]), rule, OWN_DRAWS)[0].shape
        for place, row in zip(places, known, strict=True)
        if len(row) >= FEWEST
    ]
    return float(sum(shape == reading.shape for shape in own)) / len(own) if own else 0.0
