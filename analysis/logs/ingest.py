"""Anybody's curves: from files and folders of logs to runs with their seeds on one axis."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path

import numpy as np

from analysis.detector.smoothing import Array
from analysis.logs.choices import Choices
from analysis.logs.columns import roles
from analysis.logs.grid import hint, models_as_curve, one_epoch
from analysis.logs.readers.sources import read_sources
from analysis.logs.readers.table import CurveError, Table, short
from analysis.logs.readers.words import AXES, last_part
from analysis.logs.reshape import long_tables
from analysis.logs.series import Series, codes, joined, series
from analysis.logs.together import in_one_unit, runs_by_table, seeds_by_name, told_apart


@dataclass(frozen=True)
class Run:
    """One run or cell. x: (points,) increasing; errors: (seeds, points) as fractions, NaN = missing; a loss as it is.

    paired: False where the seeds of one place have nothing in common with those of the next.
    """

    name: str
    x: Array
    errors: Array
    train_errors: Array | None
    paired: bool = True


@dataclass(frozen=True)
class Curves:
    """What was read; in `notes`, one line a file, how; in `refused`, one line for each file that could not be read."""

    runs: list[Run]
    axis: str
    notes: list[str]
    refused: list[str] = field(default_factory=list)
    loss: bool = False


def read_curves(
    paths: Path | Sequence[Path],
    *,
    metric: str | None = None,
    x: str | None = None,
    choices: Choices | None = None,
) -> Curves:
    """Reads files, folders and patterns of whatever kind: text tables, JSON, NumPy, Parquet, TensorBoard, Lightning,
    W&B, MLflow, trackio (docs/curves.md).

    metric, x: columns, where the usual names do not hold; `choices` has these and all else. Raises CurveError, one
    line, for everything that cannot be read without guessing.

    >>> read_curves(Path("curves.csv"), choices=Choices(axis="width")).runs[0].errors.shape  # doctest: +SKIP
    (3, 12)
    """
    choices = choices or Choices(metric=metric, x=x)
    axis = choices.axis or _axis_of(choices.x)
    sources = read_sources([paths] if isinstance(paths, Path) else list(paths), list(choices.axes))
    tables = [part for table in sources.tables for part in long_tables(table, choices)]
    every, refused = _understood(tables, choices, axis)
    runs_by_table(every, choices, axis)
    seeds_by_name(every, choices)
    told_apart(every)
    in_one_unit(every, choices)
    unpaired = False
    if axis != "epoch":
        every = [one_epoch(s, choices) for s in every]
        unpaired = models_as_curve(every, choices)
    elif choices.at is not None or choices.last is not None:
        raise CurveError("--at and --last: the epoch that stands for a model, with --axis width and the like")
    runs = _runs(every, not unpaired)
    return Curves(runs, axis, [*_notes(every), *sources.said], [*sources.refused, *refused], choices.rule == "loss")


def _axis_of(x: str | None) -> str:
    part = last_part(x or "")
    return next((axis for axis, names in AXES.items() if part in names), "epoch")


def _understood(tables: Sequence[Table], choices: Choices, axis: str) -> tuple[list[Series], list[str]]:
    """Series of all tables; where some cannot be understood and others can, a line for each of the former."""
    found: list[Series] = []
    refused: list[tuple[Table, str]] = []
    lists = {(t.where, t.name) for t in tables if t.lengths}  # lists of several lengths: one of them has the errors
    read: set[tuple[str, str]] = set()
    for table in tables:
        same = (table.where, table.name)
        try:
            if same not in read:
                found.append(series(table, roles(table, choices, axis)))
                read |= {same} & lists
        except CurveError as error:
            refused.append((table, str(error)))
    refused = [(table, text) for table, text in refused if (table.where, table.name) not in read]
    if not found:
        raise CurveError(refused[0][1])
    several = len({table.where for table in tables}) < len(tables)
    lines = [f"run {table.name}: {text}" if several else text for table, text in refused]
    return found, lines


def _notes(every: Sequence[Series]) -> list[str]:
    """One line a file; files of which the same is to be said share one."""
    by_text: dict[str, list[str]] = {}
    for s in every:
        runs, seeds = len(set(s.run.tolist())), len(set(zip(s.run.tolist(), s.seed.tolist(), strict=True)))
        x = s.roles.x or "row"
        extent = f"x = {x}" + (f", {runs} runs" if runs > 1 else "") + (f", {seeds} seeds" if seeds > runs else "")
        by_text.setdefault("; ".join(dict.fromkeys([extent, *s.said])), []).append(s.table.where)
    lines = []
    for text, files in by_text.items():
        names = list(dict.fromkeys(files))
        more = f" and {len(names) - 1} more" if len(names) > 1 else ""
        lines.append(f"{names[0]}{more}: {text}" + (f" ({len(files)} runs)" if len(files) > len(names) else ""))
    return lines


def _runs(every: Sequence[Series], paired: bool) -> list[Run]:
    parts: dict[str, list[tuple[Series, np.ndarray]]] = {}
    for s in every:
        _blocks_apart(s)
        _no_clash(s)
        code, pairs = codes(s.run, np.full(len(s), "", dtype=object))
        order = np.argsort(code, kind="stable")
        edges = np.r_[0, np.flatnonzero(np.diff(code[order])) + 1, len(code)]
        for a, b in pairwise(edges.tolist()):
            parts.setdefault(pairs[code[order[a]]][0], []).append((s, order[a:b]))
    return [_run(name, rows, paired) for name, rows in parts.items()]


def _run(name: str, parts: list[tuple[Series, np.ndarray]], paired: bool) -> Run:
    every = np.concatenate([s.x[rows] for s, rows in parts])
    x, place = np.unique(every, return_inverse=True)
    labels = np.concatenate([s.seed[rows] for s, rows in parts])
    numbered: dict[str, int] = {}
    row = np.array([numbered.setdefault(seed, len(numbered)) for seed in labels.tolist()], dtype=np.intp)
    _tables_agree(name, parts, row, place)

    def matrix(values: list[Array]) -> Array:
        filled = np.full((len(numbered), len(x)), np.nan)
        filled[row, place] = np.concatenate(values)
        return filled

    errors = matrix([s.test[rows] for s, rows in parts])
    trains = matrix([np.full(len(rows), np.nan) if s.train is None else s.train[rows] for s, rows in parts])
    return Run(name, x, errors, trains if np.isfinite(trains).any() else None, paired)


def _tables_agree(name: str, parts: list[tuple[Series, np.ndarray]], row: np.ndarray, place: np.ndarray) -> None:
    """Two tables with different errors at one place of one seed are two runs: the last would count in silence.

    row, place: of the matrix, for the rows of all parts in their order.
    """
    origin = np.repeat(np.arange(len(parts)), [len(rows) for _, rows in parts])
    test = np.concatenate([s.test[rows] for s, rows in parts])
    order = np.lexsort((place, row))
    again = (np.diff(row[order]) == 0) & (np.diff(place[order]) == 0)
    differs = again & (np.diff(origin[order]) != 0) & (np.diff(test[order]) != 0)
    if not differs.any():
        return
    at = int(differs.argmax())
    before, after = order[at], order[at + 1]
    one, other = parts[origin[before]][0], parts[origin[after]][0]
    both = joined([s.rows(rows) for s, rows in parts])
    raise CurveError(
        f"{other.table.where}: run {short(name)}: x = {both.x[after]:g} stands in {short(one.table.name)} and in "
        f"{short(other.table.name)}, with errors {test[before]:g} and {test[after]:g}; "
        f"{hint(both, codes(codes(both.run, both.seed)[0], both.x)[0])}"
    )


def _places(s: Series) -> tuple[np.ndarray, np.ndarray]:
    """Order of the rows by run, seed and place, rows of one place as they stand; and which repeat the one before."""
    code, _ = codes(s.run, s.seed)
    order = np.lexsort((s.x, code))
    again = (np.diff(code[order]) == 0) & (np.diff(s.x[order]) == 0)
    return order, np.r_[False, again]


def _blocks_apart(s: Series) -> None:
    """Blocks between blank lines are runs where no column names any and their places would clash."""
    if s.table.blocks is None or s.roles.run or s.roles.seed is not None:
        return
    if s.roles.x is None or _places(s)[1].any():
        s.run = np.array([f"{run} block {b + 1}" for run, b in zip(s.run, s.table.blocks, strict=True)], dtype=object)
        s.said.append("a run per block")
        if s.roles.x is None:
            starts = np.r_[0, np.flatnonzero(np.diff(s.table.blocks)) + 1]
            s.x = s.x - np.repeat(s.x[starts] - 1, np.diff(np.r_[starts, len(s)]))


def _no_clash(s: Series) -> None:
    order, again = _places(s)
    if not again.any():
        return
    differs = again & (np.r_[0.0, np.diff(s.test[order])] != 0)
    if differs.any() and not s.table.logged:
        at = int(differs.argmax())
        row, before = order[at], order[at - 1]
        of = f"run {short(s.run[row])}" + (f", seed {short(s.seed[row])}" if s.seed[row] else "")
        raise CurveError(
            f"{s.table.where}: {of}: x = {s.x[row]:g} appears twice, with errors {s.test[before]:g} "
            f"and {s.test[row]:g}; {hint(s, codes(codes(s.run, s.seed)[0], s.x)[0])}"
        )
    s.said.append(f"{int(again.sum())} repeated rows: the last of each x counts")
