"""A sweep played through without computing anything: the agenda as it is; workers, nodes and clock imagined."""

from __future__ import annotations

import heapq
import itertools
import math
import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from orchestrator.schedule.agenda import Agenda
from orchestrator.schedule.cluster_model import Cluster, Outcome
from orchestrator.schedule.plan import Plan
from orchestrator.store.jobs import Job


def makespan(agenda: Agenda, workers: int, seconds: Mapping[str, float], batch_seconds: float = 0.0) -> float:
    """Seconds until the agenda is worked off, if each job takes its `seconds` (by id), ends well, and nothing else
    takes time."""
    return _Simulation(agenda, Cluster(workers), seconds, batch_seconds).run().wall


def simulate(
    plan: Plan,
    expected: Mapping[str, float],
    cluster: Cluster,
    *,
    actual: Mapping[str, float] | None = None,
    batch_seconds: float = 0.0,
    seed: int = 0,
) -> Outcome:
    """What becomes of a plan's open jobs on a cluster. Equal arguments give equal outcomes.

    `expected`: seconds of each job, by id, by which the agenda orders them; `actual`: what they take on a normal node,
    by default `expected` with the cluster's spread about it. `batch_seconds`: as the runner asks the agenda for.
    """
    draws = random.Random(seed)
    taken = _with_spread(expected, cluster.spread, draws) if actual is None else actual
    now = [0.0]
    agenda = Agenda(plan, expected, cluster.workers, clock=lambda: now[0])
    return _Simulation(agenda, cluster, taken, batch_seconds, draws, now).run()


def _with_spread(seconds: Mapping[str, float], spread: float, draws: random.Random) -> Mapping[str, float]:
    if spread == 0:
        return seconds
    return {id: value * math.exp(draws.gauss(-(spread**2) / 2, spread)) for id, value in seconds.items()}


@dataclass
class _Node:
    """`life` counts how often it has been replaced: what was planned for an earlier life does not happen."""

    workers: list[int]
    life: int = 0
    there: bool = True
    since: float = 0.0
    last_busy: float = 0.0
    pace: float = 1.0


@dataclass
class _Batch:
    jobs: list[Job]
    worker: int
    begins: float
    durations: list[float] = field(default_factory=list)


class _Simulation:
    def __init__(
        self,
        agenda: Agenda,
        cluster: Cluster,
        seconds: Mapping[str, float],
        batch_seconds: float,
        draws: random.Random | None = None,
        now: list[float] | None = None,
    ) -> None:
        self.agenda, self.cluster, self.seconds, self.batch_seconds = agenda, cluster, seconds, batch_seconds
        self.draws = draws or random.Random(0)
        self.now = now or [0.0]
        self.outcome = Outcome()
        self.events: list[tuple[float, int, Callable[[], None]]] = []
        self.count = itertools.count()
        self.left: dict[str, float] = {}
        """Share of a job that is still to be computed, where some of it was saved."""
        self.busy: dict[int, _Batch] = {}
        self.free: list[int] = []
        self.driver_free = self.store_free = 0.0
        workers = range(cluster.workers)
        self.nodes = [_Node(list(workers[first : first + cluster.per_node])) for first in workers[:: cluster.per_node]]
        self.node_of = {worker: node for node in self.nodes for worker in node.workers}

    def run(self) -> Outcome:
        if self.agenda.finished():
            return self.outcome
        for node in self.nodes:
            self._arrive(node)
        while self.events:
            self.now[0], _, happens = heapq.heappop(self.events)
            happens()
            if self.agenda.finished():
                break
            self._hand_out()
        assert self.agenda.finished()
        return self._closed()

    def _at(self, when: float, happens: Callable[[], None]) -> None:
        heapq.heappush(self.events, (when, next(self.count), happens))

    def _arrive(self, node: _Node) -> None:
        """A node is there from now on, and lost later if nodes are."""
        now, cluster = self.now[0], self.cluster
        node.there, node.since, node.last_busy = True, now, now
        node.pace = cluster.slow_factor if self.draws.random() < cluster.slow_nodes else 1.0
        life = node.life
        self._at(now + cluster.start, lambda: self._start_working(node, life))
        if cluster.lost_per_hour > 0:
            rate = -math.log1p(-cluster.lost_per_hour) / 3600
            self._at(now + self.draws.expovariate(rate), lambda: self._lose(node))

    def _start_working(self, node: _Node, life: int) -> None:
        if node.life == life:
            self.outcome.waited += len(node.workers) * self.cluster.start
            for worker in node.workers:
                heapq.heappush(self.free, worker)

    def _hand_out(self) -> None:
        """The driver gives ready batches to free workers, one after the other."""
        now = self.now[0]
        while self.free and (jobs := self.agenda.take_batch(self.batch_seconds)):
            worker = heapq.heappop(self.free)
            node = self.node_of[worker]
            self.driver_free = max(now, self.driver_free) + self.cluster.driver
            batch = _Batch(jobs, worker, self.driver_free)
            self.outcome.waited += batch.begins - now
            batch.durations = [self.seconds[job.id] * self.left.get(job.id, 1.0) * node.pace for job in jobs]
            self.busy[worker] = batch
            self.outcome.batches += 1
            self.outcome.driver_busy += self.cluster.driver
            self._at(batch.begins + sum(batch.durations), lambda batch=batch, life=node.life: self._commit(batch, life))

    def _commit(self, batch: _Batch, life: int) -> None:
        """A batch is computed: the store takes what it wrote, after what others write."""
        takes = len(batch.jobs) * self.cluster.commit()
        if self.node_of[batch.worker].life != life:
            return
        self.outcome.store_busy += takes
        if takes == 0:
            self._end(batch, life)
            return
        self.store_free = max(self.now[0], self.store_free) + takes
        self._at(self.store_free, lambda: self._end(batch, life))

    def _end(self, batch: _Batch, life: int) -> None:
        node = self.node_of[batch.worker]
        if node.life != life:
            return
        del self.busy[batch.worker]
        self.outcome.waited += self.now[0] - batch.begins - sum(batch.durations)
        heapq.heappush(self.free, batch.worker)
        node.last_busy = self.now[0]
        for job, duration in zip(batch.jobs, batch.durations, strict=True):
            self._computed(duration, node)
            self._done(job)

    def _done(self, job: Job) -> None:
        self.outcome.done += 1
        self.agenda.end(job, "done")

    def _computed(self, seconds: float, node: _Node) -> None:
        self.outcome.useful += seconds / node.pace
        self.outcome.slowed += seconds - seconds / node.pace

    def _lose(self, node: _Node) -> None:
        """A node goes, with all that its workers did not save; later another comes in its place."""
        now = self.now[0]
        batches = [batch for worker in node.workers if (batch := self.busy.pop(worker, None)) is not None]
        if batches:
            node.last_busy = now
        self._give_back(node)
        node.life, node.there = node.life + 1, False
        self.outcome.nodes_lost += 1
        self.free = [worker for worker in self.free if self.node_of[worker] is not node]
        heapq.heapify(self.free)
        for batch in batches:
            self._interrupt(batch, node)
        self._at(now + self.cluster.replaced, lambda: self._arrive(node))

    def _interrupt(self, batch: _Batch, node: _Node) -> None:
        """What became of a batch whose node goes: jobs before the one in hand are done, those behind it not begun."""
        elapsed, place = max(0.0, self.now[0] - batch.begins), 0
        while place < len(batch.jobs) - 1 and elapsed >= batch.durations[place]:
            elapsed -= batch.durations[place]
            self._computed(batch.durations[place], node)
            self._done(batch.jobs[place])
            place += 1
        job, behind = batch.jobs[place], batch.jobs[place + 1 :]
        told = self._save(job, batch.durations[place], elapsed, node)

        def tell() -> None:
            self.agenda.end(job, "stopped" if told else "failed", 1.0 - self.left[job.id])
            for other in behind:
                self.agenda.end(other, "not run")

        self._at(self.now[0] + (0.0 if told else self.cluster.noticed), tell)

    def _save(self, job: Job, duration: float, elapsed: float, node: _Node) -> bool:
        """Whether the run was told in time and saved; else what it saved last is where it goes on."""
        whole, left = self.seconds[job.id] * node.pace, self.left.get(job.id, 1.0)
        elapsed = min(elapsed, duration)
        epoch = whole / job.epochs
        told = epoch <= self.cluster.notice
        every = max(epoch, self.cluster.saved)
        saved = elapsed if told else min(elapsed, every * math.floor(elapsed / every)) if every else elapsed
        self._computed(saved, node)
        self.outcome.redone += elapsed - saved
        self.left[job.id] = left - saved / whole if whole else left
        return told

    def _give_back(self, node: _Node) -> None:
        """Count the time for which a node was there."""
        there = len(node.workers)
        self.outcome.held += there * (self.now[0] - node.since)
        self.outcome.held_until_idle += there * (node.last_busy - node.since)

    def _closed(self) -> Outcome:
        outcome = self.outcome
        outcome.wall = self.now[0]
        for node in self.nodes:
            if node.there:
                self._give_back(node)
        outcome.failed = sum(ending == "failed" for ending in self.agenda.ended.values()) + len(self.agenda.blocked)
        return outcome
