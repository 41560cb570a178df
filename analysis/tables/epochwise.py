"""Epoch-wise verdicts: the detector on test error against epoch, cell by cell, the seeds its replicates."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd

from analysis.detector.descent import detect_cells, detect_each
from analysis.detector.sensitivity import cells_with_sensitivity
from analysis.detector.verdict import Verdict
from analysis.tables.curves import Curves, Rows

FEWEST_EPOCHS = 4  # fewer have no shape
BATCH = 1 << 20  # points in memory, a few times over
MOST_TRIED = 256
"""Called cells up to which each is judged under other settings too, which takes about 50 ms a cell."""


def epochwise_verdicts(curves: Curves, runs: pd.DataFrame, rows: tuple[Rows, ...]) -> tuple[Verdict | None, ...]:
    """The verdict of each cell over its done runs; None without a run or with fewer than four measured
    epochs.

    Cells whose runs were measured after the same epochs are judged together, BATCH points at a time.
    """
    done = runs["status"].to_numpy() == "done"
    chosen = [cell[done[cell]] for cell in rows]
    found: list[Verdict | None] = [None] * len(rows)
    points, ends = curves.lengths(), curves.last_epochs()
    # So many points up to this epoch: the same epochs, whether all were evaluated or those of a grid.
    spans = np.array([(points[cell].max(initial=0), ends[cell].max(initial=0)) for cell in chosen]).reshape(-1, 2)
    for length, end in np.unique(spans[spans[:, 0] >= FEWEST_EPOCHS], axis=0):
        for part in _batches(np.flatnonzero((spans == (length, end)).all(1)), chosen, int(length)):
            for index, verdict in zip(part, _cell_verdicts(curves, [chosen[i] for i in part]), strict=True):
                found[index] = verdict
    return tuple(found)


def with_sensitivities(
    verdicts: tuple[Verdict | None, ...], curves: Curves, runs: pd.DataFrame, rows: tuple[Rows, ...]
) -> tuple[Verdict | None, ...]:
    """The verdicts, those that call a double descent with their `sensitivity`; unchanged where these are too many."""
    called = [index for index, verdict in enumerate(verdicts) if verdict is not None and verdict.double_descent]
    if len(called) > MOST_TRIED:
        return verdicts
    found, done = list(verdicts), runs["status"].to_numpy() == "done"
    read = {index: curves.cell(rows[index][done[rows[index]]]) for index in called}
    alike: dict[bytes, list[int]] = {}
    for index, (epochs, _, _) in read.items():
        alike.setdefault(epochs.tobytes(), []).append(index)
    for group in alike.values():
        given = [each for index in group if (each := verdicts[index]) is not None]
        tests, trains = ([read[index][part] for index in group] for part in (1, 2))
        tried = cells_with_sensitivity(given, read[group[0]][0], tests, trains)
        for index, verdict in zip(group, tried, strict=True):
            found[index] = verdict
    return tuple(found)


def _batches(cells: Rows, rows: list[Rows], length: int) -> Iterator[list[int]]:
    """The cells in groups of about BATCH points, each of at least one cell."""
    ends = np.cumsum([len(rows[cell]) * length for cell in cells])
    for number in np.unique((ends - 1) // BATCH):
        yield cells[(ends - 1) // BATCH == number].tolist()


def _cell_verdicts(curves: Curves, cells: list[Rows]) -> list[Verdict | None]:
    read = [curves.cell(cell) for cell in cells]
    enough = [index for index, (_, test, _) in enumerate(read) if np.isfinite(test).any(axis=0).sum() >= FEWEST_EPOCHS]
    found: list[Verdict | None] = [None] * len(cells)
    if enough:
        tests, trains = ([read[index][part] for index in enough] for part in (1, 2))
        for index, verdict in zip(enough, detect_cells(read[0][0], tests, trains), strict=True):
            found[index] = verdict
    return found


def run_verdicts(curves: Curves, rows: Rows) -> dict[int, Verdict]:
    """Verdict of each run from its own curve alone, by row; runs with fewer than four measured epochs have none."""
    found: dict[int, Verdict] = {}
    spans = np.stack([curves.lengths()[rows], curves.last_epochs()[rows]], axis=1)
    for span in np.unique(spans, axis=0):
        same = rows[(spans == span).all(1)]
        epochs, test, _ = curves.cell(same)
        enough = np.isfinite(test).sum(axis=1) >= FEWEST_EPOCHS
        if enough.any():
            verdicts = detect_each(epochs, test[enough], axis="epoch")
            found |= {int(row): verdict for row, verdict in zip(same[enough], verdicts, strict=True)}
    return found
