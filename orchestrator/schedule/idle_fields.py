"""Fields that say nothing in a run, though they are part of its id. `plan_warnings` tells of them.

Runs that differ in such fields alone are one training under several ids. A field of this kind is no error: an axis
may pass through the point at which it says nothing.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Any

from orchestrator.schedule.plan import Plan
from sweeps.identity import run_id
from sweeps.naming import name_of_run
from sweeps.spec import LabelledSet, Recipe, RunSpec, SourceSpec, TargetSpec, TransferSpec

MOST_NAMED = 3
NOISE_KIND = LabelledSet.model_fields["noise_kind"].default
NORM = TransferSpec.model_fields["norm"].default


def idle_fields(run: RunSpec) -> dict[str, str]:
    """The fields that say nothing in a run and are not at their defaults, by dotted name; each with the reason.

    >>> from sweeps.spec import ModelSpec
    >>> target, model = TargetSpec(task="digits", size=100), ModelSpec(family="resnet", depth=8, width=1)
    >>> idle_fields(RunSpec(source=None, target=target, model=model, transfer=TransferSpec(norm="stats")))
    {'transfer.norm': 'transfer.frozen 0'}
    """
    found, transfer = {}, run.transfer
    # A unit of the learning-rate factor 0, and filters that are held, have a frozen norm too.
    if transfer.norm != NORM and transfer.frozen == 0 and transfer.rate_factors is None and transfer.inherit is None:
        found["transfer.norm"] = "transfer.frozen 0"
    if transfer.richness is not None and transfer.richness == (run.model.richness or 1.0):
        found["transfer.richness"] = "the same model.richness"
    for section, part in (("source", run.source), ("target", run.target)):
        if part is not None and part.label_noise == 0 and part.noise_kind != NOISE_KIND:
            found[f"{section}.noise_kind"] = f"{section}.label_noise 0"
    return found


def trained_twice(plan: Plan) -> list[str]:
    """A line for the runs of a plan that are the same training as another one, but for fields that say nothing."""
    met, extra, reasons = set(plan.runs), [], {}
    for job in plan.runs.values():
        if not (found := idle_fields(job.spec)):
            continue
        plain = run_id(_without(job.spec, found))
        if plain in met:
            extra.append(job.spec)
            reasons |= found
        met.add(plain)
    if not extra:
        return []
    told = ", ".join(f"{field} with {reason}" for field, reason in reasons.items())
    return [
        f"{len(extra)} of {len(plan.runs)} runs train what another run trains: they differ in fields without effect "
        f"alone ({told}); the first is {name_of_run(extra[0], tuple(reasons))}; a filter (`where`) can leave them out"
    ]


def momentum_without_sgd(plan: Plan) -> list[str]:
    """A line for the runs, and one for the source models, whose optimizer has no use for their momentum."""
    trained = [job.spec.train for job in plan.runs.values()]
    sources = [job.spec.source for job in plan.sources.values() if job.spec.source is not None]
    lines = (_momentum("runs", "train", trained), _momentum("source models", "source", sources))
    return [line for line in lines if line is not None]


def _momentum(what: str, section: str, recipes: Iterable[Recipe]) -> str | None:
    counted = Counter((recipe.momentum, recipe.optimizer) for recipe in recipes)
    found = {key: number for key, number in counted.items() if key[0] > 0 and key[1] != "sgd"}
    if not found:
        return None
    named = ", ".join(f"{momentum} with {optimizer}" for momentum, optimizer in list(found)[:MOST_NAMED])
    named += f" and {len(found) - MOST_NAMED} more" if len(found) > MOST_NAMED else ""
    return (
        f"{sum(found.values())} of {counted.total()} {what} have a {section}.momentum without effect ({named}): it is "
        f"of sgd alone, but part of every run id"
    )


def _without(run: RunSpec, fields: Iterable[str]) -> RunSpec:
    """The run with these fields at their defaults."""
    parts: dict[str, Any] = {}
    for section, _, field in (name.partition(".") for name in fields):
        part: SourceSpec | TargetSpec | TransferSpec = parts.get(section, getattr(run, section))
        parts[section] = part.model_copy(update={field: type(part).model_fields[field].default})
    return run.model_copy(update=parts)
