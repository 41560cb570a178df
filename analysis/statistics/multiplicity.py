"""Many cells, many tests: the share of false claims among those made, and the chance of any."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from analysis.statistics.intervals import Array


def benjamini_hochberg(p_values: ArrayLike) -> Array:
    """Adjusted p-values (Benjamini and Hochberg 1995, J. R. Stat. Soc. B 57). NaN (no test) stays NaN and
    uncounted.

    p_values: (cells,) in [0, 1]; claiming every cell with an adjusted value <= q makes at most q of the
    claims false on average. Raises ValueError for values outside [0, 1].
    """
    p = np.asarray(p_values, dtype=np.float64)
    known = ~np.isnan(p)
    if ((p[known] < 0.0) | (p[known] > 1.0)).any():
        raise ValueError(f"p_values: {p[known][(p[known] < 0) | (p[known] > 1)][0]:g} is not in [0, 1]")
    adjusted = np.full(p.shape, np.nan)
    if known.any():
        adjusted[known] = _step_up(p[known])
    return adjusted


def _step_up(p: Array) -> Array:
    """The smallest p(j) n / j over all ranks j from a value's own up; scipy.stats has it, and takes 0.4 s to import."""
    order = np.argsort(p)
    ranked = p[order] * (len(p) / np.arange(1, len(p) + 1))
    adjusted = np.empty(len(p))
    adjusted[order] = np.minimum(np.minimum.accumulate(ranked[::-1])[::-1], 1.0)
    return adjusted


def holm(p_values: ArrayLike) -> Array:
    """Adjusted p-values: claiming those <= a makes any false claim with a chance of at most a (Holm 1979).

    p_values: (tests,) in [0, 1], no NaN. Returns (tests,). Nothing is assumed of how the tests depend on each other.

    Example: holm([0.01, 0.04, 0.03]) is [0.03, 0.06, 0.06].
    """
    p = np.asarray(p_values, dtype=np.float64)
    order = np.argsort(p, kind="stable")
    adjusted = np.empty_like(p)
    adjusted[order] = np.minimum(1.0, np.maximum.accumulate(p[order] * np.arange(len(p), 0, -1)))
    return adjusted
