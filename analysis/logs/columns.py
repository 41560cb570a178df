"""Which column is what: the axis, the errors, the run, the seed. What a name does not tell is asked for."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from analysis.logs.choices import FILE, Choices
from analysis.logs.readers.table import CurveError, Table, listed, nearest, short, typed
from analysis.logs.readers.words import AXES, EPOCH, RUN, SEED, STEP, Kind, Quantity, last_part, plain, quantity

_ORDER: dict[Kind, int] = {"error": 0, "accuracy": 1, "loss": 2, "unknown": 3}
_BESIDE = {"lr", "learning_rate", "(row)", "row"}
_SHOW = "; name it with --metric COLUMN"


@dataclass(frozen=True)
class Metric:
    """A column of errors, accuracies or losses. kind is never "unknown": where the name does not tell, --better did."""

    column: str
    kind: Kind
    percent: bool


@dataclass(frozen=True)
class Roles:
    """x: None where values are counted. epoch: beside another axis, the epoch of each row, if any."""

    x: str | None
    epoch: str | None
    test: Metric
    train: Metric | None
    run: tuple[str, ...]
    seed: str | None
    said: list[str]


def roles(table: Table, choices: Choices, axis: str) -> Roles:
    """The roles of a table's columns. Raises CurveError, one line, where one is missing or could be several."""
    said: list[str] = []
    test = _test(table, choices, said)
    x = _axis(table, choices, axis, said)
    if x is not None and x == test.column:
        raise CurveError(f"{table.where}: {short(x)} is both axis and metric; two columns are needed")
    run = tuple(resolved(table, name, "run") for name in choices.run) if choices.pattern is None else ()
    run = run or tuple(c for c in [_first(table, RUN, last=False)] if c not in (None, x, test.column))[:1]
    seed = None
    if choices.seed is not None and choices.seed != FILE and choices.pattern is None:
        seed = resolved(table, choices.seed, "seed")
    elif choices.seed != FILE:
        seed = _first(table, SEED, last=True)
        seed = None if seed in (x, *run) else seed
    epoch = None
    if axis != "epoch":
        epoch = _first(table, EPOCH, last=True) or _first(table, STEP, last=False)
        epoch = None if epoch == x else epoch
    return Roles(x, epoch, test, _train(table, choices, test), run, seed, said)


def resolved(table: Table, name: str, option: str) -> str:
    """The column of that name, or the only one that differs from it by case and joints alone."""
    if name in table.columns:
        found = name
    else:
        alike = [c for c in table.columns if plain(c) == plain(name)]
        if len(alike) != 1:
            if name in table.lengths:
                raise CurveError(
                    f"{table.where}: {option}: {short(name)} has {table.lengths[name]} values, the others {len(table)}"
                )
            raise CurveError(
                f"{table.where}: {option}: no column {short(name)!r}; there are {listed(table.columns)}"
                f"{nearest(name, table.columns)}"
            )
        (found,) = alike
    if found in table.twice:
        raise CurveError(
            f"{table.where}: {short(found)} stands more than once in the header; if these are seeds: "
            f"--seed {typed(f'{found}*')}"
        )
    return found


def _first(table: Table, names: tuple[str, ...], *, last: bool) -> str | None:
    """First column whose plain name is one of `names`, in their order; with `last`, also `params.width`."""
    for part in (plain, last_part) if last else (plain,):
        by_name: dict[str, str] = {}
        for column in table.columns:
            by_name.setdefault(part(column), column)
        found = next((by_name[name] for name in names if name in by_name), None)
        if found is not None:
            return found
    return None


def _axis(table: Table, choices: Choices, axis: str, said: list[str]) -> str | None:
    if choices.x is not None:
        return resolved(table, choices.x, "x")
    found = _first(table, AXES[axis], last=True)
    if found is None and axis == "epoch":
        found = _first(table, STEP, last=False)
        if found is not None:
            said.append(f"no epoch column: {found} is the axis")
    if found is not None:
        return resolved(table, found, "x")
    if axis == "epoch":
        return _counted(table, said)
    raise CurveError(f"{table.where}: no column {axis}; there are {listed(table.columns)}; name it with --x COLUMN")


def _counted(table: Table, said: list[str]) -> str | None:
    """Rows stand for epochs where nothing but quantities is beside them: a Keras history, a list of errors."""
    inner = [c for c in table.columns if c not in table.settings and plain(c) not in (*RUN, *SEED)]
    if all(quantity(c).kind != "unknown" or plain(c) in _BESIDE or c in ("(row)", "value") for c in inner):
        if "(row)" in table.columns:
            said.append("the unnamed first column is the epoch")
            return "(row)"
        said.append("no epochs given: rows are counted from 1")
        return None
    where = f"{table.where}: no column epoch or step; there are {listed(table.columns)}"
    for axis, names in AXES.items():
        column = None if axis == "epoch" else _first(table, names, last=True)
        if column is not None:
            raise CurveError(
                f"{where}; for a curve along {short(column)}: --axis {axis}, or name the column of epochs: --x COLUMN"
            )
    raise CurveError(f"{where}; name it with --x COLUMN")


def _test(table: Table, choices: Choices, said: list[str]) -> Metric:
    if choices.metric is not None:
        column = resolved(table, choices.metric, "metric")
        return _asked(table, column, quantity(column), choices, said)
    value = next((c for c in table.columns if plain(c) == "value"), None)
    if value is not None and (choices.better is not None or choices.rule == "loss"):
        return _asked(table, value, quantity(value), choices, said)
    wanted = ("loss",) if choices.rule == "loss" else ("error", "accuracy")
    found = [
        (q.rank, _ORDER[q.kind], column)
        for column in table.columns
        if (q := quantity(column)).plainly and q.kind in wanted and q.split != "train" and column not in table.settings
        and _any_value(table, column)
    ]  # fmt: skip
    if not found:
        raise CurveError(_no_metric(table, choices))
    column = min(found, key=lambda item: item[:2])[2]
    return _asked(table, resolved(table, column, "metric"), quantity(column), choices, said)


def _asked(table: Table, column: str, found: Quantity, choices: Choices, said: list[str]) -> Metric:
    kind = found.kind
    if choices.rule == "loss":
        if kind in ("error", "accuracy"):
            raise CurveError(f"{table.where}: rule: loss, but {short(column)} is an {kind}; leave --rule away")
        return Metric(column, "loss", False)
    if kind == "loss":
        raise CurveError(
            f"{table.where}: {short(column)} is a loss, which has no percent; --rule loss judges it in its own unit"
        )
    if choices.better is not None:
        asked: Kind = "accuracy" if choices.better == "high" else "error"
        if kind not in ("unknown", asked):
            said.append(f"{column}: {choices.better} is better, as --better says")
        kind = asked
    if kind == "unknown":
        raise CurveError(f"{table.where}: {short(column)}: is high or low better? Say --better high or --better low")
    return Metric(column, kind, found.percent)


def _no_metric(table: Table, choices: Choices) -> str:
    text = f"{table.where}: no column of test {'losses' if choices.rule == 'loss' else 'errors or accuracies'} among "
    text += listed(table.columns)
    other = [c for c in table.columns if c not in table.settings and plain(c) not in (*EPOCH, *STEP, *RUN, *SEED)]
    losses = [c for c in other if quantity(c).kind == "loss" and quantity(c).split != "train"]
    loss = f"; for the loss: --metric {typed(losses[0])} --rule loss" if losses and choices.rule != "loss" else ""
    asked = [c for c in other if quantity(c).kind == "unknown" and quantity(c).split == "test"]
    asked = asked or [c for c in other if plain(c) == "value"]
    numbers = [c for c in other if c not in _BESIDE]
    asked = asked or [c for c in numbers if len(numbers) == 1 and quantity(c).kind == "unknown"]
    if asked:
        return f"{text}; name it, and which way is better: --metric {typed(asked[0])} --better high (or low){loss}"
    if loss:
        return text + loss
    if table.lengths:
        return f"{text}, of {len(table)} values each ({listed(table.lengths)} have another length){_SHOW}"
    if len(numbers) > 2 and all(c.isdigit() or quantity(c).kind == "unknown" for c in numbers):
        text += f"{_SHOW} --better low; if each column is a seed: --seed '*' --better low"
        return f"{text}; a run: --run '*' --better low"
    return text + _SHOW


def _any_value(table: Table, column: str) -> bool:
    values = table.columns[column]
    if values.dtype == object:
        return any(cell is not None for cell in values)
    return bool(np.isfinite(values).any())


def _train(table: Table, choices: Choices, test: Metric) -> Metric | None:
    wanted = ("loss",) if choices.rule == "loss" else ("error", "accuracy")
    found = [
        (_ORDER[q.kind], column)
        for column in table.columns
        if (q := quantity(column)).plainly and q.kind in wanted and q.split == "train" and column not in table.settings
        and column not in table.twice and _any_value(table, column)
    ]  # fmt: skip
    if not found:  # a Keras history: `accuracy` beside `val_accuracy`
        bare = test.column.removeprefix("val_")
        q = quantity(bare)
        if bare == test.column or bare not in table.columns or q.kind != test.kind or not _any_value(table, bare):
            return None
        return Metric(bare, test.kind, q.percent)
    column = min(found, key=lambda item: item[0])[1]
    return Metric(column, quantity(column).kind, quantity(column).percent)
