"""The plan: what a sweep asks for, what the store holds of it, what is left to do. Launches nothing."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeVar

from orchestrator.schedule import history
from orchestrator.schedule.cost import Sample
from orchestrator.schedule.vocabulary import KnownWords
from orchestrator.store.jobs import Job, source_job
from orchestrator.store.ledger import Ledger
from orchestrator.store.survey import survey
from sweeps import layout
from sweeps.errors import SpecError
from sweeps.expand import expand
from sweeps.identity import SCHEMA, canonical, canonical_json
from sweeps.language.task_text import dataset_of
from sweeps.naming import differing
from sweeps.records import FINAL, Status, SweepRecord
from sweeps.spec import RunSpec
from sweeps.store import records
from sweeps.store.interface import Damaged, Reading
from sweeps.store.leases import Lease
from sweeps.store.many import look_at_each
from sweeps.store.status import after_source
from sweeps.sweep import SweepSpec, read
from tasks import check, check_files, citation, relatedness

Read = TypeVar("Read")


@dataclass
class Plan:
    """Jobs by id, and the status of each at the last look at the store (`read_statuses`).

    Sources are those that some run of the sweep starts from.
    """

    sweep: SweepSpec
    runs: dict[str, Job]
    sources: dict[str, Job]
    statuses: dict[str, Status] = field(default_factory=dict)
    damaged: dict[str, str] = field(default_factory=dict)
    """What is wrong with results that are there but altered; they count as missing."""
    seconds: dict[str, float] = field(default_factory=dict)
    """How long a worker was busy with each result that is there."""
    attempts: dict[str, int] = field(default_factory=dict)
    """Of results that took more than one: failures and workers or drivers that went away."""
    open_runs: list[Job] = field(default_factory=list)
    """Runs without a result that can have one: nothing starts from a source model that has diverged."""
    open_sources: list[Job] = field(default_factory=list)
    """Source models without a result that an open run needs, and altered ones."""
    leases: dict[str, Lease] = field(default_factory=dict)
    """Of jobs that run now: who runs them, where, and which epoch they have reached."""
    behind: dict[str, int] = field(default_factory=dict)
    """Of jobs, by id, how many starts a ranking puts before their own; empty without one (`prefer`)."""
    samples: list[Sample] = field(default_factory=list)
    """What results of the sweep, and of the store where these are few, took: what forecasts learn from."""

    def read_statuses(self, ledger: Ledger, thorough: bool = False) -> None:
        """Look at the store again, `thorough`: with all files of all results. A run whose source failed is blocked."""
        ledger.damaged.clear()
        self.seconds, self.samples, self.attempts = {}, [], {}
        running: list[Job] = []
        for job, status, record in survey(ledger, [*self.sources.values(), *self.runs.values()], thorough):
            self.statuses[job.id] = status
            if status == "running":
                running.append(job)
            if record is not None:
                self.seconds[job.id] = record.busy_seconds
                if record.attempts > 1:
                    self.attempts[job.id] = record.attempts
                if len(self.samples) < history.MOST:
                    self.samples.append(history.sample_of(record))
        try:
            looked_at = look_at_each(ledger.store, ledger.lease, running)
        except OSError as problem:
            raise records.unreadable(ledger.store, "", problem) from None
        self.leases = {job.id: lease for job, lease in looked_at if lease is not None}
        if len(self.samples) < history.ENOUGH:
            known = self.sources.keys() | self.runs.keys()
            self.samples += history.others(ledger, set(known), history.ENOUGH - len(self.samples))
        self.damaged = dict(ledger.damaged)
        for id, job in self.runs.items():
            if (needs := job.needs) is not None:
                self.statuses[id] = after_source(self.statuses[id], self.statuses[needs])
        self._find_open()

    def _find_open(self) -> None:
        self.open_runs = [
            job
            for id, job in self.runs.items()
            if self.statuses[id] not in FINAL and (job.needs is None or self.statuses[job.needs] != "diverged")
        ]
        needed = dict.fromkeys(needs for job in self.open_runs if (needs := job.needs) is not None)
        needed |= {id: None for id in self.damaged if id in self.sources}
        self.open_sources = [self.sources[id] for id in needed if self.statuses[id] not in FINAL]

    def counts(self, jobs: dict[str, Job]) -> Counter[Status]:
        return Counter(self.statuses[id] for id in jobs)

    def progress(self) -> dict[str, tuple[int, int]]:
        """(epochs done, epochs asked) of jobs that run now."""
        return {id: (int(lease["progress"]), int(lease["epochs"])) for id, lease in self.leases.items()}

    def blocked(self) -> dict[str, list[Job]]:
        """The runs that are blocked, by the source model that they need."""
        found: dict[str, list[Job]] = {}
        for id, job in self.runs.items():
            if self.statuses[id] == "blocked" and job.needs is not None:
                found.setdefault(job.needs, []).append(job)
        return found

    def record(self) -> SweepRecord:
        return SweepRecord(
            schema_version=SCHEMA,
            name=self.sweep.name,
            about=self.sweep.about,
            digest=self.sweep.digest,
            runs={id: canonical(job.spec) for id, job in self.runs.items()},
            citations={dataset_of(task): citation(task) for task in sorted(self._tasks)},
            relatedness=self._relatedness(),
            edition=self.sweep.edition,
        )

    def check_files(self) -> None:
        """Read the files of the data that open jobs need, once. Raises SpecError, in one line, for what is wrong."""
        try:
            check_files(job.spec for job in (*self.open_runs, *self.open_sources))
        except (ValueError, OSError) as problem:
            raise SpecError(str(problem)) from None

    def check_weights(self, store: Reading) -> None:
        """Put the pre-trained weights that open jobs start from into their networks, once each. Loads torch where there
        are any. Raises SpecError, in one line, for what does not fit."""
        jobs = (job.spec for job in (*self.open_runs, *self.open_sources) if job.spec.model.weights is not None)
        different = {canonical_json(canonical(spec.model)): spec for spec in jobs}
        if not different:
            return
        from orchestrator.train.start import check_weights

        for spec in different.values():
            try:
                check_weights(spec, store)
            except ValueError as problem:
                raise SpecError(str(problem)) from None

    def _relatedness(self) -> dict[str, dict[str, dict[str, float]]]:
        specs = (job.spec for job in self.runs.values())
        pairs = {(spec.source.task, spec.target.task) for spec in specs if spec.source is not None}
        found: dict[str, dict[str, dict[str, float]]] = {}
        for source, target in sorted(pairs):
            found.setdefault(source, {})[target] = relatedness(source, target)
        return found

    @property
    def _tasks(self) -> set[str]:
        parts = [part for job in self.runs.values() for part in (job.spec.source, job.spec.target)]
        return {part.task for part in parts if part is not None}


def planned(sweep: str, ledger: Ledger, thorough: bool = False) -> Plan:
    """`make_plan` of a sweep as a user names it: a file, or a name of the catalog. Errors name it too.

    Reads alone: an unusable store is refused before the seconds that planning takes, and none is made.
    """
    spec = read(sweep)
    ledger.check()
    try:
        return make_plan(spec, ledger, thorough)
    except SpecError as problem:
        raise SpecError(f"{sweep}: {problem}") from None


def make_plan(sweep: SweepSpec, ledger: Ledger, thorough: bool = False) -> Plan:
    """Expand, check and look up a sweep. Raises SpecError or StoreError with one line. Changes nothing in the store.

    `thorough` hashes every file of every result; otherwise result.json alone is checked by its own digest.
    A sweep that the store has on record with these runs was checked when it was recorded: it is not checked again. Its
    runs may be others by now: the digest of a sweep is of the paths in it, and not of what is there.
    """
    specs = expand(sweep, KnownWords())
    if _whole(records.runs_of_sweep, sweep, ledger) != specs.keys():
        _check(sweep, specs)
    varied = differing(specs.values())
    runs = {id: Job("run", id, spec, varied) for id, spec in specs.items()}
    sources: dict[str, Job] = {}
    for job in runs.values():
        source = source_job(job.spec, varied)
        if source is not None:
            sources.setdefault(source.id, source)
    plan = Plan(sweep, runs, sources)
    plan.read_statuses(ledger, thorough)
    return plan


def save_record(made: Plan, ledger: Ledger) -> None:
    """Put the plan on record. Raises StoreError if it cannot be written.

    Where the same sweep is on record with runs that it no longer has (images or weights at a path have changed), that
    record is kept beside it, under a digest of those runs: `frostline gc` leaves their results alone.
    """
    record = made.record()
    earlier = _whole(records.sweep, made.sweep, ledger)
    if earlier is not None and not earlier.runs.keys() <= record.runs.keys():
        text = "\n".join([earlier.digest, *sorted(earlier.runs)])
        ledger.save_sweep(earlier.model_copy(update={"digest": hashlib.sha256(text.encode()).hexdigest()}))
    ledger.save_sweep(record)


def _whole(read: Callable[[Reading, str], Read | None], sweep: SweepSpec, ledger: Ledger) -> Read | None:
    """What `read` says of a sweep's record; None where none is whole: a launch writes it again."""
    try:
        return read(ledger.store, layout.sweep(sweep.name, sweep.digest))
    except Damaged:
        return None


def _check(sweep: SweepSpec, specs: dict[str, RunSpec]) -> None:
    for spec in specs.values():
        try:
            check(spec)
        except ValueError as problem:
            raise SpecError(str(problem)) from None
