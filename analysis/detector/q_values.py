"""Several verdicts of one table, sweep or log: their p-values adjusted for one another."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from analysis.detector.verdict import Verdict
from analysis.statistics.multiplicity import benjamini_hochberg


def adjusted(verdicts: Sequence[Verdict | None]) -> tuple[Verdict | None, ...]:
    """The verdicts with their `q_value`, which decides `significance` too (Benjamini and Hochberg 1995).

    All that have a p-value are one family, those of one seed as well: among many curves of one run each, one in twenty
    has p at most .05 by chance. A verdict alone has q = p. None (no verdict) and verdicts without a test stay as they
    are.

    Example: of twenty verdicts with p = .03 for one and 1 for the others, that one has q = .6 and is not significant.
    """
    p_values = [np.nan if verdict is None or verdict.p is None else verdict.p for verdict in verdicts]
    q_values = benjamini_hochberg(p_values)
    return tuple(
        verdict if verdict is None or np.isnan(q) else replace(verdict, q_value=float(q))
        for verdict, q in zip(verdicts, q_values, strict=True)
    )
