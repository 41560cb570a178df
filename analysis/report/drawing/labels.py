"""Labels of axes that say what grows along them, and in which direction a verdict along them is read."""

from __future__ import annotations

from analysis.report.wording import AXIS_WORDS
from analysis.tables.along_axes import FROZEN

MORE_KEPT = "more transferred and kept\N{NO-BREAK SPACE}→"
"""What rising numbers of frozen units mean."""


def axis_label(axis: str, head_only: int | None = None) -> str:
    """The words for an axis, and in which direction a verdict along the axis is read.

    head_only: the number of frozen units at which the head alone trains, where it is known.
    """
    if axis != FROZEN:
        return f"{AXIS_WORDS[axis]}, read →"
    start = "" if head_only is None else f" from {head_only} = head only"
    return f"{AXIS_WORDS[axis]} ({MORE_KEPT})\nread ←{start}"
