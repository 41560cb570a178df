"""What is ready to run, in which order. Both runners draw from it; it draws from the plan."""

from __future__ import annotations

import heapq
import itertools
import threading
import time
from collections import defaultdict

from orchestrator.cost import cost
from orchestrator.jobs import Job
from orchestrator.ledger import MOST_ATTEMPTS
from orchestrator.plan import Plan
from orchestrator.trial import Ending

HELD_SECONDS = 5.0
"""How long to leave a run alone that another process holds, before asking again."""


class Agenda:
    """The open jobs of a plan. A run is ready once its source is there: no barrier between the two stages.

    Sources come first, by how much work waits for them; runs longest first, those that share source and prefix next
    to each other. Safe to read from a second thread.
    """

    def __init__(self, plan: Plan) -> None:
        self.costs = {job.id: cost(job) for job in (*plan.open_sources, *plan.open_runs)}
        self.running: dict[str, Job] = {}
        self.ended: dict[str, Ending] = {}
        self.blocked: set[str] = set()
        self._waiting: defaultdict[str, list[Job]] = defaultdict(list)
        self._ready: list[tuple[tuple[float, ...], int, Job]] = []
        self._held: list[tuple[float, Job]] = []
        self._attempts: defaultdict[str, int] = defaultdict(int)
        self._count = itertools.count()
        self._lock = threading.RLock()
        for job in plan.open_runs:
            source = "done" if job.needs is None else plan.statuses[job.needs]
            if source == "done":
                self._push(job)
            elif source == "diverged":  # final: there will be no weights to start from
                self.blocked.add(job.id)
            else:
                assert job.needs is not None
                self._waiting[job.needs].append(job)
        for job in plan.open_sources:
            self._push(job)

    def take(self) -> Job | None:
        """The next ready job, now counted as running; None while nothing is ready."""
        with self._lock:
            now = time.monotonic()
            for entry in [entry for entry in self._held if entry[0] <= now]:
                self._held.remove(entry)
                self._push(entry[1])
            if not self._ready:
                return None
            job = heapq.heappop(self._ready)[2]
            self.running[job.id] = job
            return job

    def end(self, job: Job, ending: Ending) -> None:
        """A job that was taken came back."""
        with self._lock:
            self.running.pop(job.id, None)
            if ending == "held":
                self._held.append((time.monotonic() + HELD_SECONDS, job))
            elif ending == "failed" and self._tries_again(job):
                self._push(job)
            else:
                self.ended[job.id] = ending
                self._release(job, ending)

    def finished(self) -> bool:
        """Nothing is running and nothing will be ready."""
        with self._lock:
            return not (self.running or self._ready or self._held)

    def remaining_cost(self) -> float:
        """Of all that has not ended, in the units of orchestrator.cost; what runs counts as a half."""
        with self._lock:
            left = sum(value for id, value in self.costs.items() if id not in self.ended and id not in self.blocked)
            return left - sum(self.costs[id] for id in self.running) / 2

    def _tries_again(self, job: Job) -> bool:
        self._attempts[job.id] += 1
        return self._attempts[job.id] < MOST_ATTEMPTS

    def _release(self, job: Job, ending: Ending) -> None:
        waiting = self._waiting.pop(job.id, [])
        for run in waiting:
            if ending == "done":
                self._push(run)
            else:
                self.blocked.add(run.id)

    def _push(self, job: Job) -> None:
        heapq.heappush(self._ready, (self._priority(job), next(self._count), job))

    def _priority(self, job: Job) -> tuple[float, ...]:
        if job.kind == "source":
            return (0, -sum(self.costs[run.id] for run in self._waiting[job.id]) - self.costs[job.id])
        return (1, -self.costs[job.id])
