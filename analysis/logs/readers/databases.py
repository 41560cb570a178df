"""Parquet files, and the SQLite files of MLflow and trackio, read only."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np

from analysis.logs.readers.table import (
    MOST_COLUMNS,
    Column,
    CurveError,
    Table,
    constant,
    listed,
    short,
    texts,
    too_many_columns,
    visible,
)

Points = dict[str, dict[float, dict[str, float]]]
"""Run, step, metric: the last value logged."""


def read_parquet(path: Path, name: str, where: str) -> list[Table]:
    """A Parquet file, checked by Arrow. Raises CurveError where it is broken or empty."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        if (number := pq.read_metadata(path).num_columns) > MOST_COLUMNS:
            raise too_many_columns(where, number)
        read = pq.read_table(path)
        read.validate(full=True)
        columns = {title: _arrow_column(read[i]) for i, title in enumerate(read.column_names)}
    except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
        reason = (str(error).strip() or type(error).__name__).splitlines()[0]
        raise CurveError(f"{where}: cannot be read as Parquet: {reason[:200]}") from None
    if not read.num_rows:
        raise CurveError(f"{where}: no rows; at least 4 points are needed")
    if len(set(read.column_names)) < read.num_columns:
        raise CurveError(f"{where}: two columns of one name among {listed(read.column_names)}")
    index = [title for title in columns if title.startswith("__index_level_")]
    return [Table({k: v for k, v in columns.items() if k not in index}, name, where)]


def _arrow_column(column: Any) -> Column:
    import pyarrow as pa

    kind = column.type
    if pa.types.is_dictionary(kind):
        column = column.cast(kind.value_type)
        kind = kind.value_type
    if pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind):
        return column.cast(pa.float64(), safe=False).to_numpy(zero_copy_only=False)
    if pa.types.is_null(kind):
        return np.full(len(column), np.nan)
    return texts(column.to_pylist())


def read_sqlite(path: Path, where: str) -> list[Table]:
    """The metrics of an MLflow or trackio database, one table per run. Raises CurveError for any other.

    The newest rows may be in the file PATH-wal (https://sqlite.org/wal.html), which is not looked for where a database
    is opened as immutable. Without such a file that is what reads from a folder that cannot be written.
    """
    log = path.resolve().with_name(f"{path.resolve().name}-wal")
    has_log = log.is_file() and log.stat().st_size > 0
    try:
        uri = f"{path.resolve().as_uri()}?mode=ro" + ("" if has_log else "&immutable=1")
        connection = sqlite3.connect(uri, uri=True)
        try:
            tables = {row[0] for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
            columns = {row[1] for row in connection.execute("PRAGMA table_info(metrics)")}
            if {"run_uuid", "key", "value", "step"} <= columns and "runs" in tables:
                return _mlflow(connection, where)
            if {"run_name", "step", "metrics"} <= columns:
                return _trackio(connection, columns, where)
        finally:
            connection.close()
    except CurveError:
        raise
    except (sqlite3.Error, OverflowError, TypeError, ValueError, RecursionError) as error:  # a cell may hold any type
        way = f"; its newest rows are in {visible(log.name)}: copy both files to a folder of yours" if has_log else ""
        raise CurveError(f"{where}: cannot be read as SQLite: {short(error)}{way}") from None
    raise CurveError(f"{where}: SQLite with the tables {listed(sorted(tables))}; those of MLflow and trackio are read")


def _mlflow(connection: sqlite3.Connection, where: str) -> list[Table]:
    """https://mlflow.org/docs/latest/tracking: tables runs, params, metrics (key, value, step, run_uuid)."""
    names = {uuid: str(name or uuid) for uuid, name in connection.execute("SELECT run_uuid, name FROM runs")}
    settings: dict[str, dict[str, str]] = {}
    for uuid, key, value in connection.execute("SELECT run_uuid, key, value FROM params"):
        settings.setdefault(uuid, {})[key] = value
    deleted: set[str] = set()
    if "lifecycle_stage" in {row[1] for row in connection.execute("PRAGMA table_info(runs)")}:
        marked = connection.execute("SELECT run_uuid FROM runs WHERE lifecycle_stage = 'deleted'")
        deleted = {uuid for (uuid,) in marked}
    points: Points = {}
    for uuid, key, value, step, bad in connection.execute(
        "SELECT run_uuid, key, value, step, is_nan FROM metrics ORDER BY timestamp"
    ):
        if uuid in deleted:
            continue
        points.setdefault(uuid, {}).setdefault(float(step), {})[str(key)] = np.nan if bad else float(value)
    return metric_tables(points, names, settings, without_deleted("MLflow database", len(deleted)), where)


def _trackio(connection: sqlite3.Connection, columns: set[str], where: str) -> list[Table]:
    """https://huggingface.co/docs/trackio/storage_schema: metrics (run_id, run_name, step, metrics as JSON)."""
    run = "run_id" if "run_id" in columns else "run_name"
    names: dict[str, str] = {}
    points: Points = {}
    for key, name, step, text in connection.execute(f"SELECT {run}, run_name, step, metrics FROM metrics ORDER BY id"):
        names[key] = str(name or key)
        try:
            values = json.loads(text)
        except (TypeError, ValueError, RecursionError):
            raise CurveError(f"{where}: metrics of run {short(name)}, step {step}: not JSON") from None
        if isinstance(values, dict):
            into = points.setdefault(key, {}).setdefault(float(step), {})
            into |= {str(k): float(v) for k, v in values.items() if isinstance(v, (int, float))}
    settings: dict[str, dict[str, str]] = {}
    if run == "run_id":
        for key, text in connection.execute("SELECT run_id, config FROM configs"):
            loaded = json.loads(text)
            settings[key] = (
                {k: str(v) for k, v in loaded.items() if not k.startswith("_")} if isinstance(loaded, dict) else {}
            )
    return metric_tables(points, names, settings, "trackio database", where)


def without_deleted(kind: str, number: int) -> str:
    return f"{kind} (deleted runs left out: {number})" if number else kind


def metric_tables(
    points: Points, names: dict[str, str], settings: dict[str, dict[str, str]], kind: str, where: str
) -> list[Table]:
    """One table per run: its steps, a column per metric, its settings as columns of one value."""
    tables = []
    taken = [names.get(run, run) for run in points]
    for run, steps in points.items():
        ordered = sorted(steps)
        keys = dict.fromkeys(key for step in ordered for key in steps[step])
        columns: dict[str, Column] = {"step": np.array(ordered)}
        columns |= {key: _column(steps[step].get(key, np.nan) for step in ordered) for key in keys if key != "step"}
        own = {k: constant(v, len(ordered)) for k, v in settings.get(run, {}).items() if k not in columns}
        name = names.get(run, run)
        name = f"{name} ({run[:8]})" if taken.count(name) > 1 else name
        tables.append(Table(columns | own, name, where, logged=True, said=[kind], settings=set(own)))
    if not tables:
        raise CurveError(f"{where}: {kind} without a metric; log the test error once per epoch")
    return tables


def _column(values: Iterable[float]) -> Column:
    return np.array(list(values), dtype=np.float64)
