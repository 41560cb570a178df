"""`frostline rank`: the sources of a sweep in the order in which they promise to transfer, before its runs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import NamedTuple

import numpy as np
from threadpoolctl import threadpool_limits

from analysis.transferability import Pair, Samples, all_scores
from analysis.transferability.scores import BOUND, Scored, goodness
from orchestrator.features import PairFeatures, TransferPair, features_of, pairs_of, train_sources
from orchestrator.schedule.plan import Plan
from orchestrator.store.jobs import Job
from orchestrator.store.ledger import Ledger
from orchestrator.store_commands import Typed
from orchestrator.train import TrialOptions, WorkerState, provenance
from sweeps.errors import InputError, SpecError
from sweeps.identity import SCHEMA, canonical, canonical_json, model_name
from sweeps.naming import differing
from sweeps.records import FINAL, RankedPair, RankingRecord
from sweeps.spec import LabelledSet, RunSpec
from tasks import contents_of, is_regression

USUAL_NOISE = LabelledSet.model_fields["noise_kind"].default


class Measured(NamedTuple):
    """A pair and what came out for it."""

    pair: TransferPair
    scored: Scored


def rank(
    plan: Plan, ledger: Ledger, typed: Typed, train: bool, across_models: bool, say: Callable[[str], None]
) -> RankingRecord:
    """Score every start of the plan on its target and order them. Training samples alone are looked at.

    `typed`: how sweep and store were given. `train`: train source models that have no result, here. Raises SpecError
    where there is nothing to rank, InputError where source models are missing or features cannot be had.
    """
    pairs = pairs_of(plan.runs.values())
    if not pairs:
        raise SpecError(f"{plan.sweep.name}: no run has a source or a file of weights: there is nothing to rank")
    for part in (part for pair in pairs for part in (pair.spec.source, pair.spec.target) if part is not None):
        if is_regression(part.task):
            raise SpecError(f"{plan.sweep.name}: {part.task} is a regression; scores compare tasks of classes")
    options = TrialOptions(ledger.location, sweep=plan.sweep.name, code=provenance.code(), settings=ledger.settings)
    state = WorkerState(options, ledger)
    missing = untrained(plan, pairs)
    if missing and not train:
        again = typed.command("rank", "--train")
        raise InputError(f"{len(missing)} source models of {plan.sweep.name} are not trained; `{again}` trains them")
    ledger.save_contents(contents_of(job.spec for job in plan.runs.values()))
    left = train_sources(missing, options, state, say) if missing else []
    if left:
        raise InputError(f"{len(left)} source models have no weights; the first: {left[0].name}")
    # Scores are made of many small products of matrices: threads would wait for each other longer than they compute.
    with threadpool_limits(1):
        measured = [Measured(pair, _scored(pair, state)) for pair in pairs]
    return ordered(plan, measured, across_models)


def _scored(pair: TransferPair, state: WorkerState) -> Scored:
    """Raises InputError, in one line, where the pair's features cannot be had."""
    try:
        features = features_of(pair, state)
    except (ValueError, OSError) as problem:
        raise InputError(f"{pair.spec.model.family}, {_task(pair.spec.target)}: {problem}") from None
    scored = all_scores(pair_of(features))
    return Scored(scored.values, {"features": features.seconds, **scored.seconds})


def untrained(plan: Plan, pairs: Sequence[TransferPair]) -> list[Job]:
    """Source models without a result. Raises InputError where one has diverged: it never has weights."""
    needed = {pair.source.id: pair.source for pair in pairs if pair.source is not None}
    for id, job in needed.items():
        if plan.statuses[id] == "diverged":
            raise InputError(f"source model {job.name} has diverged: nothing can be said of its features")
    return [job for id, job in needed.items() if plan.statuses[id] != "done"]


def pair_of(features: PairFeatures) -> Pair:
    """As the scores read it."""
    source = None
    if features.source is not None and features.source_labels is not None and features.source_classes is not None:
        source = Samples(features.source, features.source_labels, features.source_classes)
    target = Samples(features.target, features.target_labels, features.target_classes)
    return Pair(target, source, features.target_logits)


def ordered(plan: Plan, measured: Sequence[Measured], across_models: bool) -> RankingRecord:
    """Candidates of each context by the mean of the named score over seeds; those without it come last."""
    varied = differing(job.spec for job in plan.runs.values())
    named = BOUND if any(BOUND in each.scored.values for each in measured) else "knn"
    specs = [each.pair.spec for each in measured]
    labels = [(context(spec, across_models), candidate(spec, varied, across_models)) for spec in specs]
    found: dict[tuple[str, str], list[float]] = {}
    for label, each in zip(labels, measured, strict=True):
        value = each.scored.values.get(named)
        found.setdefault(label, []).append(-np.inf if value is None else goodness(named, value))
    places: dict[tuple[str, str], int] = {}
    for group in dict.fromkeys(group for group, _ in found):
        inside = [label for label in found if label[0] == group]
        inside.sort(key=lambda label: -float(np.mean(found[label])))
        places |= {label: place for place, label in enumerate(inside, start=1)}
    return RankingRecord(
        schema_version=SCHEMA,
        name=plan.sweep.name,
        digest=plan.sweep.digest,
        named=named,
        at=datetime.now(UTC).isoformat(timespec="seconds"),
        runs_done=sum(plan.statuses[id] in FINAL for id in plan.runs),
        across_models=across_models,
        pairs=tuple(
            RankedPair(
                id=each.pair.id,
                context=label[0],
                candidate=label[1],
                place=places[label],
                source_id=None if each.pair.source is None else each.pair.source.id,
                seed=each.pair.spec.seed,
                runs=each.pair.runs,
                values=each.scored.values,
                seconds=each.scored.seconds,
            )
            for label, each in zip(labels, measured, strict=True)
        ),
    )


def context(spec: RunSpec, across_models: bool) -> str:
    """The target, with its network unless starts of several networks are compared."""
    target = _task(spec.target)
    if spec.target.label_noise:
        target += f" noise {spec.target.label_noise:g}"
        if spec.target.noise_kind != USUAL_NOISE:
            target += f" {spec.target.noise_kind}"
    return target if across_models else f"{target} {model_name(spec.model)}"


def candidate(spec: RunSpec, varied: Sequence[str], across_models: bool) -> str:
    """The start in a few words: its task and size, its network where several are compared, and what else differs."""
    words = [model_name(spec.model)] if across_models else []
    for section, part in (("source", spec.source), ("model", spec.model)):
        given = {} if part is None else canonical(part)
        fields = [field.partition(".")[2] for field in varied if field.startswith(f"{section}.")]
        for field in fields:
            value = given.get(field)
            if field != "weights" and value is not None:
                words.append(f"{field} {value if isinstance(value, str) else canonical_json(value)}")
    start = f"weights {(spec.model.weights or '').removeprefix('sha256:')[:8]}" if spec.source is None else ""
    return " ".join([_task(spec.source) if spec.source is not None else start, *words])


def _task(part: LabelledSet) -> str:
    return f"{part.task}-{part.size}"
