"""JSON and JSON lines: rows, columns (a Keras history), runs by name, histories nested in settings."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from typing import Any

import numpy as np

from analysis.logs.readers.table import Column, CurveError, Table, constant, short, texts
from analysis.logs.readers.words import EPOCH, RUN, STEP, TEST, TRAIN, plain, quantity

Path = tuple[str, ...]
Found = tuple[Path, Table]
WRAPPERS = {
    "history",
    "log",
    "logs",
    "log_history",
    "metrics",
    "results",
    "data",
    "runs",
    "params",
    "records",
    "curves",
}
"""Keys that say no run's name."""
DEEP = "JSON nested too deeply for curves"


def read_json(text: str, name: str, where: str) -> list[Table]:
    """The tables in a JSON text, or in one of which each line is JSON. Raises CurveError, one line."""
    node = _parsed(text, where)
    try:
        found = list(_tables(node, (), {}, name, where))
    except RecursionError:
        raise CurveError(f"{where}: {DEEP}") from None
    if not found:
        raise CurveError(
            f"{where}: JSON without a list of numbers; allowed are rows [{{...}}, ...], columns {{name: [...]}} and "
            "either of them by the name of a run"
        )
    return _named(found)


def _parsed(text: str, where: str) -> Any:
    try:
        return json.loads(text, object_pairs_hook=_unique)
    except json.JSONDecodeError as error:
        problem = error
    except RecursionError:
        raise CurveError(f"{where}: {DEEP}") from None
    except ValueError as error:  # a key twice, a number of too many digits
        raise CurveError(f"{where}: {short(error)}") from None
    lines = [(n, line) for n, line in enumerate(text.split("\n"), 1) if line.strip()]
    rows = []
    for number, line in lines:
        try:
            rows.append(json.loads(line, object_pairs_hook=_unique))
        except json.JSONDecodeError as error:
            if number == lines[0][0]:
                raise CurveError(f"{where}: not JSON: line {problem.lineno}: {problem.msg}") from None
            raise CurveError(f"{where}: JSON lines, but line {number} is not JSON: {error.msg}") from None
        except RecursionError:
            raise CurveError(f"{where}: line {number}: {DEEP}") from None
        except ValueError as error:
            raise CurveError(f"{where}: line {number}: {short(error)}") from None
    return rows


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        keys = [key for key, _ in pairs]
        raise ValueError(f"the key {short(next(k for k in keys if keys.count(k) > 1))} stands twice in one JSON object")
    return found


def _tables(node: Any, path: Path, context: dict[str, Any], name: str, where: str) -> Iterator[Found]:
    """Every table at or below a node, with the keys that lead to it. context: the single values above it."""
    if isinstance(node, list):
        dicts = [_flat(item) for item in node if isinstance(item, dict)]
        if dicts and len(dicts) == len(node):
            if all(_single(value) for row in dicts for value in row.values()):
                yield path, _rows(dicts, context, name, where)
            else:
                for label, item in zip(_labels(dicts), dicts, strict=True):
                    yield from _tables(item, (*path, label), context, name, where)
        elif node and all(isinstance(item, list) for item in node):
            yield from _points(node, path, context, name, where)
        elif node and not path and all(_single(item) for item in node):
            yield path, _columns({"value": node}, context, name, where)
    elif isinstance(node, dict):
        split = _split_frame(node, context, name, where)
        if split is not None:
            yield path, split
            return
        node = _flat(node)
        rows = _rows_by_key(node, context, name, where)
        if rows is not None:
            yield path, rows
            return
        inside = context | {key: value for key, value in node.items() if _single(value)}
        lists = {key: value for key, value in node.items() if isinstance(value, list) and _series(value)}
        for length in dict.fromkeys(len(value) for value in lists.values()):
            same = {key: value for key, value in lists.items() if len(value) == length}
            table = _columns(same, inside, name, where)
            table.lengths = {key: len(value) for key, value in lists.items() if key not in same}
            yield path, table
        for key, value in node.items():
            if isinstance(value, (dict, list)) and key not in lists:
                yield from _tables(value, (*path, key), inside, name, where)


def _single(value: Any) -> bool:
    return value is None or isinstance(value, (str, int, float, bool))


def _series(value: list[Any]) -> bool:
    return bool(value) and all(_single(item) for item in value)


def _flat(node: dict[str, Any]) -> dict[str, Any]:
    """`{"test": {"acc": ...}}` as `{"test/acc": ...}`: one level of splits, and every level of single values."""
    flat: dict[str, Any] = {}
    for key, value in node.items():
        if isinstance(value, dict) and value:
            value = _flat(value)
            split = {*TEST, *TRAIN}
            if plain(key) in split or {plain(k) for k in value} <= split or all(_single(v) for v in value.values()):
                flat |= {f"{key}/{inner}": v for inner, v in value.items()}
                continue
        flat[key] = value
    return flat


def _rows_by_key(node: dict[str, Any], context: dict[str, Any], name: str, where: str) -> Table | None:
    """`{"model_a": {"width": 8, "test_error": .3}, ...}`: one row per key, where the inner keys are the same."""
    parts = [key.split("/", 1) for key in node]
    if len(parts) < 4 or any(len(part) < 2 for part in parts) or not all(_single(value) for value in node.values()):
        return None
    rows: dict[str, dict[str, Any]] = {}
    for (outer, inner), value in zip(parts, node.values(), strict=True):
        rows.setdefault(outer, {})[inner] = value
    first = set(next(iter(rows.values())))
    if all(inner.isdigit() for inner in first) and all(_is_title(outer) for outer in rows):
        keys = [key for key in next(iter(rows.values()))]
        lists = {outer: [row.get(key) for key in keys] for outer, row in rows.items()}
        return _columns({"(row)": [float(key) for key in keys], **lists}, context, name, where)
    if len(rows) < 2 or any(set(row) != first for row in rows.values()) or {plain(k) for k in rows} & {*TEST, *TRAIN}:
        return None
    return _rows([{"key": key, **row} for key, row in rows.items()], context, name, where)


def _is_title(name: str) -> bool:
    return quantity(name).kind != "unknown" or plain(name) in (*EPOCH, *STEP, *RUN)


def _split_frame(node: dict[str, Any], context: dict[str, Any], name: str, where: str) -> Table | None:
    """`{"columns": [...], "data": [[...], ...]}`: a W&B table, a frame of pandas in its form "split"."""
    titles, rows = node.get("columns"), node.get("data")
    if not isinstance(titles, list) or not isinstance(rows, list) or not rows:
        return None
    if not all(isinstance(row, list) and len(row) == len(titles) and all(map(_single, row)) for row in rows):
        return None
    if len({str(title) for title in titles}) < len(titles):
        return None
    columns = {str(title): list(column) for title, column in zip(titles, zip(*rows, strict=True), strict=True)}
    index = node.get("index")
    if isinstance(index, list) and len(index) == len(rows) and not set(map(plain, columns)) & {*EPOCH, *STEP}:
        columns = {"(row)": index, **columns}
    return _columns(columns, context, name, where)


def _labels(items: list[dict[str, Any]]) -> list[str]:
    """A name for each: its own, numbered where several have it; else its number."""
    own = [_label(item) for item in items]
    taken = Counter(own)
    return [str(i) if n is None else f"{n} {i}" if taken[n] > 1 else n for i, n in enumerate(own, 1)]


def _label(item: dict[str, Any]) -> str | None:
    return next((str(v) for k, v in item.items() if plain(k) in RUN and isinstance(v, (str, int))), None)


def _rows(rows: list[dict[str, Any]], context: dict[str, Any], name: str, where: str) -> Table:
    keys = dict.fromkeys(key for row in rows for key in row)
    columns = {key: _column([row.get(key) for row in rows], key, where) for key in keys}
    return _with_context(Table(columns, name, where), context)


def _columns(lists: dict[str, list[Any]], context: dict[str, Any], name: str, where: str) -> Table:
    columns = {key: _column(value, key, where) for key, value in lists.items()}
    return _with_context(Table(columns, name, where), context)


def _points(node: list[list[Any]], path: Path, context: dict[str, Any], name: str, where: str) -> Iterator[Found]:
    """A series as pairs (step, value), or as TensorBoard's triplets (wall time, step, value)."""
    widths = {len(item) for item in node}
    if (widths <= {2} or widths <= {3}) and all(_single(value) for item in node for value in item):
        titles = ["step", path[-1] if path else name if quantity(name).kind != "unknown" else "value"]
        titles = titles if widths == {2} else ["wall_time", *titles]
        columns = dict(zip(titles, map(list, zip(*node, strict=True)), strict=True))
        yield path[:-1], _columns(columns, context, name, where)
        return
    raise CurveError(
        f"{where}: {short('/'.join(path) or 'the list')}: lists in a list; allowed are pairs [step, value], or an "
        "array saved as .npy with --axes"
    )


def _column(values: list[Any], key: str, where: str) -> Column:
    if all(value is None or (isinstance(value, (int, float)) and not isinstance(value, bool)) for value in values):
        try:
            return np.array([np.nan if value is None else float(value) for value in values])
        except OverflowError:
            raise CurveError(f"{where}: {short(key)}: a number too large") from None
    return texts(None if value is None else value for value in values)


def _with_context(table: Table, context: dict[str, Any]) -> Table:
    """The single values around a table as columns of it: the width or the seed of a run."""
    extra = {k: v for k, v in context.items() if k not in table.columns and v is not None and len(str(v)) < 200}
    extra = dict(list(extra.items())[:1000])
    table.columns |= {key: constant(str(value), len(table)) for key, value in extra.items()}
    table.settings |= set(extra)
    return table


def _named(found: list[Found]) -> list[Table]:
    """Tables with their run's name: the keys that lead to them, without those that say nothing or that all share."""
    paths = [tuple(part for part in path if plain(part) not in WRAPPERS) for path, _ in found]
    if len(set(paths)) < len({path for path, _ in found}):
        paths = [path for path, _ in found]
    while len({path[:1] for path in paths}) == 1 and len(paths) > 1 and any(len(path) > 1 for path in paths):
        if not all(paths):
            break
        paths = [path[1:] for path in paths]
    several = len(set(paths)) > 1
    for path, (_, table) in zip(paths, found, strict=True):
        if path and several:
            table.name = "/".join(path)
    return [table for _, table in found]
