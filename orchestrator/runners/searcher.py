"""What Tune asks for its trials: batches of the agenda's ready jobs, and how these ended."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from ray.tune.search import Searcher

from orchestrator.runners.resources import CannotStart
from orchestrator.schedule.agenda import Agenda
from orchestrator.store.jobs import Job
from orchestrator.store.ledger import MOST_ATTEMPTS, Ledger
from orchestrator.train.options import Ending, OutOfMemory

BATCH_SECONDS = 5.0
"""Runs that are expected to take less are handed out together, as many as fill this time."""


NEVER_STARTED = ("RuntimeEnvSetupError", "runtime_env", "runtime environment")
"""What Ray says where a worker's process was never there: nothing that ran there is to blame."""


class WorkerDied(RuntimeError):
    """The process that ran a job ended without reporting (killed, out of memory, machine lost)."""


class ReadyJobs(Searcher):
    """Gives Tune batches of the agenda's ready jobs and receives how they ended."""

    def __init__(self, agenda: Agenda, ledger: Ledger) -> None:
        super().__init__(metric="ended", mode="max")
        self._agenda = agenda
        self._ledger = ledger
        self._batches: dict[str, list[Job]] = {}
        self._unexplained = 0
        self._not_started = 0

    def __getstate__(self) -> dict[str, Any]:
        """Tune writes its searcher to its temporary folder; the agenda cannot be written there."""
        return {}

    def suggest(self, trial_id: str) -> dict[str, Any] | str | None:  # pyright: ignore[reportIncompatibleMethodOverride]
        batch = self._agenda.take_batch(BATCH_SECONDS)
        if not batch:
            return Searcher.FINISHED if self._agenda.finished() else None
        self._batches[trial_id] = batch
        return {"jobs": _to_text(batch)}

    def on_trial_complete(self, trial_id: str, result: dict[str, Any] | None = None, error: bool = False) -> None:
        if result is not None and "endings" in result:
            self._not_started = 0
            for job, ending in zip(self._batches.pop(trial_id), result["endings"], strict=True):
                self._agenda.end(job, ending)

    def died(self, trial_id: str, reason: str) -> None:
        """A trial's worker ended without reporting. `reason`: what Ray says. Raises CannotStart where none starts."""
        batch = self._batches.pop(trial_id, [])
        if any(sign in reason for sign in NEVER_STARTED):
            self._not_started += 1
            for job in batch:
                self._agenda.end(job, "not run")
            if self._not_started >= MOST_ATTEMPTS:
                raise CannotStart(f"Ray cannot start workers: {' '.join(reason.split())[-400:]}")
            return
        for job, ending in zip(batch, self._after_death(batch, "low on memory" in reason), strict=True):
            self._agenda.end(job, ending)

    def _after_death(self, batch: list[Job], for_memory: bool) -> Iterator[Ending]:
        """The endings of a batch whose worker died: the first job begun without a result is counted as failed.

        A worker that was about to exit may have begun none. If that happens again and again, the first job without a
        result is counted as failed nevertheless.
        """
        open_jobs = [job for job in batch if self._ledger.status(job) not in ("done", "diverged")]
        blamed = next((job for job in open_jobs if self._ledger.begun(job)), None)
        self._unexplained = 0 if blamed is not None else self._unexplained + 1
        if self._unexplained >= MOST_ATTEMPTS and open_jobs:
            blamed = open_jobs[0]
        for job in batch:
            if job not in open_jobs:
                yield "done"
            elif job is not blamed:
                yield "not run"
            elif for_memory:
                self._ledger.fail(job, OutOfMemory("Ray ended its worker, the machine being low on memory"))
                yield "memory"
            else:
                self._ledger.fail(job, WorkerDied("the worker process ended while it ran this"))
                yield "failed"

    def save(self, checkpoint_path: str) -> None:
        """Nothing: the ledger knows."""

    def restore(self, checkpoint_path: str) -> None:
        raise NotImplementedError("a sweep is resumed from the store, by the same command")


def _to_text(batch: list[Job]) -> str:
    """[[kind, id, spec], ...] as JSON."""
    return json.dumps([[job.kind, job.id, job.spec.model_dump(mode="json")] for job in batch])
