"""Predictions that `frostline theory` has left in the store, beside what runs measured: what reports and W&B show.

Nothing is predicted here, so that no features and no training data are needed.
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.typing import NDArray

from analysis.overlay.figures import theory_figures
from analysis.overlay.widths import width_cells
from analysis.report import html
from analysis.report.table_files import write_table
from analysis.tables.collect import Tables
from analysis.tables.load import StoredRun, StoredSweep, read_epochs
from analysis.theory.width_prediction import Prediction
from sweeps import layout
from sweeps.identity import run_id
from sweeps.records import PredictedRun, TheoryRecord
from sweeps.spec import RunSpec
from sweeps.store import records

Array = NDArray[np.float64]
SCHEMA = pa.schema(
    [
        ("run_id", pa.string()),
        ("theory_kind", pa.string()),
        ("final_test_error", pa.float64()),
        ("theory_test_error", pa.float64()),
        ("theory_difference", pa.float64()),
    ]
)
"""Of the table `theory`: a row per run with a prediction. The difference is measured less predicted."""
READING = (
    "Theory: of runs whose head alone trains, gradient descent on the frozen features in closed form; of mean-field "
    "networks, the limit of infinite width. The difference is measured less predicted. `frostline theory` computes it."
)
MOST_ROWS = 60


class RecordedCurve(NamedTuple):
    """As a `PredictedRun` has it: epochs, and errors after each."""

    epochs: NDArray[np.int64]
    train_error: Array
    test_error: Array


class RecordedOverlay(NamedTuple):
    run: StoredRun
    kind: str
    predicted: RecordedCurve
    measured: pd.DataFrame
    """Columns epoch, train_error, test_error."""


class _Recorded:
    """Predictions of mean-field networks by the ids of runs."""

    def __init__(self, record: TheoryRecord) -> None:
        self._runs = {each.id: each for each in record.runs}

    def of(self, spec: RunSpec) -> Prediction:
        found = self._runs.get(run_id(spec))
        return Prediction(
            math.nan if found is None else found.test_error, math.nan, "" if found is None else found.kind
        )


def theory_record(sweep: StoredSweep) -> TheoryRecord | None:
    """None where nothing was predicted of this version of the sweep. Raises StoreError for a damaged one."""
    return records.theory(sweep.store, layout.theory(sweep.record.name, sweep.record.digest))


def theory_frame(tables: Tables, record: TheoryRecord) -> pd.DataFrame:
    """The columns of SCHEMA, in the order of the table `runs`; measured values are missing where there is no result."""
    errors = tables.runs["final_test_error"].to_numpy(dtype=np.float64, na_value=np.nan)
    found = dict(zip(tables.runs["run_id"].tolist(), errors.tolist(), strict=True))
    known = {each.id: each for each in record.runs}
    rows = [known[id] for id in found if id in known]
    measured = np.array([found[each.id] for each in rows], dtype=np.float64)
    predicted = np.array([each.test_error for each in rows], dtype=np.float64)
    values = ([each.id for each in rows], [each.kind for each in rows], measured, predicted, measured - predicted)
    return pd.DataFrame(dict(zip(SCHEMA.names, values, strict=True)))


def write_theory_table(tables: Tables, out: Path) -> tuple[Path, ...]:
    """theory.parquet and theory.csv in the folder `out`; nothing where nothing was predicted."""
    record = theory_record(tables.sweep)
    if record is None:
        return ()
    table = pa.Table.from_pandas(theory_frame(tables, record), SCHEMA, preserve_index=False)
    return tuple(write_table(out / "theory", table))


def draw_theory(tables: Tables, out: Path) -> list[Path]:
    """theory_* in the folder `out`/figures, as PNG and PDF; nothing where nothing was predicted."""
    record = theory_record(tables.sweep)
    if record is None:
        return []
    runs = {run.id: run for run in tables.sweep.runs if run.status == "done"}
    curves = [_overlay(tables.sweep, runs[each.id], each) for each in record.runs if each.epochs and each.id in runs]
    return theory_figures(curves, width_cells(tables, _Recorded(record)), out)


def theory_section(tables: Tables, folder: Path) -> tuple[str, list[Path]]:
    """The page's section, and the files that belong to it; nothing where nothing was predicted."""
    record = theory_record(tables.sweep)
    if record is None:
        return "", []
    drawn, frame = draw_theory(tables, folder), theory_frame(tables, record)
    parts = [html.heading(2, "Theory beside measurement"), html.paragraph(difference_line(frame), "verdict")]
    parts += [html.picture(path, READING, READING) for path in drawn if path.suffix == ".png"]
    rows = [[_text(value) for value in row] for row in frame.head(MOST_ROWS).itertuples(index=False)]
    numbers = [False, False, True, True, True]
    parts.append(html.table(list(frame.columns), rows, numbers, "Predicted and measured errors"))
    if len(frame) > MOST_ROWS:
        parts.append(html.paragraph(f"and {len(frame) - MOST_ROWS} more in theory.csv", "quiet"))
    return "\n".join(parts), [*drawn, *write_theory_table(tables, folder)]


def difference_line(frame: pd.DataFrame) -> str:
    """`24 runs: final test error off by 0.0004 in the median, 0.0031 at most`."""
    apart = np.abs(frame["theory_difference"].to_numpy(dtype=np.float64))
    apart = apart[np.isfinite(apart)]
    if not len(apart):
        return f"{len(frame)} runs have a prediction, none of them a result"
    return f"{len(apart)} runs: final test error off by {np.median(apart):.4f} in the median, {apart.max():.4f} at most"


def _overlay(sweep: StoredSweep, run: StoredRun, predicted: PredictedRun) -> RecordedOverlay:
    measured = read_epochs(sweep.store, run, ["epoch", "train_error", "test_error"]).to_pandas()
    errors = (np.asarray(each, dtype=np.float64) for each in (predicted.train_errors, predicted.test_errors))
    curve = RecordedCurve(np.asarray(predicted.epochs, dtype=np.int64), *errors)
    return RecordedOverlay(run, predicted.kind, curve, measured)


def _text(value: object) -> str:
    return (
        ""
        if isinstance(value, float) and math.isnan(value)
        else f"{value:.4f}"
        if isinstance(value, float)
        else f"{value}"
    )
