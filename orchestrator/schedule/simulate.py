"""A sweep played through without computing anything: the agenda as it is, workers and clock imagined."""

from __future__ import annotations

import heapq
from collections.abc import Mapping

from orchestrator.schedule.agenda import Agenda
from orchestrator.store.jobs import Job


def makespan(agenda: Agenda, workers: int, seconds: Mapping[str, float], batch_seconds: float = 0.0) -> float:
    """Seconds until the agenda is worked off, if each job takes its `seconds` (by id) and ends well.

    A worker that is free takes a batch as soon as one is ready, as on Ray: its jobs run one after the other and are
    reported together.
    """
    now = 0.0
    free = workers
    busy: list[tuple[float, int, list[Job]]] = []
    taken = 0
    while True:
        while free and (batch := agenda.take_batch(batch_seconds)):
            free -= 1
            taken += 1
            heapq.heappush(busy, (now + sum(seconds[job.id] for job in batch), taken, batch))
        if not busy:
            assert agenda.finished()
            return now
        now, _, batch = heapq.heappop(busy)
        free += 1
        for job in batch:
            agenda.end(job, "done")
