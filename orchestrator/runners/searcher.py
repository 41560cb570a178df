"""What Tune asks for its trials: batches of the agenda's ready jobs, and how these ended."""

from __future__ import annotations

import contextlib
from collections import Counter
from collections.abc import Callable
from typing import Any

from ray.tune.search import Searcher

from orchestrator.runners.batch import to_text
from orchestrator.runners.node_health import NEVER_STARTED, NO_FAULT, NodeHealth, address_in, told
from orchestrator.runners.resources import CannotStart
from orchestrator.runners.shared_store import NOT_SHARED, UNREADABLE
from orchestrator.runners.turns import Turns
from orchestrator.schedule.agenda import BATCH_SECONDS, Agenda, Place
from orchestrator.store.jobs import Job
from orchestrator.store.lease import begun, last_attempt
from orchestrator.store.ledger import MOST_ATTEMPTS, Ledger, StoreError
from orchestrator.train.options import Ending, OutOfMemory
from sweeps.store.leases import Lease
from sweeps.store.status import kind_of_error

MOST_BEFORE_BEGINNING = 10
"""Workers in a row that may end before they have begun a job, where no other runs one: no run is to blame, but it has
to end. A host where that happens is avoided (node_health.py); where no other is left, the next worker is tried after a
pause (HELD_SECONDS of the agenda)."""
MOST_SPARED = 10
"""Failures of a job that take no attempt from it, being its host's own fault, maybe."""


class WorkerDied(RuntimeError):
    """The process that ran a job ended without reporting (killed, out of memory, machine lost)."""


class ReadyJobs(Searcher):
    """Gives Tune batches of the agenda's ready jobs and receives how they ended."""

    def __init__(
        self,
        agenda: Agenda,
        ledger: Ledger,
        launch: str,
        health: NodeHealth | None = None,
        others: Callable[[Place, str], bool] = lambda place, address: False,
        say: Callable[[str], None] = lambda text: None,
        turns: Turns | None = None,
    ) -> None:
        """`health` is told how workers end. `others`: whether some node of a kind of place is not avoided, besides that
        at an address. `say` is told why one is. `turns`: which kind of place is next, where there are several."""
        super().__init__(metric="ended", mode="max")
        self._agenda = agenda
        self._ledger = ledger
        self._launch = launch
        self._health = health or NodeHealth()
        self._others = others
        self._say = say
        self.turns = turns or Turns(agenda)
        self._batches: dict[str, list[Job]] = {}
        """What is handed out, by trial."""
        self._tokens: dict[str, int] = {}
        """The token of the last attempt at each job that is handed out, when it was."""
        self._blind: set[str] = set()
        """Jobs that were handed out while the driver could not read the store, by id."""
        self._spared: Counter[str] = Counter()
        """Failures of each job that took no attempt from it."""
        self._before_beginning = 0
        self._any_reported = False

    def __getstate__(self) -> dict[str, Any]:
        """Tune writes its searcher to its temporary folder; the agenda cannot be written there."""
        return {}

    @property
    def stopping(self) -> bool:
        """Whether nothing more is to be handed out."""
        return self._agenda.stopping

    def suggest(self, trial_id: str) -> dict[str, Any] | str | None:  # pyright: ignore[reportIncompatibleMethodOverride]
        for place in self.turns.next():
            if batch := self._take_batch(place):
                break
        else:
            return Searcher.FINISHED if self._agenda.finished() else None
        self._batches[trial_id] = batch
        self.turns.give(trial_id, place)
        return {"jobs": to_text(batch, self._ledger.watch), "place": place, "avoided": self._to_leave(place)}

    def _take_batch(self, place: Place) -> list[Job]:
        """The next ready jobs that nobody else holds: no worker is asked for what it would not get."""
        while taken := self._agenda.take_batch(BATCH_SECONDS, place):
            if batch := [job for job in taken if self._is_free(job)]:
                return batch
        return []

    def _is_free(self, job: Job) -> bool:
        place = self._ledger.place(job)
        try:
            self._tokens[job.id], last = last_attempt(self._ledger.store, place)
        except OSError:  # the worker will say what is wrong with the store
            self._blind.add(job.id)
            return True
        self._blind.discard(job.id)
        if last is None or not self._ledger.watch.alive(place, last):
            return True
        self._agenda.end(job, "held")
        return False

    def _to_leave(self, place: Place) -> list[str]:
        """Addresses of hosts that a worker is to leave, if it is there from before: Tune keeps workers."""
        avoided = sorted(self._health.avoided())
        return avoided if avoided and self._others(place, "") else []

    def on_trial_complete(self, trial_id: str, result: dict[str, Any] | None = None, error: bool = False) -> None:
        if result is not None and "endings" in result:
            self._before_beginning, self._any_reported = 0, True
            place, address = self.turns.take_back(trial_id), result.get("address")
            for job, ending in zip(self._batches.pop(trial_id), result["endings"], strict=True):
                if address is not None and ending in ("done", "diverged", "stopped"):
                    self._health.worked(address, completed=ending != "stopped")
                if address is not None and ending == "failed" and self._is_spared(job, address, place):
                    self._agenda.postpone(job)
                else:
                    self._agenda.end(job, ending)

    def _is_spared(self, job: Job, address: str, place: Place) -> bool:
        """Whether a failure takes no attempt from its job: runs fail so on this host and nowhere else, while there are
        others. Its GPU is broken, say, or a data set is not there."""
        last = None
        with contextlib.suppress(StoreError):
            last = self._ledger.last_failure(job)
        if last is None:
            return False
        error = last[0].error
        kind = kind_of_error(error)
        if not self._health.at_fault(address, job.id, kind) or self._spared[job.id] >= MOST_SPARED:
            return False
        why = f"runs fail there and not elsewhere: {error[:200]}"
        others = self._avoid(address, lambda address: self._health.raised(address, kind), place, why)
        self._spared[job.id] += others
        return others

    def died(self, trial_id: str, reason: str) -> None:
        """A trial's worker ended without reporting. `reason`: what Ray says. Raises CannotStart where none begins."""
        batch, place = self._batches.pop(trial_id, []), self.turns.take_back(trial_id)
        endings: dict[str, Ending | None] = {job.id: self._committed(job) for job in batch}
        open_jobs = [job for job in batch if endings[job.id] is None]
        attempts = ((job, self._attempt(job)) for job in open_jobs)
        blamed, lease = next(((job, lease) for job, lease in attempts if lease is not None), (None, None))
        if blamed is None and len(open_jobs) == len(batch):
            self._ended_before_beginning(batch, reason, place)
            return
        self._before_beginning = 0
        if blamed is not None and (address := address_in(reason)) is not None:
            self._avoid(address, self._health.died, place, f"workers die while they run something: {told(reason)}")
        host = None if lease is None else lease.get("host")
        progress = 0.0 if lease is None else float(lease["progress"])
        for job in batch:
            if (ending := endings[job.id]) is not None:
                self._agenda.end(job, ending)
            elif job is not blamed:
                self._agenda.end(job, "not run")
            else:
                self._agenda.end(job, self._blame(job, reason, host), progress)

    def _committed(self, job: Job) -> Ending | None:
        """How a job ended that has a result; None where that is not known."""
        try:
            status = self._ledger.status(job)
        except StoreError:  # it cannot be read just now: the job is offered again, and its next worker looks
            return None
        return status if status == "done" or status == "diverged" else None

    def _begun(self, job: Job) -> Lease | None:
        """The lease of an attempt that this launch has begun at a job since this was handed out. Raises OSError."""
        return begun(self._ledger.store, self._ledger.place(job), self._tokens.get(job.id, 0), self._launch)

    def _attempt(self, job: Job) -> Lease | None:
        """The same; None also where it cannot be read."""
        with contextlib.suppress(OSError):
            return self._begun(job)
        return None

    def _may_run(self, job: Job) -> bool:
        """Whether a job that is handed out has been begun, or its lease cannot be read, but the store could when it was
        handed out: a store that is gone for good ends the launch, once the runs that were under way have ended."""
        try:
            return self._begun(job) is not None
        except OSError:
            return job.id not in self._blind

    def _ended_before_beginning(self, batch: list[Job], reason: str, place: Place) -> None:
        """No job of the batch was begun: none loses an attempt, and each is offered again, elsewhere if that can be.

        Raises CannotStart where that goes on and no worker runs anything.
        """
        if NO_FAULT[0] in reason and self._health.avoided():  # it has left a host that is avoided, as it was told
            for job in batch:
                self._agenda.end(job, "not run")
            return
        self._before_beginning += 1
        of_store, others = next((name for name in (NOT_SHARED, UNREADABLE) if name in reason), ""), False
        why = told(reason, of_store)
        address = None if any(sign in reason for sign in NO_FAULT) else address_in(reason)
        if address is not None:
            because = why if of_store else f"workers end there before they begin a run: {why}"
            others = self._avoid(address, self._health.failed, place, because)
        for job in batch:
            if others or self._before_beginning == 1:  # one worker may have been told to go: its jobs need no pause
                self._agenda.end(job, "not run")
            else:
                self._agenda.postpone(job)
        if others or any(self._may_run(job) for beside in self._batches.values() for job in beside):
            return
        if of_store == NOT_SHARED:
            raise CannotStart(why)
        most = max(MOST_BEFORE_BEGINNING, 3 * self._agenda.workers)
        if any(sign in reason for sign in NEVER_STARTED) and not self._any_reported:
            most = MOST_ATTEMPTS  # the runtime environment is the same everywhere: it fails, or it does not
        if self._before_beginning >= most:
            raise CannotStart(f"{self._before_beginning} workers in a row ended before they began a run: {why}")

    def _avoid(self, address: str, counted: Callable[[str], float], place: Place, why: str) -> bool:
        """Count a worker's end against its host. Returns whether there are others; says so where it is avoided now."""
        known = address in self._health.avoided()
        pause = counted(address)
        others = self._others(place, address)
        if others and pause > 0 and not known:
            self._say(f"no runs are sent to {address} for {pause:.0f} s: {why}")
        return others

    def _blame(self, job: Job, reason: str, host: str | None) -> Ending:
        """Write down that a job's worker died while it ran this, on the host that its lease names."""
        if "low on memory" in reason:
            self._ledger.fail(job, OutOfMemory("Ray ended its worker, the machine being low on memory"), host)
            return "memory"
        self._ledger.fail(job, WorkerDied("the worker process ended while it ran this"), host)
        return "failed"

    def save(self, checkpoint_path: str) -> None:
        """Nothing: the ledger knows."""

    def restore(self, checkpoint_path: str) -> None:
        raise NotImplementedError("a sweep is resumed from the store, by the same command")
