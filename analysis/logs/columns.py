"""Which column is what in other people's logs, and on what scale; every mapping is said."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import polars as pl

from sweeps.errors import InputError

TEST = ("test", "val", "valid", "validation", "eval", "")
TRAIN = ("train", "training")
ERROR = ("error", "err", "error_rate")
ACCURACY = ("accuracy", "acc", "top1", "acc1")
EPOCH = ("epoch", "epochs")
STEP = ("step", "global_step", "trainer_global_step", "_step", "iteration", "iter")
RUN = ("run", "run_id", "run_name", "name", "experiment", "id")
SEED = ("seed", "random_seed")


class CurveError(InputError):
    """Input that cannot be read as curves: one line that names the field, the value and what is allowed."""


@dataclass(frozen=True)
class Metric:
    column: str
    accuracy: bool


def short(text: object) -> str:
    """What a file says, for an error of one line: its first 40 characters."""
    whole = str(text)
    return whole if len(whole) <= 40 else f"{whole[:40]}..."


def listed(names: Sequence[str]) -> str:
    """Names of columns, for an error: the first twelve. A file whose lines are joined is one long name."""
    return ", ".join(short(name) for name in names[:12]) + (", ..." if len(names) > 12 else "")


def plain(name: str) -> str:
    """A column's name in lower case, words joined by _, without the _epoch that Lightning appends."""
    name = re.sub(r"[^a-z0-9_]+", "_", str(name).strip().lower()).strip("_" if name[:1] != "_" else "")
    return name.removesuffix("_epoch") if name not in EPOCH else name


def find(frame: pl.DataFrame, names: tuple[str, ...]) -> str | None:
    """First column whose plain name is one of `names`, in the order of `names`."""
    by_name: dict[str, str] = {}
    for column in frame.columns:
        by_name.setdefault(plain(column), str(column))
    return next((by_name[name] for name in names if name in by_name), None)


def find_metric(frame: pl.DataFrame, splits: tuple[str, ...]) -> Metric | None:
    """The error, or else the accuracy, of the first split that has one: test before val before none."""
    for split in splits:
        for quantities, accuracy in ((ERROR, False), (ACCURACY, True)):
            names = [f"{split}_{q}" if split else q for q in quantities]
            names += [f"{q}_{split}" for q in quantities if split]
            names = [n + suffix for n in names for suffix in ("", "_percent", "_pct")]
            column = find(frame, tuple(names))
            if column is not None:
                return Metric(column, accuracy)
    return None


def numbers(frame: pl.DataFrame, column: str, where: str) -> pl.Series:
    """The column as floats; empty cells are null. Raises CurveError at the first text or infinity."""
    raw = frame[column]
    if raw.dtype == pl.String:
        raw = raw.str.strip_chars()
        raw = raw.set(raw.str.to_lowercase().is_in(["", "nan", "none", "null"]), None)
    values = raw.cast(pl.Float64, strict=False).fill_nan(None)
    bad = (values.is_null() & raw.is_not_null() & ~_is_nan(raw)) | values.is_infinite().fill_null(False)
    if bad.any():
        row = int(bad.arg_max() or 0)
        raise CurveError(
            f"{where}: {short(column)}: {short(repr(raw[row]))} in data row {row + 1} is not a finite number"
        )
    return values


def _is_nan(raw: pl.Series) -> pl.Series:
    return raw.is_nan().fill_null(False) if raw.dtype.is_float() else pl.Series([False] * len(raw), dtype=pl.Boolean)


def as_error(values: pl.Series, metric: Metric, where: str) -> tuple[pl.Series, list[str]]:
    """Values as error fractions, and what was done, in words.

    Above 1.5 a column is percent; between 1 and 1.5 it could be either and is refused, unless its name
    says percent.
    """
    known = values.drop_nulls().to_numpy()
    low, high = float(known.min()), float(known.max())
    named = plain(metric.column).endswith(("percent", "pct"))
    allowed = "allowed are fractions from 0 to 1 or percent from 0 to 100"
    if low < 0.0 or high > 100.0:
        raise CurveError(f"{where}: {short(metric.column)}: {low if low < 0 else high:g}; {allowed}")
    if 1.0 < high <= 1.5 and not named:
        raise CurveError(
            f"{where}: {short(metric.column)}: largest value {high:g} is neither fraction nor percent; {allowed}"
        )
    notes = []
    if high > 1.5 or named:
        values = values / 100.0
        notes.append(f"{metric.column} is in percent")
    if metric.accuracy:
        values = 1.0 - values
        notes.append(f"error = 1 - {metric.column}")
    return values, notes
