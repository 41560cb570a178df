"""How much a verdict depends on the detector's settings: the share under which it stays."""

from __future__ import annotations

from dataclasses import replace

from numpy.typing import ArrayLike

from analysis.detector.descent import Axis, detect
from analysis.detector.shape import Rule
from analysis.detector.verdict import Verdict

SETTINGS = ("margin", "floor", "floor_one_seed", "recovery", "share", "tail_share", "comparable", "bandwidth")
SHORT_SETTINGS = ("level", "level_one_seed", "seen", "floor", "recovery", "share", "tail_share", "bandwidth")


def with_sensitivity(
    verdict: Verdict,
    x: ArrayLike,
    errors: ArrayLike,
    *,
    train_errors: ArrayLike | None = None,
    axis: Axis = "epoch",
    paired: bool = True,
    rule: Rule | None = None,
) -> Verdict:
    """The verdict with its `sensitivity`: the share of settings, each halved and doubled alone, that give the same
    shape.

    verdict: of the same arguments. Smoothing bandwidths, thresholds and shares of the rule are settings.
    """
    rule = rule or Rule()
    names = SETTINGS if axis == "epoch" else SHORT_SETTINGS
    rules = [replace(rule, **{name: factor * getattr(rule, name)}) for name in names for factor in (0.5, 2.0)]
    found = [
        detect(x, errors, train_errors=train_errors, axis=axis, paired=paired, rule=each, p_values=False)
        for each in rules
    ]
    return replace(verdict, sensitivity=sum(each.shape == verdict.shape for each in found) / len(found))
