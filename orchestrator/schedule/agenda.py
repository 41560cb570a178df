"""What is ready to run, in which order. Both runners draw from it; it draws from the plan."""

from __future__ import annotations

import math
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from orchestrator.schedule.job_queue import Ready
from orchestrator.schedule.plan import Plan
from orchestrator.store.jobs import Job
from orchestrator.store.ledger import MOST_ATTEMPTS
from orchestrator.train.options import Ending
from sweeps.store.status import kind_of_error

Place = str
"""A kind of place where jobs run: workers with a share of a GPU, say."""
BATCH_SECONDS = 5.0
"""Jobs that are expected to take less are handed out together, as many as fill this time."""
HELD_SECONDS = 5.0
"""How long at least to leave a job alone that another process holds, or that is to be tried again after a pause."""
LONGEST_HELD_SECONDS = 60.0
"""After how long a job is offered again of whose holder the driver has learned nothing meanwhile."""


@dataclass
class _Held:
    """A job that is kept back until a time, by the agenda's clock."""

    job: Job
    earliest: float
    until: float
    begun: bool
    """Another process holds it, or did: it comes before its equals."""


class Agenda:
    """The open jobs of a plan. A run is ready once its source is there: no barrier between the two stages.

    A job that ran out of memory is tried once more after all others, with nothing running beside it.
    First comes what most time depends on: a source model counts with the longest run that waits for it, or with all of
    them shared among the workers where that is more; a run counts as long as it is. Those that share source and prefix
    stand next to each other. Where the plan prefers starts (`Plan.behind`), that counts before. Safe to read from a
    second thread. `costs` are the seconds that each open job is expected to take, by id (`Forecast.costs`);
    `workers` is how many draw from the agenda, which bounds a batch. Once `most_alike` jobs have failed for good with
    the same kind of error (`error_of` tells it), nothing more is handed out. `place_of` tells on what kind of place a
    job is to run, where there are several; each has a queue of its own.
    """

    def __init__(
        self,
        plan: Plan,
        costs: Mapping[str, float],
        workers: int = 1,
        clock: Callable[[], float] = time.monotonic,
        error_of: Callable[[Job], str] | None = None,
        most_alike: int | None = None,
        place_of: Callable[[Job], Place] = lambda job: "main",
    ) -> None:
        self.costs = {job.id: costs[job.id] for job in (*plan.open_sources, *plan.open_runs)}
        self.workers = workers
        self.running: dict[str, Job] = {}
        self.ended: dict[str, Ending] = {}
        self.blocked: set[str] = set()
        self.stopping = False
        """Set from outside: nothing more is handed out."""
        self.alike: tuple[int, str] | None = None
        """How many jobs failed alike, and how, where that ended the launch."""
        self.starting = ""
        """What the launch does before a worker has begun a job: progress shows it until then."""
        self.notice = ""
        """What the launch waits for, where no worker comes up: progress shows it."""
        self._error_of = error_of
        self._most_alike = most_alike
        self._kinds: Counter[str] = Counter()
        self._clock = clock
        self._lonely: set[str] = set()
        self._alone: list[Job] = []
        self._waiting: defaultdict[str, list[Job]] = defaultdict(list)
        self._place_of = place_of
        self.places: tuple[Place, ...] = tuple(sorted({place_of(job) for job in (*plan.open_sources, *plan.open_runs)}))
        """Where its jobs are to run."""
        self._ready: defaultdict[Place, Ready] = defaultdict(Ready)
        self._behind = plan.behind
        self._held: dict[str, _Held] = {}
        self._attempts: defaultdict[str, int] = defaultdict(int)
        self._farthest: defaultdict[str, float] = defaultdict(float)
        self._lock = threading.RLock()
        self._left = sum(self.costs.values())
        for job in plan.open_runs:
            needs = job.needs
            source = "done" if needs is None else plan.statuses[needs]
            if needs is None or source == "done":
                self._push(job)
            elif source == "diverged":  # final: there will be no weights to start from
                self._block(job)
            else:
                self._waiting[needs].append(job)
        for job in plan.open_sources:
            self._push(job)

    def take(self) -> Job | None:
        """The next ready job, now counted as running; None while nothing is ready."""
        batch = self.take_batch(0.0)
        return batch[0] if batch else None

    def take_batch(self, seconds: float, place: Place | None = None) -> list[Job]:
        """The next ready job and short ones beside it, all counted as running; empty while nothing is ready.

        A job whose cost reaches `seconds` comes alone. To a shorter one come ready jobs that share its source and
        cut, then its source, then whatever is next in line, while their costs together stay within `seconds`; but
        never more than half of a worker's share of what is ready, so that no other worker is left without. `place`:
        for a worker there; without it, for the first that has something. All jobs of a batch are for one place.
        """
        with self._lock:
            if self.stopping or not self._lonely.isdisjoint(self.running):
                return []
            self._offer_held()
            batch: list[Job] = []
            for ready in [self._ready[place]] if place is not None else list(self._ready.values()):
                batch = batch or ready.take(min(seconds, ready.work / (2 * self.workers)))
            alone = bool(self._alone) and not (self.running or self._held or any(self._ready.values()))
            if not batch and alone and place in (None, self._place_of(self._alone[0])):
                batch = [self._alone.pop(0)]
            for job in batch:
                self.running[job.id] = job
            return batch

    def end(self, job: Job, ending: Ending, progress: float = 0.0) -> None:
        """A job that was taken came back.

        `progress`: how far a failed attempt had come, in epochs or any other unit that is the same for all attempts of
        a job. One that came further than those before it counts as the first: a long run on machines that are taken
        away again and again is not given up while it advances.
        """
        with self._lock:
            self.running.pop(job.id, None)
            if ending == "held":
                self._hold(job, LONGEST_HELD_SECONDS, begun=True)
            elif ending == "memory" and job.id not in self._lonely:
                self._lonely.add(job.id)
                self._alone.append(job)
            elif ending in ("not run", "stopped") or (ending == "failed" and self._tries_again(job, progress)):
                if job.id in self._lonely:
                    self._alone.append(job)
                else:  # a job that fails is decided before others like it are begun
                    self._push(job, again=ending == "failed")
            else:
                self.ended[job.id] = "failed" if ending == "memory" else ending
                self._left -= self.costs[job.id]
                self._release(job, ending)
                if self.ended[job.id] == "failed":
                    self._count_alike(job)

    def postpone(self, job: Job) -> None:
        """A job that was taken came back without an attempt, and is offered again after a pause."""
        with self._lock:
            self.running.pop(job.id, None)
            self._hold(job, HELD_SECONDS, begun=False)

    def held(self) -> list[Job]:
        """The jobs that are kept back. Who can look at their leases says what became of the holders (`judge`)."""
        with self._lock:
            return [held.job for held in self._held.values()]

    def judge(self, job: Job, alive: bool) -> None:
        """What a look at the holder of a job that is kept back told: while it is alive the job is not offered."""
        with self._lock:
            if (held := self._held.get(job.id)) is not None:
                held.until = self._clock() + LONGEST_HELD_SECONDS if alive else held.earliest

    def under_way(self) -> list[Job]:
        """The jobs that count as running, those that wait their turn in a worker's batch included."""
        with self._lock:
            return list(self.running.values())

    def finished(self) -> bool:
        """Nothing is running and nothing will be ready."""
        with self._lock:
            waiting = any(self._ready.values()) or self._held or self._alone
            return not (self.running or (not self.stopping and waiting))

    def wanted(self, place: Place, seconds: float) -> int:
        """How many workers more what is ready for a place would keep busy for some seconds each, one job at a time."""
        with self._lock:
            ready = self._ready[place]
            return 0 if self.stopping else min(len(ready), math.ceil(ready.work / seconds))

    def remaining_cost(self, done: Mapping[str, float] | None = None) -> float:
        """Of all that has not ended, in expected seconds of a worker.

        Of what runs the share `done` (by id, 0 to 1) is left out; without it a half.
        """
        with self._lock:
            if self.finished():
                return 0.0
            given = {} if done is None else done
            under_way = sum(self.costs[id] * given.get(id, 0.5 if done is None else 0.0) for id in self.running)
            return max(0.0, self._left - under_way)

    def _count_alike(self, job: Job) -> None:
        if self._error_of is None or self._most_alike is None:
            return
        error = self._error_of(job)
        kind = kind_of_error(error)
        self._kinds[kind] += 1
        if self._kinds[kind] >= self._most_alike and self.alike is None:
            self.alike = self._kinds[kind], error
            self.stopping = True

    def _hold(self, job: Job, seconds: float, begun: bool) -> None:
        now = self._clock()
        self._held[job.id] = _Held(job, now + HELD_SECONDS, now + seconds, begun)

    def _offer_held(self) -> None:
        now = self._clock()
        for id in [id for id, held in self._held.items() if held.until <= now]:
            held = self._held.pop(id)
            self._push(held.job, again=held.begun)

    def _tries_again(self, job: Job, progress: float) -> bool:
        if progress > self._farthest[job.id]:
            self._farthest[job.id], self._attempts[job.id] = progress, 0
        self._attempts[job.id] += 1
        return self._attempts[job.id] < MOST_ATTEMPTS

    def _release(self, job: Job, ending: Ending) -> None:
        for run in self._waiting.pop(job.id, []):
            if ending == "done":
                self._push(run)
            else:
                self._block(run)

    def _block(self, run: Job) -> None:
        self.blocked.add(run.id)
        self._left -= self.costs[run.id]

    def _push(self, job: Job, again: bool = False) -> None:
        waiting = [self.costs[run.id] for run in self._waiting.get(job.id, ())]
        then = max(max(waiting), sum(waiting) / self.workers) if waiting else 0.0
        behind = self._behind.get(job.id, 0)
        self._ready[self._place_of(job)].push(job, self.costs[job.id], then, again, behind)
