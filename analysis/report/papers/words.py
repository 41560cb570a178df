"""Values of the tables as cells of a LaTeX table: short heads, per cent, verdicts in a word or two, p-values."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from analysis.report.numbers import at_floor, p_floor, p_text
from analysis.report.papers.latex import MISSING, escaped

HEADS = {
    "transfer.frozen": "frozen",
    "model.width": "width",
    "model.depth": "depth",
    "target.size": "target size",
    "source.size": "source size",
    "n_done": "$n$",
    "n_asked": "$n$ asked",
    "n_diverged": "diverged",
    "trainable_params": "trained",
    "final_test_error": r"test error (\%)",
    "final_train_error": r"train (\%)",
    "n_interpolating": r"$\leq 5$\,\%",
    "verdict": "over epochs",
    "first_min_epoch": "first min.",
    "first_min_error": r"first min. (\%)",
    "peak_epoch": "peak at",
    "peak_error": r"peak (\%)",
    "second_min_epoch": "second min.",
    "second_min_error": r"second min. (\%)",
    "prominence": r"prom. (\%)",
    "p_value": "$p$",
    "q_value": "$q$",
    "agreement": r"agree (\%)",
    "train_error_at_peak": r"train at peak (\%)",
}
"""Short heads; other columns have their name."""

_FRACTIONS = {
    *("prominence", "roughness", "agreement", "sensitivity", "strength_low", "strength_high"),
    *("class_overlap", "superclass_overlap", "source.label_noise", "target.label_noise"),
}
SHORT = {"u_shaped": "U-shaped", "plateau": "plateau", "monotone": "monotone", "unstable": "unstable"}
LEGEND = (
    "DD: double descent, weak (recovers) or strong (ends below the first minimum), undecided where neither is shown, "
    "n.s. where it is not significant"
)


def head(name: str) -> str:
    """Of a column, as LaTeX."""
    if name in HEADS:
        return HEADS[name]
    return escaped(name) + (r" (\%)" if is_fraction(name) else "")


def is_fraction(name: str) -> bool:
    """Whether a column of `cells` is a fraction, which a table shows in per cent."""
    return name in _FRACTIONS or "_error" in name


def text(name: str, value: Any) -> str:
    """A value of a column of `cells` as LaTeX."""
    if value is None or pd.isna(value):
        return MISSING
    if isinstance(value, str):
        return escaped(value)
    if isinstance(value, bool | np.bool_):
        return "yes" if value else "no"
    if is_fraction(name):
        return f"{100 * value:.1f}"
    if isinstance(value, int | np.integer):
        return f"{value}"
    return f"{value:.0f}" if "_epoch" in name else f"{value:.3g}"


def interval(low: Any, high: Any) -> str:
    """`[27.9, 28.9]`, of fractions in per cent."""
    return "" if pd.isna(low) or pd.isna(high) else f"[{100 * low:.1f}, {100 * high:.1f}]"


def verdict(shape: Any, strength: Any, significance: Any, double_descent: Any) -> str:
    """A verdict in a word or two: `DD, weak`, `DD, n.s.`, `U-shaped`."""
    if shape is None or pd.isna(shape):
        return MISSING
    if shape != "double_descent":
        return SHORT[str(shape)]
    if significance == "not_tested":
        return "DD, not tested"
    if significance == "significant" and not pd.isna(double_descent) and not double_descent:
        return "co-adaptation"
    if significance != "significant":
        return "DD, n.s."
    return f"DD, {strength}" if strength in ("weak", "strong") else "DD, undecided"


def p_value(value: Any, over_epochs: bool) -> str:
    r"""`.003`, and `$\leq .0005$` where the test can give no smaller one."""
    if value is None or pd.isna(value):
        return MISSING
    number = p_text(float(value)).removeprefix("0")
    return rf"$\leq {number}$" if at_floor(float(value), p_floor(over_epochs)) else f"${number}$"
