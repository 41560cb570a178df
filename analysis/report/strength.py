"""How strong a double descent is, in words: its second minimum compared with its first.

Along epochs, frozen units, width and depth the second minimum is on the side of more effective capacity, which is what
`strong` and `weak` are said of. Along set sizes it is on the side of more samples, where a network is less
overparameterised: there the words say which of the two minima is lower.
"""

from __future__ import annotations

from typing import Any

from analysis.detector.verdict import Verdict

SIZE_AXES = ("target.size", "source.size")
SIZES_READ = "along set sizes the second minimum is the one of more samples"
_WORDS = {"weak": "weak", "strong": "strong"}
_OF_SIZES = {
    "weak": "second minimum, at more samples, above the first",
    "strong": "second minimum, at more samples, below the first",
}


def strength_text(strength: Any, axis: str | None = None) -> str:
    """Of `Verdict.strength`, or of a table's column; any value but weak and strong is undecided. axis: the field that
    a verdict is read along, None along epochs.

    >>> strength_text("weak"), strength_text("weak", "target.size")
    ('weak', 'second minimum, at more samples, above the first')
    """
    words = _OF_SIZES if axis in SIZE_AXES else _WORDS
    return words.get(strength, "strength undecided")


def strength_interval_text(verdict: Verdict, axis: str) -> list[str]:
    """The interval that the words come from, where there is one."""
    if verdict.strength_interval is None:
        return []
    low, high = verdict.strength_interval
    second = "second minimum, at more samples," if axis in SIZE_AXES else "second minimum"
    return [f"{second} less first: {low:+.3f} to {high:+.3f} (95 %, over seeds)"]
