"""Epoch-wise verdicts: the detector on test error against epoch, one call per cell, the seeds its replicates."""

from __future__ import annotations

import numpy as np
import pandas as pd

from analysis.curves import Curves, Rows
from analysis.descent import detect, detect_each
from analysis.verdict import Verdict

FEWEST_EPOCHS = 4  # fewer have no shape


def epochwise_verdicts(curves: Curves, runs: pd.DataFrame, rows: tuple[Rows, ...]) -> tuple[Verdict | None, ...]:
    """The verdict of each cell over its done runs; None without a run or with fewer than four measured
    epochs.
    """
    done = runs["status"].to_numpy() == "done"
    return tuple(cell_verdict(curves, cell[done[cell]]) for cell in rows)


def cell_verdict(curves: Curves, rows: Rows) -> Verdict | None:
    epochs, test, train = curves.cell(rows)
    if np.isfinite(test).any(axis=0).sum() < FEWEST_EPOCHS:
        return None
    return detect(epochs, test, train_errors=train, axis="epoch")


def run_verdicts(curves: Curves, rows: Rows) -> dict[int, Verdict]:
    """Verdict of each run from its own curve alone, by row; runs with fewer than four measured epochs have none."""
    found: dict[int, Verdict] = {}
    lengths = curves.lengths()[rows]
    for length in np.unique(lengths):
        same = rows[lengths == length]
        epochs, test, _ = curves.cell(same)
        enough = np.isfinite(test).sum(axis=1) >= FEWEST_EPOCHS
        if enough.any():
            verdicts = detect_each(epochs, test[enough], axis="epoch")
            found |= {int(row): verdict for row, verdict in zip(same[enough], verdicts, strict=True)}
    return found
