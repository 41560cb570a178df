"""What a user should know before a sweep is run: missing data, results under an older edition, batches that make
artefacts, batch norms that never see data, and fields that say nothing (idle_fields.py)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from architectures import fixes_batch_norm, uses_batch_statistics
from orchestrator.schedule import history
from orchestrator.schedule.idle_fields import momentum_without_sgd, trained_twice
from orchestrator.schedule.plan import Plan
from orchestrator.schedule.vocabulary import KnownWords
from orchestrator.store.jobs import Job
from orchestrator.store.ledger import Ledger
from orchestrator.store.survey import survey
from sweeps.editions import EDITIONS
from sweeps.errors import SpecError
from sweeps.expand import expand
from sweeps.records import FINAL
from sweeps.spec import LabelledSet, ModelSpec, Recipe, RunSpec, TransferSpec
from sweeps.sweep import SweepSpec
from tasks import batch_sizes, missing_data

TOO_FEW = 4
"""Samples. Fewer give no variance worth the name where a channel is a single pixel."""
MOST_NAMED = 3


class Older(NamedTuple):
    """Runs of a sweep that have a result under an older edition, which the sweep as written does not use."""

    edition: int
    done: int
    runs: int

    def line(self) -> str:
        return (
            f"{self.done} of these {self.runs} runs stand under edition {self.edition}: "
            f"add `edition: {self.edition}` to use them"
        )


class Warnings(NamedTuple):
    """`older`: newest edition first. `batches`: a line for each kind of job that has small last batches. `data`: a line
    for each data set that open jobs read and that is not on this machine. `norms`: of batch norms that are fixed before
    they see data. `idle`: of fields that say nothing."""

    older: list[Older]
    batches: list[str]
    data: list[str]
    norms: list[str]
    idle: list[str]

    def lines(self) -> list[str]:
        return [*self.data, *(older.line() for older in self.older), *self.batches, *self.norms, *self.idle]


def warnings_of(plan: Plan, ledger: Ledger) -> Warnings:
    """All warnings on a plan. Changes nothing. Raises StoreError where the store cannot be read."""
    idle = [*trained_twice(plan), *momentum_without_sgd(plan)]
    batches, norms = small_last_batches(plan), untrained_norms(plan)
    return Warnings(older_editions(plan, ledger), batches, missing(plan), norms, idle)


def missing(plan: Plan) -> list[str]:
    """A line for each data set that open jobs read and that is not on this machine: what to do. A launch refuses it."""
    return missing_data(job.spec for job in (*plan.open_runs, *plan.open_sources))


def older_editions(plan: Plan, ledger: Ledger) -> list[Older]:
    """What stands under older editions, if the sweep has open runs. Raises StoreError.

    The sweep is expanded under each older edition, unless the store holds no run but the plan's own.
    """
    older = [edition for edition in sorted(EDITIONS, reverse=True) if edition < plan.sweep.edition]
    if not older or not plan.open_runs or not history.holds_other_runs(ledger, plan.runs):
        return []
    found = [_standing(plan, ledger, plan.sweep.under(edition)) for edition in older]
    return [entry for entry in found if entry.done]


def _standing(plan: Plan, ledger: Ledger, sweep: SweepSpec) -> Older:
    try:
        specs = expand(sweep, KnownWords())
    except SpecError:  # its filter keeps nothing then, say
        specs = {}
    jobs = [Job("run", id, spec) for id, spec in specs.items() if id not in plan.runs]
    done = sum(status in FINAL for _, status, _ in survey(ledger, jobs))
    return Older(sweep.edition, done, len(specs))


def small_last_batches(plan: Plan) -> list[str]:
    """A line for the runs, and one for the source models, of which a small last batch goes through batch norm.

    An epoch is evaluated right after its last batch, and a batch norm's running statistics take a tenth of each batch.
    Of batches of b samples they carry a variance of 0.1 / 1.9 / b (in units of a sample's), of a last one of m samples
    0.01 / m: more than all others together where m is below b / 4.3. So "small" is less than a quarter of a full batch,
    and, as a variance over two or three single pixels is hardly one, less than TOO_FEW.
    """
    runs = [(job.spec.target, job.spec.train, job.spec.model, job.spec.transfer) for job in plan.runs.values()]
    sources = [
        (job.spec.source, job.spec.source, job.spec.model, TransferSpec())
        for job in plan.sources.values()
        if job.spec.source is not None
    ]
    lines = (_line("runs", "target", "train", runs), _line("source models", "source", "source", sources))
    return [line for line in lines if line is not None]


def untrained_norms(plan: Plan) -> list[str]:
    """A line for the runs whose frozen batch norms keep the statistics that they were made with, mean 0 and variance 1.

    Beside units of a source, which its statistics normalise, such units differ in more than their features. Of runs
    that adapt their head in closed form nothing is said: they allow no other `norm`.
    """
    found = sum(_fixes_untrained_norms(job.spec) for job in plan.runs.values())
    if not found:
        return []
    return [
        f"{found} of {len(plan.runs)} runs freeze batch norms that nothing has trained (no source, no model.weights); "
        f"with transfer.norm eval they stay at mean 0 and variance 1 and do not normalise their units; "
        f"`transfer.norm: stats` normalises by the target's data, under new run ids"
    ]


def _fixes_untrained_norms(run: RunSpec) -> bool:
    source, train = run.source, run.train
    if run.model.weights is not None or train.method is not None or train.head_start is not None:
        return False
    if source is not None and (source.epochs > 0 or source.steps is not None):
        return False
    return fixes_batch_norm(run.model, run.transfer)


Trained = tuple[LabelledSet, Recipe, ModelSpec, TransferSpec]


def _line(what: str, data: str, recipe: str, trained: Sequence[Trained]) -> str | None:
    found: dict[str, int] = {}
    for parts, number in _distinct(trained):
        size, batch_size = parts[0].size, parts[1].batch_size
        last = batch_sizes(size, batch_size)[-1]
        if _is_small(size, batch_size, last) and uses_batch_statistics(parts[2], parts[3]):
            cut = f"{size} = {size // batch_size} x {batch_size} + {last}"
            found[cut] = found.get(cut, 0) + number
    if not found:
        return None
    named = ", ".join(list(found)[:MOST_NAMED])
    named += f" and {len(found) - MOST_NAMED} more" if len(found) > MOST_NAMED else ""
    return (
        f"{sum(found.values())} of {len(trained)} {what} end each epoch with a small batch through batch norm "
        f"({data}.size {named}), which can look like an effect of size; "
        f"`{recipe}.batches: even` makes batches of nearly equal size, under new run ids"
    )


def _distinct(trained: Iterable[Trained]) -> Iterable[tuple[Trained, int]]:
    """Each combination of parts whose last batch may be small, and how often it is there. Runs share their parts."""
    numbers: dict[tuple[int, ...], int] = {}
    parts_of: dict[tuple[int, ...], Trained] = {}
    for parts in trained:
        if parts[1].batches is None and (parts[1].epochs > 0 or parts[1].steps is not None):
            key = tuple(map(id, parts))
            numbers[key] = numbers.get(key, 0) + 1
            parts_of[key] = parts
    return [(parts_of[key], number) for key, number in numbers.items()]


def _is_small(size: int, batch_size: int, last: int) -> bool:
    small = 4 * last < batch_size or last < min(TOO_FEW, batch_size)
    return small and min(batch_sizes(size, batch_size, "even")) > last
