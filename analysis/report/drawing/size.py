"""The sizes that a figure is drawn at: as it stands in the paper, so that nothing is scaled afterwards."""

from __future__ import annotations

import re
from dataclasses import dataclass

from sweeps.errors import InputError

INCHES = {"in": 1.0, "cm": 1 / 2.54, "mm": 1 / 25.4, "pt": 1 / 72.27}
"""Of a length's units. A point is TeX's, as `\\the\\textwidth` prints it."""
NARROWEST, WIDEST = 2.5, 20.0
SMALLEST, LARGEST = 5.0, 14.0


@dataclass(frozen=True)
class FigureSize:
    """width: of the whole figure, inches. font: of the axes' labels, points; other text is a little smaller.

    Raises InputError outside 2.5 to 20 inches, 5 to 14 points.
    """

    width: float = 6.75
    font: float = 8.0

    def __post_init__(self) -> None:
        if not NARROWEST <= self.width <= WIDEST:
            raise InputError(
                f"width {self.width:g} in: {NARROWEST:g} in to {WIDEST:g} in are allowed, such as 3.25in or 14cm"
            )
        if not SMALLEST <= self.font <= LARGEST:
            raise InputError(f"font {self.font:g}: {SMALLEST:g} to {LARGEST:g} points are allowed")

    @property
    def narrow(self) -> bool:
        """Whether panels stand below each other that otherwise stand side by side."""
        return self.width < 4.5 * self.scale

    @property
    def scale(self) -> float:
        """Of what grows with the text."""
        return self.font / 8.0

    def columns(self, wanted: int, panel: float) -> int:
        """How many panels stand in a row: at most `wanted`, each at least `panel` inches wide at 8 points."""
        return max(1, min(wanted, int(self.width / (panel * self.scale))))


ONE_COLUMN = FigureSize(3.25)
TWO_COLUMNS = FigureSize(6.75)


def length(text: str) -> float:
    """Inches of a length such as `5.5in`, `14cm`, `140mm` or `397pt`. Raises InputError, in one line."""
    found = re.fullmatch(r"\s*(\d+(?:\.\d*)?|\.\d+)\s*(in|cm|mm|pt)\s*", text)
    if found is None:
        raise InputError(f"width {text!r}: a length in in, cm, mm or pt is allowed, such as 5.5in or 14cm")
    return float(found[1]) * INCHES[found[2]]
