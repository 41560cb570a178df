"""Verdicts on millions of rows: a Parquet table of epochs, read in batches of whole runs and judged as
matrices."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from pathlib import Path

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from analysis.detector.descent import detect_many
from analysis.detector.smoothing import Array
from analysis.detector.verdict import Verdict
from analysis.logs.readers.table import CurveError, listed

BATCH = 1 << 20  # rows in memory per batch and worker

Block = tuple[list[str], Array, Array]  # run names, x (points,), errors (runs, points)


def verdicts(
    path: Path, *, run: str = "run_id", x: str = "epoch", error: str = "test_error", workers: int = 2
) -> pl.DataFrame:
    """One row per run: run, shape, strength, positions and errors of the three points, prominence. Nothing is tested:
    a shape is what the curve looks like.

    The rows of a run must be adjacent and ordered by x, as `collect` writes them; runs may differ in
    length. At most `workers` + 1 batches are in memory. Raises CurveError where a column is missing or a run
    comes twice.
    """
    file = pq.ParquetFile(path, read_dictionary=[run])
    missing = [name for name in (run, x, error) if name not in file.schema_arrow.names]
    if missing:
        raise CurveError(f"{path}: no column {missing[0]}; there are {listed(file.schema_arrow.names)}")
    batches = _whole_runs(file, run, x, error)
    done: list[list[pl.DataFrame]] = []
    with ThreadPoolExecutor(workers) as pool:
        pending = deque(pool.submit(_judged_all, *batch) for batch in islice(batches, workers + 1))
        while pending:
            done.append(pending.popleft().result())
            pending.extend(pool.submit(_judged_all, *batch) for batch in islice(batches, 1))
    found = pl.concat([pl.DataFrame(schema=SCHEMA), *(table for tables in done for table in tables)])
    twice = found["run"].is_duplicated()
    if twice.any():
        raise CurveError(f"{path}: {run}: the rows of {found['run'][twice.arg_max() or 0]} are not adjacent")
    return found


def _whole_runs(file: pq.ParquetFile, run: str, x: str, error: str) -> Iterator[tuple[pa.Table, np.ndarray]]:
    """Tables of about BATCH rows that end where a run ends, with the rows at which their runs begin."""
    rest: pa.Table | None = None
    for batch in file.iter_batches(BATCH, columns=[run, x, error]):
        table = pa.Table.from_batches([batch]).rename_columns(["run", "x", "error"])
        table = table if rest is None else pa.concat_tables([rest, table])
        starts = _starts(table)
        if starts[-1]:
            yield table.slice(0, starts[-1]), starts[:-1]
        rest = table.slice(starts[-1])
    if rest is not None and len(rest):
        yield rest, np.zeros(1, dtype=np.intp)


def _starts(table: pa.Table) -> np.ndarray:
    """Rows at which a run begins."""
    run = table["run"]
    run = run.unify_dictionaries() if pa.types.is_dictionary(run.type) else run.dictionary_encode()
    codes = np.concatenate([chunk.indices.to_numpy() for chunk in run.chunks])
    return np.flatnonzero(np.r_[True, codes[1:] != codes[:-1]])


def _blocks(table: pa.Table, starts: np.ndarray) -> list[Block]:
    """Runs with the same x become one matrix; here: neighbours of equal length and equal x."""
    ends = np.r_[starts[1:], len(table)]
    names = table["run"].take(pa.array(starts)).to_pylist()
    x = table["x"].to_numpy()
    error = table["error"].to_numpy().astype(np.float64)
    blocks: list[Block] = []
    begin = 0
    for i in range(1, len(starts) + 1):
        same = i < len(starts) and np.array_equal(x[starts[begin] : ends[begin]], x[starts[i] : ends[i]])
        if not same:
            points = ends[begin] - starts[begin]
            errors = error[starts[begin] : ends[i - 1]].reshape(-1, points)
            blocks.append((names[begin:i], x[starts[begin] : ends[begin]].astype(np.float64), errors))
            begin = i
    return blocks


def _judged_all(table: pa.Table, starts: np.ndarray) -> list[pl.DataFrame]:
    return [_judged(block) for block in _blocks(table, starts)]


def _judged(block: Block) -> pl.DataFrame:
    names, x, errors = block
    found = detect_many(x, errors).verdicts()
    return pl.DataFrame([_row(n, v) for n, v in zip(names, found, strict=True)], schema=SCHEMA)


def _row(name: str, verdict: Verdict) -> dict[str, object]:
    row: dict[str, object] = {"run": str(name), "shape": verdict.shape, "strength": verdict.strength}
    for label, point in (
        ("first_min", verdict.first_min),
        ("peak", verdict.peak),
        ("second_min", verdict.second_min),
    ):
        row[f"{label}_x"] = None if point is None else point.position
        row[f"{label}_error"] = None if point is None else point.error
    return row | {"prominence": verdict.prominence}


SCHEMA = {
    "run": pl.String,
    "shape": pl.String,
    "strength": pl.String,
    **{f"{label}_{part}": pl.Float64 for label in ("first_min", "peak", "second_min") for part in ("x", "error")},
    "prominence": pl.Float64,
}
