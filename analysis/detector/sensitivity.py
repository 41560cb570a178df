"""How much a verdict depends on the detector's settings: the share under which it stays."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

from analysis.detector.descent import Axis, detect, detect_cells
from analysis.detector.shape import Rule
from analysis.detector.verdict import Verdict

Array = NDArray[np.float64]

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
    """The verdict with its `sensitivity`: the share of settings, each halved and doubled alone, under which it stays.

    On epochs the shape is compared; on short axes, where the settings decide the test too, also whether it is called.
    verdict: of the same arguments. Smoothing bandwidths, thresholds and shares of the rule are settings.
    """
    found = [
        detect(x, errors, train_errors=train_errors, axis=axis, paired=paired, rule=each, p_values=False)
        for each in other_rules(rule or Rule(), SETTINGS if axis == "epoch" else SHORT_SETTINGS)
    ]
    stays = [
        each.shape == verdict.shape and (axis == "epoch" or each.double_descent == verdict.double_descent)
        for each in found
    ]
    return replace(verdict, sensitivity=sum(stays) / len(stays))


def cells_with_sensitivity(
    verdicts: Sequence[Verdict], x: ArrayLike, cells: Sequence[Array], train_errors: Sequence[Array]
) -> list[Verdict]:
    """The same for the epoch-wise verdicts of many cells, whose runs have the same x. cells: as in `detect_cells`."""
    stays = np.zeros(len(cells))
    rules = other_rules(Rule(), SETTINGS)
    for rule in rules:
        found = detect_cells(x, cells, train_errors, rule=rule, p_values=False)
        stays += [each.shape == verdict.shape for each, verdict in zip(found, verdicts, strict=True)]
    return [replace(verdict, sensitivity=n / len(rules)) for verdict, n in zip(verdicts, stays.tolist(), strict=True)]


def other_rules(rule: Rule, names: Sequence[str]) -> list[Rule]:
    """The rule with each of its settings `names` halved, and doubled, alone."""
    return [replace(rule, **{name: factor * getattr(rule, name)}) for name in names for factor in (0.5, 2.0)]
