"""From a stored sweep to its tables: epochs, runs, cells.

`best_test_error` is in the table because readers ask for it. It is never used as a result: choosing the epoch by the
test error leaks the test set and erases the second descent.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from analysis.detector.verdict import Verdict
from analysis.tables.cells import judged_cells
from analysis.tables.curves import Curves, Rows
from analysis.tables.load import StoredRun, StoredSweep, epoch_batches
from analysis.tables.relatedness import relatedness_columns
from analysis.tables.schema import CROSSINGS, EPOCHS, FINAL_LOSSES, INHERITED, RUNS, as_frame, frame_of, spec_types
from sweeps.identity import cell_id, run_name, source_id
from sweeps.records import ADAPTATION

Sink = Callable[[pa.Table], None]


@dataclass(frozen=True)
class Tables:
    """A collected sweep. Row r of `runs` is sweep.runs[r] and run r of `curves`.

    Row c of `cells` has the epoch-wise verdict verdicts[c] (None where there is too little) and consists of
    the rows rows[c] of `runs`, by seed.
    """

    sweep: StoredSweep
    runs: pd.DataFrame
    cells: pd.DataFrame
    curves: Curves
    verdicts: tuple[Verdict | None, ...]
    rows: tuple[Rows, ...]


def collect(sweep: StoredSweep, sink: Sink | None = None) -> Tables:
    """Runs, cells and curves of a sweep; `sink` is handed the table `epochs` in pieces, in order, on the way.

    Memory: two float64 per epoch and run, and one batch of epoch tables. Raises StoreError where a file is
    damaged.
    """
    curves = _curves(sweep, sink)
    runs = run_frame(sweep, curves)
    cells, rows, verdicts = judged_cells(runs, curves)
    return Tables(sweep, runs, cells, curves, verdicts, rows)


def epoch_frame(sweep: StoredSweep) -> pd.DataFrame:
    """The table `epochs` in memory: one row per epoch of every finished run, in the order of the table
    `runs`.
    """
    pieces = [_named(run, table) for run, table in _finished(sweep, None)]
    return as_frame(pa.concat_tables(pieces) if pieces else EPOCHS.empty_table())


def run_frame(sweep: StoredSweep, curves: Curves) -> pd.DataFrame:
    """The table `runs`. An unfinished run has its specification, its status and nothing else."""
    runs, summary = sweep.runs, curves.summary(CROSSINGS)
    results = [run.result for run in runs]

    def recorded(field: str) -> list[Any]:
        return [None if result is None else getattr(result, field) for result in results]

    columns: dict[str, Any] = {
        "run_id": [run.id for run in runs],
        "cell_id": [cell_id(run.spec) for run in runs],
        "source_id": [source_id(run.spec) for run in runs],
        "seed": [run.spec.seed for run in runs],
        "name": [run_name(run.spec) for run in runs],
        **{name: [run.fields.get(name) for run in runs] for name in spec_types() if name != "seed"},
        "status": [run.status for run in runs],
        "reason": [run.reason for run in runs],
        "epochs": recorded("epochs"),
        **summary,
        **_final_losses(sweep, curves),
        **relatedness_columns(sweep, np.asarray(summary["final_test_error"], dtype=np.float64)),
        **_adaptation_columns(sweep),
        **{name: recorded(name) for name in INHERITED},
        "trainable_params": recorded("trainable_params"),
        "total_params": recorded("total_params"),
        "test_samples": recorded("test_samples"),
        "wall_seconds": recorded("wall_seconds"),
        "compute_seconds": recorded("compute_seconds"),
        "device": recorded("device"),
        "attempts": recorded("attempts"),
        "provenance": [None if result is None else _provenance_text(result.provenance) for result in results],
    }
    return frame_of(columns, RUNS)


def _final_losses(sweep: StoredSweep, curves: Curves) -> dict[str, Any]:
    """FINAL_LOSSES of runs whose loss is `squared`, NaN for others: losses of one kind do not compare with others'.

    Of a regression task they are mean squared errors over samples and target values.
    """
    squared = np.array([run.spec.train.loss == "squared" for run in sweep.runs], dtype=bool)
    losses = curves.losses or ()
    last = [np.where(squared, curves.last(loss), np.nan) for loss in losses] or [np.full(len(squared), np.nan)] * 2
    return dict(zip(FINAL_LOSSES, last, strict=True))


def _adaptation_columns(sweep: StoredSweep) -> dict[str, list[float | None]]:
    """Each of ADAPTATION for all runs: the last value on record, None where there is none."""
    recorded = [(run.result.measures or {}) if run.result is not None else {} for run in sweep.runs]
    return {name: [next(reversed(values.get(name, ())), None) for values in recorded] for name in ADAPTATION}


def _curves(sweep: StoredSweep, sink: Sink | None) -> Curves:
    lengths = [run.result.epochs if run.result is not None else 0 for run in sweep.runs]
    offsets = np.concatenate([[0], np.cumsum(lengths, dtype=np.int64)])
    test, train = np.empty((2, int(offsets[-1])))
    squared = any(run.spec.train.loss == "squared" for run in sweep.runs)
    losses = np.empty((2, int(offsets[-1]))) if squared else None
    sparse = any(run.spec.train.evaluate is not None for run in sweep.runs)
    epoch = np.empty(int(offsets[-1]), dtype=np.int64) if sparse else None
    at = 0
    needed = ["epoch", "test_error", "train_error", *(("test_loss", "train_loss") if squared else ())]
    for run, table in _finished(sweep, None if sink is not None else needed):
        if sink is not None:
            sink(_named(run, table))
        test[at : at + table.num_rows] = table["test_error"].to_numpy()
        train[at : at + table.num_rows] = table["train_error"].to_numpy()
        if losses is not None:
            losses[:, at : at + table.num_rows] = table["test_loss"].to_numpy(), table["train_loss"].to_numpy()
        if epoch is not None:
            epoch[at : at + table.num_rows] = table["epoch"].to_numpy()
        at += table.num_rows
    return Curves(offsets, test, train, epoch, None if losses is None else (losses[0], losses[1]))


def _finished(sweep: StoredSweep, columns: list[str] | None) -> Iterator[tuple[StoredRun, pa.Table]]:
    for batch, tables in epoch_batches(sweep, columns):
        yield from zip(batch, tables, strict=True)


def _provenance_text(value: dict[str, Any]) -> str:
    """Provenance as one line of JSON with sorted keys."""
    return json.dumps(value, sort_keys=True, ensure_ascii=True)


def _named(run: StoredRun, table: pa.Table) -> pa.Table:
    return table.add_column(0, "run_id", pa.repeat(pa.scalar(run.id), table.num_rows))
