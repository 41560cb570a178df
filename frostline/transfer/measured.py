"""`frostline transferability`: what a ranking foretold against what the sweep's runs measured, by frozen depth."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np

from analysis.tables.load import StoredRun, StoredSweep, read_epochs
from analysis.transferability.agreement import MEASURES, Agreement, Estimate, agreement, explained_shares
from analysis.transferability.scores import BOUND, NAMES, goodness
from orchestrator.store_commands import Typed
from sweeps import layout
from sweeps.records import RankedPair, RankingRecord
from sweeps.store import records
from sweeps.store.interface import StoreError

FACTORS = ("source.task", "source.size", "source.label_noise", "source.epochs", "source.loss", "source.augment")
FACTORS += ("model.family", "model.depth", "model.width", "model.name", "model.weights")
"""Fields of a start whose share in the measured accuracies is told: how it was pre-trained, and its architecture."""


class Outcome(NamedTuple):
    """A candidate in one group of runs: means over its seeds."""

    candidate: str
    accuracy: float
    values: dict[str, float]
    fields: dict[str, Any]
    """Of its specification; the same for all of its seeds."""
    seeds: int


@dataclass(frozen=True)
class Group:
    """Runs that differ in their start alone."""

    context: str
    trained_units: int
    """Units after the frozen ones, the head among them: 1 is a linear classifier on the features."""
    frozen: tuple[int, ...]
    others: str
    """What else tells this group from others of the sweep: axes that belong to the target or its recipe."""
    outcomes: tuple[Outcome, ...]

    @cached_property
    def agreements(self) -> dict[str, Agreement]:
        """By score, of the candidates that have it."""
        found = {}
        for name in NAMES:
            have = [each for each in self.outcomes if name in each.values]
            if len(have) > 1:
                good = np.array([goodness(name, each.values[name]) for each in have])
                found[name] = agreement(good, np.array([each.accuracy for each in have]))
        return found

    def factor_shares(self) -> dict[str, float]:
        """The share of the variance of accuracies over candidates that each varying factor alone explains."""
        accuracy = np.array([each.accuracy for each in self.outcomes])
        levels = {name: [str(each.fields.get(name)) for each in self.outcomes] for name in FACTORS}
        varying = {name: found for name, found in levels.items() if 1 < len(set(found)) < len(found)}
        return explained_shares(varying, accuracy)


class BoundCheck(NamedTuple):
    """Of pairs with a bound: how many, and of how many a linear head on the target lost more than it says."""

    pairs: int
    violated: int
    head_runs: int
    """Runs of the sweep that train the head alone with cross-entropy."""
    head_violated: int
    """Of these, whose final test loss is above the bound of their pair."""


def ranking_of(stored: StoredSweep, typed: Typed) -> RankingRecord:
    """`typed`: how sweep and store were given. Raises StoreError where there is no ranking of this version."""
    record = stored.record
    found = records.ranking(stored.store, layout.ranking(record.name, record.digest))
    if found is None:
        again = typed.command("rank")
        raise StoreError(f"{record.name}: {stored.store.where()} has no ranking of this version; `{again}` makes it")
    return found


def groups(ranking: RankingRecord, stored: StoredSweep) -> list[Group]:
    """Finished runs of ranked starts, grouped by all but their start, the fewest trained units first. A group of one
    start has nothing to compare and is left out."""
    pairs = {run: pair for pair in ranking.pairs for run in pair.runs}
    keyed: dict[str, list[tuple[StoredRun, RankedPair]]] = {}
    for run in stored.runs:
        if run.id in pairs and run.status == "done" and run.result is not None:
            keyed.setdefault(_key(run, pairs[run.id]), []).append((run, pairs[run.id]))
    others = _told_apart([json.loads(key) for key in keyed])
    errors = {run.id: _last(stored, run, "test_error") for members in keyed.values() for run, _ in members}
    found = [
        Group(
            members[0][1].context,
            _trained_units(members[0][0]),
            tuple(sorted({run.spec.transfer.frozen for run, _ in members})),
            other,
            tuple(_outcomes(members, errors)),
        )
        for members, other in zip(keyed.values(), others, strict=True)
    ]
    compared = [group for group in found if len(group.outcomes) > 1]
    return sorted(compared, key=lambda group: (group.context, group.others, group.trained_units))


def bound_check(ranking: RankingRecord, stored: StoredSweep) -> BoundCheck:
    """The bound against the cross-validated head of `rank`, and against the sweep's own runs of the head alone."""
    bounded = [pair for pair in ranking.pairs if BOUND in pair.values]
    by_run = {run: pair.values[BOUND] for pair in bounded for run in pair.runs}
    heads = [
        (by_run[run.id], _last(stored, run, "test_loss"))
        for run in stored.runs
        if run.id in by_run
        and run.status == "done"
        and _trained_units(run) == 1
        and run.spec.train.loss is None
        and run.spec.transfer.norm == "eval"
    ]
    return BoundCheck(
        pairs=len(bounded),
        violated=sum(pair.values["tta_violated"] > 0 for pair in bounded),
        head_runs=len(heads),
        head_violated=sum(loss > bound for bound, loss in heads),
    )


def work(stored: StoredSweep, runs: Iterable[str]) -> float:
    """Seconds that workers were busy with these runs."""
    wanted = set(runs)
    return sum(run.result.busy_seconds for run in stored.runs if run.id in wanted and run.result is not None)


def as_json(group: Group) -> dict[str, Any]:
    """One object per group: by score the four measures with their intervals, and what each factor explains."""

    def number(value: float) -> float | None:
        return float(value) if np.isfinite(value) else None

    def estimate(found: Estimate) -> dict[str, Any]:
        return {"value": number(found.value), "interval": [number(found.low), number(found.high)]}

    scores = {
        name: {"sources": found.sources, **{measure: estimate(getattr(found, measure)) for measure in MEASURES}}
        for name, found in group.agreements.items()
    }
    about = {"context": group.context, "trained_units": group.trained_units, "frozen": list(group.frozen)}
    accuracies = {each.candidate: each.accuracy for each in group.outcomes}
    about |= {"others": group.others, "accuracy": accuracies}
    return {**about, "scores": scores, "explained": group.factor_shares()}


def _key(run: StoredRun, pair: RankedPair) -> str:
    """All of a run but its start, its seed and, in place of its frozen depth, how many units it trains."""
    start = ("source.", "model.", "seed", "transfer.frozen")
    rest = {name: value for name, value in run.fields.items() if not name.startswith(start)}
    return json.dumps({"context": pair.context, "trained": _trained_units(run), **rest}, sort_keys=True)


def _trained_units(run: StoredRun) -> int:
    assert run.result is not None
    return len(run.result.ladder) - run.spec.transfer.frozen


def _told_apart(keys: Sequence[dict[str, Any]]) -> list[str]:
    """For each group the fields that vary over groups, beside context and depth, which are told anyway."""
    varying = [
        name
        for name in (keys[0] if keys else {})
        if name not in ("context", "trained") and len({json.dumps(key.get(name)) for key in keys}) > 1
    ]
    shown = [name for name in varying if not name.startswith("target.")]
    return [", ".join(f"{name} {key.get(name)}" for name in shown) for key in keys]


def _outcomes(members: Sequence[tuple[StoredRun, RankedPair]], errors: dict[str, float]) -> Iterable[Outcome]:
    by_candidate: dict[str, list[tuple[StoredRun, RankedPair]]] = {}
    for run, pair in members:
        by_candidate.setdefault(pair.candidate, []).append((run, pair))
    for name, found in by_candidate.items():
        have = set.intersection(*(set(pair.values) for _, pair in found))
        values = {score: float(np.mean([pair.values[score] for _, pair in found])) for score in have}
        accuracy = 1.0 - float(np.mean([errors[run.id] for run, _ in found]))
        yield Outcome(name, accuracy, values, found[0][0].fields, len(found))


def _last(stored: StoredSweep, run: StoredRun, column: str) -> float:
    """The last value of a curve."""
    return float(read_epochs(stored.store, run, [column])[column][-1].as_py())
