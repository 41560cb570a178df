"""Claim C3: a freezing-wise double descent whose peak stands where interpolation is lost."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from analysis.claims.evidence import Evidence
from analysis.detector.verdict import Verdict
from analysis.statistics.intervals import mean_interval
from analysis.tables.along_axes import AxisVerdict

C3 = (
    "The number of frozen layers decides effective over- and underparameterisation, and may induce a freezing-wise "
    "double descent: its peak stands where interpolation is lost."
)


def c3(frozen: Iterable[AxisVerdict]) -> tuple[Evidence, ...]:
    """The freezing-wise shape of each group, and whether its peak stands next to the loss of interpolation.

    For: a significant double descent whose peak stands where the train error crosses the interpolation threshold, by
    the detector's own rule, which also asks at how many depths a peak would have counted as near (`cause_of_peak`).
    Against: one whose peak is elsewhere, or with no such crossing along the axis: a dip of broken co-adaptation. The
    interval of the prominence takes the peak and the higher minimum as given.
    """
    return tuple(_freezing_evidence(each) for each in frozen if each.verdict is not None)


def _freezing_evidence(each: AxisVerdict) -> Evidence:
    verdict = each.verdict
    assert verdict is not None
    found = verdict.shape == "double_descent"
    significant = verdict.significance == "significant"
    effect, low, high = _prominence_interval(each, verdict) if found else (None, None, None)
    where = "interpolation does not change along the axis"
    if each.threshold is not None:
        where = f"interpolation is lost between {each.threshold[0]:g} and {each.threshold[1]:g}"
    peak = f"peak at frozen = {verdict.peak.position:g}, " if verdict.peak is not None else ""
    return Evidence(
        group=each.group.label,
        measure="prominence of the freezing-wise peak",
        n=each.replicates,
        effect=effect,
        low=low,
        high=high,
        p_for=verdict.p_value,
        p_against=verdict.p_value if found else None,
        detail=f"{verdict.shape}, {peak}{where}{_budget(each)}",
        condition_for=significant and verdict.cause == "interpolation",
        condition_against=significant and verdict.cause == "co_adaptation",
        family=each.group.fields.get("model.family"),
    )


def _budget(each: AxisVerdict) -> str:
    unsettled = each.unsettled
    if not unsettled:
        return ""
    return f"; not converged after {each.budget} epochs at frozen = {', '.join(f'{value:g}' for value in unsettled)}"


def _prominence_interval(each: AxisVerdict, verdict: Verdict) -> tuple[float | None, float | None, float | None]:
    assert verdict.first_min is not None
    assert verdict.peak is not None
    assert verdict.second_min is not None
    higher = max(verdict.first_min, verdict.second_min, key=lambda point: point.error)
    at = [int(np.abs(each.group.values - point.position).argmin()) for point in (verdict.peak, higher)]
    mean, low, high = mean_interval(each.test[:, at[0]] - each.test[:, at[1]])
    return (None if np.isnan(mean) else mean), (None if np.isnan(low) else low), (None if np.isnan(high) else high)
