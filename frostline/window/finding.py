"""The finding of a sweep in one sentence: what a reader is to know first."""

from __future__ import annotations

from collections.abc import Sequence

from analysis.report.wording import along_text, axis_shape_text, axis_text
from analysis.tables.along_axes import FROZEN, AxisVerdict


def finding(along: Sequence[AxisVerdict]) -> str:
    """The most prominent double descent along frozen units, else along another axis, else what there is instead.

    Example: `resnet14-w8, freezing-wise: double descent (strong), peak at frozen = 11, prominence 0.086, n = 5`.
    """
    judged = [each for each in along if each.verdict is not None]
    called = [(each, each.verdict) for each in along if each.verdict is not None and each.verdict.double_descent]
    if called:
        lead, _ = max(called, key=lambda pair: (pair[0].group.axis == FROZEN, pair[1].prominence or 0.0))
        others = f"; {len(called) - 1} more of {len(judged)} groups show one" if len(called) > 1 else ""
        return f"{lead.group.label}, {along_text(lead)}: {axis_text(lead)}{others}"
    if not judged:
        return "no verdict yet: too few points have a result"
    shapes = sorted({axis_shape_text(each.verdict) for each in judged if each.verdict is not None})
    return f"no double descent in {len(judged)} group{'s' * (len(judged) != 1)}: {', '.join(shapes)}"
