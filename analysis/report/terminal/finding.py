"""The finding of a sweep in a few sentences, with the network that has it: what a summary begins with."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from analysis.detector.short_axis.cause import THRESHOLDS
from analysis.detector.verdict import Verdict
from analysis.report.numbers import per_cent
from analysis.report.strength import strength_text
from analysis.report.wording import AXIS_WORDS, axis_name, evidence, ranges, shape_text
from analysis.tables.along_axes import FROZEN, AxisVerdict
from analysis.tables.collect import Tables
from analysis.tables.curves import INTERPOLATES_AT

MOST_NAMED = 5


def finding(tables: Tables, verdicts: tuple[AxisVerdict, ...]) -> list[str]:
    """A sentence for each double descent along an axis, one for what shows none, one for the epochs.

    Only what is significant is called a double descent. Empty where no verdict could be given.
    """
    axes = list(dict.fromkeys(each.group.axis for each in verdicts))
    lines = [line for axis in axes for line in _along([each for each in verdicts if each.group.axis == axis])]
    return [*lines, *_over_epochs(tables, verdicts)]


def _along(verdicts: list[AxisVerdict]) -> list[str]:
    judged = [(each, each.verdict) for each in verdicts if each.verdict is not None]
    found = [(each, verdict) for each, verdict in judged if verdict.double_descent is True]
    found.sort(key=lambda pair: _evidence(pair[1]))
    lines = [_sentence(each, verdict) for each, verdict in found[:MOST_NAMED]]
    if len(found) > MOST_NAMED:
        lines.append(f"{len(found) - MOST_NAMED} more groups of {len(judged)} show one")
    without = [(each, verdict) for each, verdict in judged if verdict.double_descent is not True]
    rest = [f"{each.group.label} ({shape_text(verdict)})" for each, verdict in without]
    if rest:
        words = AXIS_WORDS[verdicts[0].group.axis]
        lines.append(f"no double descent along {words} in {_listed(rest)}")
    return lines


def _evidence(verdict: Verdict) -> tuple[float, float]:
    """Sorts what is shown best to the front: by p, then by the height of the peak."""
    return (1.0 if verdict.p is None else verdict.p, -(verdict.prominence or 0.0))


def _sentence(each: AxisVerdict, verdict: Verdict) -> str:
    """`double descent along frozen units in resnet14-w8 (strong): test error 23.0 % at 13, 31.6 % at 11, ...`."""
    points = [f"{per_cent(point.error)} % at {point.position:g}" for point in verdict.points().values()]
    parts = [f"test error {', '.join(points)}", *evidence(verdict, over_epochs=False)]
    strength = strength_text(verdict.strength, each.group.axis)
    head = f"double descent along {AXIS_WORDS[each.group.axis]} in {each.group.label} ({strength})"
    return f"{head}: {', '.join(parts)}{_crossing(each, verdict)}"


def _crossing(each: AxisVerdict, verdict: Verdict) -> str:
    """Which threshold the train error crosses at the peak, of a peak that the detector puts down to interpolation.

    The detector looks for a crossing of any of THRESHOLDS under the upper half of the peak. `each.threshold` is where
    most seeds cross 5 %, which may be elsewhere: it is told where the peak is one of its two values. Else it is the
    crossing at the peak of the mean train error that is the nearest to 5 %.
    """
    if verdict.cause != "interpolation" or verdict.peak is None:
        return ""
    known = np.isfinite(each.train).any(axis=0)
    values, train = each.group.values[known], np.nanmean(each.train[:, known], axis=0)
    at, name = int(np.abs(values - verdict.peak.position).argmin()), axis_name(each)
    if each.threshold is not None and values[at] in each.threshold:
        inside, outside = each.threshold
        return f"; its peak stands where interpolation is lost ({name} = {inside:g} to {outside:g})"
    for threshold in sorted(THRESHOLDS, key=lambda each: abs(each - INTERPOLATES_AT)):
        for place in range(max(at - 1, 0), min(at + 1, len(values) - 1)):
            if (train[place] <= threshold) != (train[place + 1] <= threshold):
                between = f"{name} = {values[place]:g} to {values[place + 1]:g}"
                return f"; its peak stands where the train error crosses {100 * threshold:g} % ({between})"
    return "; near its peak the train error crosses an interpolation threshold"


def _over_epochs(tables: Tables, verdicts: tuple[AxisVerdict, ...]) -> list[str]:
    """In which cells of which network the epochs show one: `over epochs: double descent in 9 of 16 cells: ...`."""
    judged = [verdict for verdict in tables.verdicts if verdict is not None]
    called = {index for index, verdict in enumerate(tables.verdicts) if verdict is not None and verdict.double_descent}
    if not judged:
        return []
    if not called:
        return [f"over epochs: no double descent in {len(judged)} cells"]
    named = []
    for each in (each for each in verdicts if each.group.axis == FROZEN):
        values = [float(v) for v, row in zip(each.group.values, each.group.cells, strict=True) if int(row) in called]
        if values:
            named.append(f"{each.group.label} at frozen = {ranges(values, list(each.group.values))}")
    told = f": {_listed(named)}" if named else ""
    return [f"over epochs: double descent in {len(called)} of {len(judged)} cells{told}"]


def _listed(parts: Iterable[str]) -> str:
    shown = list(parts)
    more = f" and {len(shown) - MOST_NAMED} more" if len(shown) > MOST_NAMED else ""
    return "; ".join(shown[:MOST_NAMED]) + more
