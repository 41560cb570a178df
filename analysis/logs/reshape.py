"""Wide and tidy tables as long ones: a W&B chart, a column per seed or run, a row per metric."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from fnmatch import fnmatchcase

import numpy as np

from analysis.logs.choices import Choices
from analysis.logs.readers.table import Column, CurveError, Table, constant, listed, short, stacked
from analysis.logs.readers.words import EPOCH, STEP, plain, quantity, seed_of

_KEY = ("key", "metric", "tag", "variable", "metric_name", "metric_key", "series")
_CHART = re.compile(r"^(?P<run>.+) - (?P<metric>.+?)(?P<spread>__MIN|__MAX)?$", re.DOTALL)


def long_tables(table: Table, choices: Choices) -> list[Table]:
    """The table with one row per run, seed and place; unchanged where it is so already."""
    if (pattern := choices.pattern) is not None:
        return [_columns_as(table, pattern, choices)]
    chart = _chart(table)
    if chart:
        return chart
    tidy = _tidy(table)
    seeds = _seed_columns(tidy)
    return [seeds if seeds is not None else tidy]


def _chart(table: Table) -> list[Table]:
    """W&B's chart export: `Step`, and `run - metric` with its __MIN and __MAX. One table per run."""
    axis = next((c for c in table.columns if plain(c) in (*EPOCH, *STEP)), None)
    runs: dict[str, dict[str, Column]] = {}
    for column in table.columns:
        found = _CHART.match(column)
        if found is None or column == axis or re.fullmatch(r"\s*(1|one|100)\s*", found["run"]):
            continue
        if not found["spread"]:
            runs.setdefault(found["run"], {})[found["metric"]] = table.columns[column]
    if not runs:
        return []
    if axis is None:
        raise CurveError(
            f"{table.where}: columns {listed(table.columns)}: a W&B chart export has Step or epoch beside them"
        )
    if table.twice:
        raise CurveError(f"{table.where}: {short(next(iter(table.twice)))} stands twice in the header")
    place = table.columns[axis]
    said = ["W&B chart export", *table.said]
    others = [c for c in table.columns if c != axis and c != "(row)" and _CHART.match(c) is None]
    if others:
        said.append(f"not read: {listed(others)}")
    return [
        replace(table, columns={axis: place, **columns}, name=name, logged=True, said=said)
        for name, columns in runs.items()
    ]


def _tidy(table: Table) -> Table:
    """`step, metric, value` as a column per metric (MLflow's and TensorBoard's exports, melted frames)."""
    value = next((c for c in table.columns if plain(c) in ("value", "metric_value")), None)
    key = next((c for c in table.columns if plain(c) in _KEY and table.columns[c].dtype == object), None)
    if value is None or key is None:
        return table
    keys = [str(cell) for cell in table.columns[key].tolist()]
    distinct = list(dict.fromkeys(keys))
    if len(distinct) > 2000 or not any(quantity(k).kind != "unknown" for k in distinct):
        return table
    parts = []
    at = np.array(keys, dtype=object)
    for name in distinct:
        rows = np.flatnonzero(at == name)
        columns = {k: c[rows] for k, c in table.columns.items() if k not in (key, value)}
        parts.append(Table(columns | {name: table.columns[value][rows]}, table.name, table.where, table.seed))
    joined = stacked(parts)
    joined.logged, joined.said = True, [*table.said, f"a row per {key}"]
    return joined


def _seed_columns(table: Table) -> Table | None:
    """`test_error_seed0, test_error_seed1` as one column with a column of seeds."""
    found: dict[str, dict[str, str]] = {}
    for column in table.columns:
        named = seed_of(column)
        if named is not None and (not named[0] or quantity(named[0]).kind != "unknown"):
            found.setdefault(named[0], {})[named[1]] = column
    found = {base: seeds for base, seeds in found.items() if len(seeds) > 1 and (base or table.name)}
    if not found or any(plain(c) == "seed" for c in table.columns):
        return None
    bases = {
        base or (table.name if quantity(table.name).kind != "unknown" else "value"): c for base, c in found.items()
    }
    seeds = list(dict.fromkeys(seed for columns in bases.values() for seed in columns))
    taken = {column for columns in bases.values() for column in columns.values()}
    shared = {k: c for k, c in table.columns.items() if k not in taken}
    parts = []
    for seed in seeds:
        own = {base: table.columns[columns[seed]] for base, columns in bases.items() if seed in columns}
        parts.append(_part(table, shared | own | {"seed": constant(seed, len(table))}))
    return _joined(table, parts, f"{len(seeds)} columns as seeds")


def _columns_as(table: Table, pattern: tuple[str, str], choices: Choices) -> Table:
    """Columns that fit a pattern as the seeds, or the runs, of one quantity."""
    role, glob = pattern
    metric = choices.metric or "value"
    keep = {*choices.columns(), *(c for c in table.columns if plain(c) in (*EPOCH, *STEP, choices.axis or "epoch"))}
    fit = [c for c in table.columns if fnmatchcase(c, glob) and c not in keep and c not in ("(row)",)]
    if not fit:
        raise CurveError(f"{table.where}: --{role} {glob!r} fits no column; there are {listed(table.columns)}")
    if choices.metric is None:
        kinds = {(quantity(c).kind, quantity(c).split == "train") for c in fit}
        if len(kinds) > 1:
            raise CurveError(f"{table.where}: --{role} {glob!r} fits {listed(fit)}: more than one quantity")
        if kinds != {("unknown", False)}:
            kind, train = kinds.pop()
            metric = f"{'train' if train else 'test'}_{kind}{'_percent' if quantity(fit[0]).percent else ''}"
    shared = {k: c for k, c in table.columns.items() if k not in fit}
    parts = [
        _part(table, shared | {metric: table.columns[c], role: constant(_between(c, glob), len(table))}) for c in fit
    ]
    return _joined(table, parts, f"{len(fit)} columns as {role}s")


def _between(name: str, glob: str) -> str:
    """What a pattern's star stands for, where it has one."""
    before, star, after = glob.partition("*")
    if not star or any(c in before + after for c in "*?["):
        return name
    return name[len(before) : len(name) - len(after) if after else None] or name


def _part(table: Table, columns: dict[str, Column]) -> Table:
    return replace(table, columns=columns, twice=set())


def _joined(table: Table, parts: Sequence[Table], said: str) -> Table:
    joined = stacked(parts)
    return replace(
        joined,
        logged=table.logged,
        said=[*table.said, said],
        blocks=None if table.blocks is None else np.tile(table.blocks, len(parts)),
        lines=None if table.lines is None else list(table.lines) * len(parts),
        settings=table.settings,
    )
