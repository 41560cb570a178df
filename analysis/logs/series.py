"""Rows of all files under each other: run, seed, place and value of each, with the units made one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from analysis.logs.columns import Metric, Roles
from analysis.logs.readers.cells import Array, numbers
from analysis.logs.readers.table import CurveError, Table, short, stacked, texts
from analysis.logs.readers.words import EPOCH, RUN, plain

Labels = NDArray[np.object_]


@dataclass
class Series:
    """One table's rows. run, seed: (rows,) text. epoch: beside another axis, or None. names_models: each row's run is
    a column that names models. said: how the table was understood.
    """

    table: Table
    roles: Roles
    run: Labels
    seed: Labels
    x: Array
    test: Array
    train: Array | None
    epoch: Array | None
    from_column: bool
    said: list[str] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self.x)

    def rows(self, keep: NDArray[np.bool_] | NDArray[np.intp]) -> Series:
        lines = self.table.lines
        at = np.flatnonzero(keep) if keep.dtype == bool else keep
        table = replace(
            self.table,
            columns={k: c[at] for k, c in self.table.columns.items()},
            blocks=None if self.table.blocks is None else self.table.blocks[at],
            lines=None if lines is None else [lines[i] for i in at.tolist()],
        )
        train, epoch = (None if a is None else a[at] for a in (self.train, self.epoch))
        return replace(self, table=table, run=self.run[at], seed=self.seed[at], x=self.x[at], test=self.test[at],
                       train=train, epoch=epoch)  # fmt: skip


def series(table: Table, found: Roles) -> Series:
    """The rows of one table that hold a value. Raises CurveError for a cell that is no number or a place below 0."""
    said = [*table.said, *found.said]
    test, how = numbers(table, found.test.column)
    percent = "%" in how
    metric = replace(found.test, percent=found.test.percent or percent)
    said += [note for note in how if note != "%"]
    run, named = _runs(table, found)
    seed = _seeds(table, found)
    code, _ = codes(run, seed)
    x = _counted(code) if found.x is None else numbers(table, found.x)[0]
    epoch = None if found.epoch is None else numbers(table, found.epoch)[0]
    train = _train(table, found.train, said)
    if not np.isfinite(test).any():
        raise CurveError(f"{table.where}: {short(found.test.column)}: not one value in {len(table)} rows")
    if is_logged(table, found, x, code):
        x = filled(x, code)
        epoch = None if epoch is None else filled(epoch, codes(code, x)[0])
        table = replace(table, logged=True)
    wrong = np.flatnonzero(~(x >= 0) & np.isfinite(test))
    if len(wrong):
        shown = "empty" if np.isnan(x[wrong[0]]) else f"{x[wrong[0]]:g}"
        raise CurveError(
            f"{table.where}: {short(found.x)}: {shown} in {table.row(int(wrong[0]))}; 0 or more is allowed"
        )
    if train is not None:
        place = codes(code, x)[0]
        train = carried(train, x, code) if epoch is None else carried(train, epoch, place)
    read = Series(table, replace(found, test=metric), run, seed, x, test, train, epoch, named, said)
    missing = ~np.isfinite(test)
    if missing.any():
        said.append(f"{int(missing.sum())} rows without a value of {found.test.column} are left out")
        read = read.rows(~missing)
    return read


def joined(every: Sequence[Series]) -> Series:
    """The rows of several tables below each other, with the roles of the first: to compare their columns."""
    if len(every) == 1:
        return every[0]
    run, seed = (np.concatenate([getattr(s, name) for s in every]) for name in ("run", "seed"))
    x, test = (np.concatenate([getattr(s, name) for s in every]) for name in ("x", "test"))
    table = stacked([s.table for s in every])
    return replace(every[0], table=table, run=run, seed=seed, x=x, test=test, train=None, epoch=None)


def _train(table: Table, metric: Metric | None, said: list[str]) -> Array | None:
    if metric is None:
        return None
    try:
        return numbers(table, metric.column)[0]
    except CurveError:
        said.append(f"train error: {metric.column} is not all numbers and is left out")
        return None


def _runs(table: Table, found: Roles) -> tuple[Labels, bool]:
    if not found.run:
        return np.full(len(table), table.name, dtype=object), False
    parts = [_labels(table, column) for column in found.run]
    if len(parts) == 1 and plain(found.run[0]) in RUN:
        single = np.array([cell or table.name for cell in parts[0]], dtype=object)
        return single, True
    joined = [", ".join(f"{c}={p}" for c, p in zip(found.run, row, strict=True)) for row in zip(*parts, strict=True)]
    return np.array(joined, dtype=object), True


def _seeds(table: Table, found: Roles) -> Labels:
    if found.seed is None:
        return np.full(len(table), table.seed, dtype=object)
    return np.array([cell or "" for cell in _labels(table, found.seed)], dtype=object)


def _labels(table: Table, column: str) -> Labels:
    values = table.columns[column]
    return values if values.dtype == object else texts(None if np.isnan(v) else f"{v:.12g}" for v in values)


def codes(first: NDArray[Any], second: NDArray[Any]) -> tuple[NDArray[np.intp], list[tuple[Any, Any]]]:
    """(rows,) number of each row's pair, such as run and seed, and the pairs in order of their first row."""
    pairs: dict[tuple[Any, Any], int] = {}
    numbered = [pairs.setdefault(pair, len(pairs)) for pair in zip(first.tolist(), second.tolist(), strict=True)]
    return np.array(numbered, dtype=np.intp), list(pairs)


def _counted(code: NDArray[np.intp]) -> Array:
    """1, 2, ... within each run and seed."""
    order = np.argsort(code, kind="stable")
    starts = np.r_[0, np.flatnonzero(np.diff(code[order])) + 1]
    lengths = np.diff(np.r_[starts, len(code)])
    x = np.empty(len(code))
    x[order] = np.arange(len(code)) - np.repeat(starts, lengths) + 1
    return x


def is_logged(table: Table, found: Roles, x: Array, code: NDArray[np.intp]) -> bool:
    """Whether rows come from a logger that wrote several a place: its steps rise while its epochs do not."""
    if table.logged or "_step" in table.columns:
        return True
    step = next((c for c in table.columns if plain(c) in ("step", "global_step", "trainer_global_step")), None)
    if step is None or found.x is None or plain(found.x) not in EPOCH or found.epoch is not None:
        return False
    try:
        steps, _ = numbers(table, step)
    except CurveError:
        return False
    same = np.diff(code) == 0
    return bool(np.isfinite(steps).all() and (np.diff(steps)[same] >= 0).all())


def filled(x: Array, code: NDArray[np.intp]) -> Array:
    """A logger writes the epoch beside some rows only: it holds for the rows before it, then for those after."""
    if np.isfinite(x).all():
        return x
    x = x.copy()
    for number in np.unique(code[np.isnan(x)]):
        rows = np.flatnonzero(code == number)
        known = np.flatnonzero(np.isfinite(x[rows]))
        if len(known):
            x[rows] = x[rows][known[np.minimum(np.searchsorted(known, np.arange(len(rows))), len(known) - 1)]]
    return x


def carried(train: Array, x: Array, code: NDArray[np.intp]) -> Array:
    """Where a row has no train error, the one that stands in another row of the same place."""
    known = np.flatnonzero(np.isfinite(train))
    if len(known) == len(train):
        return train
    last = {(c, v): train[i] for i, c, v in zip(known, code[known].tolist(), x[known].tolist(), strict=True)}
    other = np.array([last.get(key, np.nan) for key in zip(code.tolist(), x.tolist(), strict=True)])
    return np.where(np.isfinite(train), train, other)
