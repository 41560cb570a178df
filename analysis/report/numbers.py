"""Numbers as people read them: percentages, intervals, p-values down to the smallest that a test can give."""

from __future__ import annotations

import math

from analysis.detector import significance
from analysis.detector.short_axis import peak_test

MISSING = "-"


def per_cent(value: float | None, digits: int = 1) -> str:
    """A fraction as a percentage without its sign: 0.284 -> 28.4."""
    return MISSING if value is None or math.isnan(value) else f"{100 * value:.{digits}f}"


def per_cent_interval(mean: float, low: float, high: float) -> str:
    """28.4 [27.9, 28.9]; without an interval 28.4 alone."""
    if math.isnan(mean):
        return MISSING
    return per_cent(mean) if math.isnan(low) else f"{per_cent(mean)} [{per_cent(low)}, {per_cent(high)}]"


def p_text(value: float | None) -> str:
    if value is None or math.isnan(value):
        return MISSING
    return f"{value:.2g}" if value >= 0.0095 else f"{value:.1g}"


def p_floor(over_epochs: bool) -> float:
    """The smallest p-value that the detector's test can give: none of its draws beyond the curve itself.

    over_epochs: along epochs, else along a short axis.
    """
    return 1 / (1 + (significance.DRAWS if over_epochs else peak_test.MORE_DRAWS))


def at_floor(value: float, floor: float) -> bool:
    """Whether a p-value is the smallest possible: the true one may be smaller still."""
    return value <= floor * (1 + 1e-6)


def p_equals(name: str, value: float, floor: float = 0.0) -> str:
    """`p = 0.003`, and `p <= 0.0005` where the test can give no smaller one."""
    return f"{name} {'<=' if at_floor(value, floor) else '='} {p_text(value)}"


def p_cell(value: float | None, floor: float) -> str:
    """The same in a table: `0.003`, `<= 0.0005`."""
    if value is None or math.isnan(value):
        return MISSING
    return f"<= {p_text(value)}" if at_floor(value, floor) else p_text(value)
