"""Models along an axis, each with a curve over epochs of its own: which epoch stands for a model. And rows that name
models instead of curves.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import PurePath

import numpy as np
from numpy.typing import NDArray

from analysis.logs.choices import Choices
from analysis.logs.readers.cells import Array
from analysis.logs.readers.table import CurveError, short, typed
from analysis.logs.readers.words import EPOCH, RUN, SEED, STEP, last_part, plain, quantity
from analysis.logs.series import Series, codes, joined

_NO_SETTING = {*EPOCH, *STEP, *RUN, *SEED, "state", "created", "runtime", "_runtime", "_timestamp", "timestamp", "user",
               "notes", "tags", "sweep", "hostname", "time", "seconds", "wall_time", "duration", "(row)", "start_time",
               "end_time", "status", "updated", "description", "commit", "github", "group"}  # fmt: skip


def one_epoch(s: Series, choices: Choices) -> Series:
    """One row per run, seed and place: the last epoch, the one of --at, or the mean of the last --last.

    Raises CurveError where a model has no such epoch.
    """
    if s.epoch is None:
        if choices.at is not None or choices.last is not None:
            option = "--at" if choices.at is not None else "--last"
            raise CurveError(f"{s.table.where}: {option}: no column of epochs; there are one or more rows per model")
        return s
    group = _groups(s)
    order = np.lexsort((np.nan_to_num(s.epoch, nan=-1.0), group))
    ends = np.r_[np.flatnonzero(np.diff(group[order])), len(order) - 1]
    if len(ends) == len(order) and choices.at is None:
        return s
    _one_value_per_epoch(s, group, order)
    if choices.at is not None:
        return _at(s, group, choices.at)
    finals = s.epoch[order[ends]]
    early = finals < np.nanmax(finals)
    said = f"the last epoch of each {s.roles.x}"
    if early.any():
        places = ", ".join(f"{v:g}" for v in np.unique(s.x[order[ends]][early])[:6])
        said += f" ({finals.min():g} to {finals.max():g}; earlier at {places})"
    else:
        said += f" ({finals.max():g})"
    if choices.last is None:
        read = s.rows(order[ends])
    else:
        starts = np.r_[0, ends[:-1] + 1]
        firsts = np.maximum(starts, ends + 1 - choices.last)
        read = s.rows(order[ends])
        read.test = _means(s.test[order], firsts, ends)
        read.train = None if s.train is None else _means(s.train[order], firsts, ends)
        said = f"the mean of the last {choices.last} rows of each {s.roles.x}"
    read.said.append(said)
    return read


def _groups(s: Series) -> NDArray[np.intp]:
    return codes(codes(s.run, s.seed)[0], s.x)[0]


def _one_value_per_epoch(s: Series, group: NDArray[np.intp], order: NDArray[np.intp]) -> None:
    """Two values at one epoch of one model: something else tells them apart, and the last would be taken in silence."""
    if s.table.logged or s.epoch is None:
        return
    again = (np.diff(group[order]) == 0) & (np.diff(s.epoch[order]) == 0) & (np.diff(s.test[order]) != 0)
    if again.any():
        row = order[int(again.argmax())]
        raise CurveError(
            f"{s.table.where}: run {short(s.run[row])}: {short(s.roles.x)} = {s.x[row]:g}, epoch {s.epoch[row]:g} "
            f"stands twice with different errors; {hint(s, codes(group, s.epoch)[0])}"
        )


def _at(s: Series, group: NDArray[np.intp], at: float) -> Series:
    assert s.epoch is not None
    here = np.flatnonzero(s.epoch == at)
    lacking = np.setdiff1d(group, group[here])
    if len(lacking):
        rows = np.flatnonzero(np.isin(group, lacking))
        row = int(rows[s.x[rows].argmin()])
        has = np.unique(s.epoch[group == group[row]])
        raise CurveError(
            f"{s.table.where}: --at {at:g}: {short(s.roles.x)} = {s.x[row]:g} of run {short(s.run[row])} has no such "
            f"epoch; it has {len(has)} from {has[0]:g} to {has[-1]:g}"
        )
    last = {g: i for g, i in zip(group[here].tolist(), here.tolist(), strict=True)}
    read = s.rows(np.array(sorted(last.values()), dtype=np.intp))
    read.said.append(f"epoch {at:g} of each {s.roles.x}")
    return read


def _means(values: Array, firsts: NDArray[np.intp], ends: NDArray[np.intp]) -> Array:
    parts = (values[a : b + 1] for a, b in zip(firsts, ends, strict=True))
    return np.array([np.nanmean(part) if np.isfinite(part).any() else np.nan for part in parts])


def models_as_curve(every: Sequence[Series], choices: Choices) -> bool:
    """Where each run has one place, runs are models and not curves: together they are one curve.

    Models at the same place are its seeds, numbered; then nothing pairs them, and the answer is True. Raises
    CurveError where they differ in another column as well.
    """
    code = {run: set() for s in every for run in s.run.tolist()}
    for s in every:
        for run, x in zip(s.run.tolist(), s.x.tolist(), strict=True):
            code[run].add(x)
    if choices.run or len(code) < 2 or any(len(places) > 1 for places in code.values()):
        return False
    names = list(dict.fromkeys(s.table.name for s in every))
    name = names[0] if len(names) == 1 else PurePath(every[0].table.where).parent.name or "all"
    count: dict[tuple[str, float], int] = {}
    unpaired = False
    _nothing_else_differs(joined(every))
    for s in every:
        seed = s.seed.tolist()
        for i, place in enumerate(zip(seed, s.x.tolist(), strict=True)):
            count[place] = count.get(place, 0) + 1
            if count[place] > 1:
                unpaired = True
            seed[i] = f"{seed[i]}#{count[place]}" if count[place] > 1 else seed[i]
        s.seed = np.array(seed, dtype=object)
        s.run = np.full(len(s), name, dtype=object)
        s.said.append("each row is a model: together one curve" + (", equal places as seeds" if unpaired else ""))
    return unpaired


def _nothing_else_differs(s: Series) -> None:
    places = codes(s.seed, s.x)[0]
    if len(np.unique(places)) == len(places):
        return
    names = separating(s, places)
    if names:
        raise CurveError(
            f"{s.table.where}: several models at one {short(s.roles.x)} differ in {short(names[0])}: "
            f"--run {typed(names[0])} makes a curve of each, --seed {typed(names[0])} makes them seeds"
        )


def separating(s: Series, places: NDArray[np.intp]) -> list[str]:
    """Columns with few values that tell rows of one place apart. places: (rows,) number of each row's place."""
    base = places.tolist()
    used = {s.roles.x, s.roles.test.column, s.roles.seed, *s.roles.run}
    found = []
    for name, column in s.table.columns.items():
        if (
            name in used
            or plain(name) in _NO_SETTING
            or last_part(name) in _NO_SETTING
            or quantity(name).kind != "unknown"
        ):
            continue
        values = column.tolist()
        if 2 <= len(set(values)) <= max(2, len(values) // 2) and len(set(zip(base, values, strict=True))) > len(
            set(base)
        ):
            found.append(name)
    return found


def hint(s: Series, places: NDArray[np.intp]) -> str:
    """What to type where two rows stand for one place. places: (rows,) number of each row's place."""
    names = separating(s, places)
    if not names:
        return "one row is allowed, or a column that tells them apart: --run COLUMN or --seed COLUMN"
    axis = next((a for a in ("width", "size", "depth", "frozen") if last_part(names[0]).startswith(a)), None)
    along = f", --axis {axis} for a curve along it" if axis and s.roles.epoch is None else ""
    return f"{short(names[0])} tells them apart: --run {typed(names[0])} for a curve of each{along}"
