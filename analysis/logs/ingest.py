"""Anybody's curves: from a file or folder of logs to runs with their seeds on one axis."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl

from analysis.detector.smoothing import Array
from analysis.logs.columns import (
    EPOCH,
    RUN,
    SEED,
    STEP,
    TEST,
    TRAIN,
    CurveError,
    Metric,
    as_error,
    find,
    find_metric,
    listed,
    numbers,
    plain,
    short,
)
from analysis.logs.readers import csv_folder, lightning_folder, read_table, tensorboard


@dataclass(frozen=True)
class Run:
    """One run or cell. x: (points,) increasing; errors: (seeds, points) as fractions, NaN = missing."""

    name: str
    x: Array
    errors: Array
    train_errors: Array | None


@dataclass(frozen=True)
class Curves:
    """What was read, and in `notes` how it was read, in words to be shown."""

    runs: list[Run]
    axis: str
    notes: list[str]


def read_curves(path: Path, *, metric: str | None = None, x: str | None = None) -> Curves:
    """Reads a long CSV, a W&B export (CSV or Parquet), a folder of Lightning metrics.csv or of TensorBoard
    events.

    metric, x: column of the error (or accuracy, by its name) and of the axis, where the usual names do not
    hold. Raises CurveError, one line, for everything that cannot be read without guessing.
    """
    if not path.exists():
        raise CurveError(f"{path}: no such file or folder")
    frame, kind = _table(path)
    notes: list[str] = [] if kind is None else [kind]
    where = str(path)
    axis = x if x is not None else (find(frame, EPOCH) or find(frame, STEP))
    if axis is None or axis not in frame.columns:
        raise CurveError(f"{where}: no column {axis or 'epoch or step'}; there are {listed(frame.columns)}")
    if x is None and plain(axis) not in EPOCH:
        notes.append(f"no epoch column: {axis} is the axis")
    test = _chosen(frame, metric, where)
    train = find_metric(frame, TRAIN)
    long, missing = _long(frame, axis, test, train, where, notes, path.stem or path.name)
    if missing:
        notes.append(f"{missing} rows without a value of {test.column} are left out")
    logged = kind is not None or "_step" in frame.columns
    return Curves(_runs(long, where, logged, notes), axis, notes)


def _table(path: Path) -> tuple[pl.DataFrame, str | None]:
    if path.is_file() and "tfevents" in path.name:
        frame = tensorboard(path)
        assert frame is not None
        return frame, "TensorBoard events"
    if path.is_file():
        if path.suffix.lower() not in (".csv", ".parquet", ".tsv", ".txt"):
            raise CurveError(f"{path}: {path.suffix or 'no suffix'}; allowed are .csv, .parquet and tfevents files")
        return read_table(path), None
    for reader, kind in (
        (lightning_folder, "Lightning metrics.csv"),
        (tensorboard, "TensorBoard events"),
        (csv_folder, "one run per file"),
    ):
        frame = reader(path)
        if frame is not None:
            return frame, kind
    raise CurveError(f"{path}: neither metrics.csv nor tfevents nor .csv or .parquet files in this folder")


def _chosen(frame: pl.DataFrame, metric: str | None, where: str) -> Metric:
    if metric is not None:
        if metric not in frame.columns:
            raise CurveError(f"{where}: metric: no column {metric!r}; there are {listed(frame.columns)}")
        return Metric(metric, "acc" in plain(metric))
    found = find_metric(frame, TEST)
    if found is None:
        wanted = "test_error, val_error, test_accuracy, val_acc or the like (or --metric)"
        raise CurveError(f"{where}: no column of test errors among {listed(frame.columns)}; allowed is {wanted}")
    return found


def _long(
    frame: pl.DataFrame,
    axis: str,
    test: Metric,
    train: Metric | None,
    where: str,
    notes: list[str],
    name: str,
) -> tuple[pl.DataFrame, int]:
    """Columns run, seed, x, test, train, every row with a test value; and the number of rows without
    one."""
    run, seed = find(frame, RUN), find(frame, SEED)
    empty = pl.Series([None] * len(frame), dtype=pl.Float64)
    data = pl.DataFrame(
        {
            "x": numbers(frame, axis, where),
            "test": numbers(frame, test.column, where),
            "train": empty if train is None else numbers(frame, train.column, where),
            "run": [name] * len(frame) if run is None else frame[run].cast(pl.String).fill_null(name),
            "seed": [""] * len(frame) if seed is None else frame[seed].cast(pl.String).fill_null(""),
        }
    )
    # a logger writes the epoch beside some rows only: it holds for the rows around it
    data = data.with_columns(pl.col("x").backward_fill().forward_fill().over("run", "seed"))
    bad = data.filter(pl.col("x").is_null() | (pl.col("x") < 0))
    if len(bad):
        raise CurveError(f"{where}: {short(axis)}: {bad['x'][0]} in {len(bad)} rows; 0 or more is allowed")
    if data["test"].is_null().all():
        raise CurveError(f"{where}: {short(test.column)}: not one value in {len(data)} rows")
    errors, said = as_error(data["test"], test, where)
    notes += [f"test error from {test.column}", *said]
    data = data.with_columns(test=errors)
    if train is not None and data["train"].is_not_null().any():
        errors, said = as_error(data["train"], train, where)
        notes += [f"train error from {train.column}", *said]
        data = data.with_columns(train=errors)
    data = data.with_columns(pl.col("train").drop_nulls().last().over("run", "seed", "x"))
    return data.filter(pl.col("test").is_not_null()), int(data["test"].null_count())


def _runs(long: pl.DataFrame, where: str, logged: bool, notes: list[str]) -> list[Run]:
    key = ["run", "seed", "x"]
    test = pl.col("test")
    spread = long.group_by(key, maintain_order=True).agg(low=test.min(), high=test.max(), size=pl.len())
    clash = spread.filter(pl.col("high") > pl.col("low"))
    if len(clash) and not logged:
        row = clash.row(0, named=True)
        of = f"run {row['run']}" + (f", seed {row['seed']}" if row["seed"] else "")
        raise CurveError(
            f"{where}: {of}: x = {row['x']:g} appears twice, with errors {row['low']:g} and {row['high']:g}; "
            "one row is allowed, or a column run or seed that tells them apart"
        )
    repeated = len(long) - len(spread)
    if repeated:
        notes.append(f"{repeated} repeated rows: the last of each x counts")
    last = long.unique(key, keep="last", maintain_order=True)
    return [_run(str(name[0]), part) for name, part in last.group_by("run", maintain_order=True)]


def _run(name: str, part: pl.DataFrame) -> Run:
    x, place = np.unique(part["x"].to_numpy(), return_inverse=True)
    seeds = part["seed"].unique(maintain_order=True).to_list()
    row = np.array([seeds.index(s) for s in part["seed"].to_list()])

    def matrix(column: str) -> Array:
        values = np.full((len(seeds), len(x)), np.nan)
        values[row, place] = part[column].fill_null(np.nan).to_numpy()
        return values

    trains = matrix("train") if part["train"].is_not_null().any() else None
    return Run(name, x.astype(np.float64), matrix("test"), trains)
