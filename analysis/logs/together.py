"""Several tables as one set of curves: names told apart, seeds found in names of files, one unit for all."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from pathlib import PurePath

import numpy as np

from analysis.logs.choices import FILE, Choices
from analysis.logs.columns import Metric
from analysis.logs.readers.table import CurveError
from analysis.logs.readers.words import seed_of
from analysis.logs.series import Series, codes
from analysis.logs.units import as_errors


def runs_by_table(every: Sequence[Series], choices: Choices, axis: str) -> None:
    """Tables of one source are runs of their own. A setting that names several of them, such as `model`, names the run
    only where the seed tells them apart; else each keeps the name that its table has."""
    if choices.run or choices.seed == FILE or axis != "epoch":
        return
    alike: dict[tuple[str, str], list[Series]] = defaultdict(list)
    for s in every:
        if s.roles.run and set(s.roles.run) <= s.table.settings:
            alike[s.table.where, s.run[0]].append(s)
    for group in alike.values():
        seeds = [seed for s in group for seed in set(s.seed.tolist())]
        if len(set(seeds)) == len(seeds):
            continue
        for s in group:
            s.run, s.from_column = np.full(len(s), s.table.name, dtype=object), False
            s.said.append(f"{s.roles.run[0]} names several runs alike: each has a name of its own")


def seeds_by_name(every: Sequence[Series], choices: Choices) -> None:
    """Files that differ in a seed's number alone, and with `--seed file` all files, are seeds of one run."""
    own = [s for s in every if not s.from_column or choices.seed == FILE]
    if choices.seed == FILE:
        common = _common([s.table.name for s in own])
        for s in own:
            s.seed = np.array([f"{s.table.name}/{seed}" if seed else s.table.name for seed in s.seed], dtype=object)
            s.run = s.run if s.from_column else np.full(len(s), common, dtype=object)
        return
    parts = {id(s): seed_of(s.table.name) for s in own if not s.table.seed and s.roles.seed is None}
    bases = [part[0] for part in parts.values() if part is not None]
    for s in own:
        part = parts.get(id(s))
        if part is not None and len(set(bases)) < len(bases):
            s.run = np.full(len(s), part[0] or "seeds", dtype=object)
            s.seed = np.full(len(s), part[1], dtype=object)
            s.said.append("seed by name")


def _common(names: Sequence[str]) -> str:
    first, last = min(names), max(names)
    shared = next((i for i, (a, b) in enumerate(zip(first, last, strict=False)) if a != b), len(first))
    return first[:shared].rstrip("_-./ 0123456789") or "seeds"


def in_one_unit(every: Sequence[Series], choices: Choices) -> None:
    """Turns the values of all series into error fractions, series of one quantity together."""
    for kind in {(s.roles.test.kind, s.roles.test.percent) for s in every}:
        group = [s for s in every if (s.roles.test.kind, s.roles.test.percent) == kind]
        for part, of in (("test", lambda s: s.roles.test), ("train", lambda s: s.roles.train)):
            alike = [s for s in group if getattr(s, part) is not None and np.isfinite(getattr(s, part)).any()]
            kinds = {(of(s).kind, of(s).percent) for s in alike}
            for each in kinds:
                _converted([s for s in alike if (of(s).kind, of(s).percent) == each], part, choices)


def _converted(group: Sequence[Series], part: str, choices: Choices) -> None:
    run = np.concatenate([s.run for s in group])
    code, pairs = codes(run, np.full(len(run), "", dtype=object))
    metric: Metric = group[0].roles.test if part == "test" else group[0].roles.train  # type: ignore[assignment]
    values = np.concatenate([getattr(s, part) for s in group])
    try:
        values, said = as_errors(values, metric, code, [p[0] for p in pairs], choices.unit, group[0].table.where)
    except CurveError as error:
        if part == "test":
            raise
        for s in group:
            s.train = None
            s.said.append(f"train error left out: {error}")
        return
    ends = np.cumsum([len(s) for s in group])
    for s, chunk in zip(group, np.split(values, ends[:-1]), strict=True):
        own = s.roles.test if part == "test" else s.roles.train
        setattr(s, part, chunk)
        title = own.column if own else metric.column
        s.said.append(f"{part} {'loss' if metric.kind == 'loss' else 'error'} from {title}")
        s.said += [note.replace(metric.column, title) for note in said]


def told_apart(every: Sequence[Series]) -> None:
    """Equal runs and seeds of different files are different runs: they take the name of their file before theirs."""
    files: dict[tuple[str, str], set[str]] = defaultdict(set)
    for s in every:
        for pair in set(zip(s.run.tolist(), s.seed.tolist(), strict=True)):
            files[pair].add(s.table.where)
    for s in every:
        if any(len(files[pair]) > 1 for pair in set(zip(s.run.tolist(), s.seed.tolist(), strict=True))):
            prefix = s.table.name if s.from_column else PurePath(s.table.where).parent.name
            s.run = np.array([f"{prefix}/{run}" for run in s.run], dtype=object)
            s.said.append(f"runs named {prefix}/...: another file has runs of these names")
