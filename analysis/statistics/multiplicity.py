"""Many cells, many tests: the share of false claims among those made."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike
from scipy.stats import false_discovery_control

from analysis.statistics.bootstrap import Array


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
        adjusted[known] = false_discovery_control(p[known], method="bh")
    return adjusted
