"""The ready jobs in order: preferred starts first, then what most time depends on, longest first.

Jobs that start from the same weights stand next to each other.
"""

from __future__ import annotations

import heapq
from collections import defaultdict
from collections.abc import Hashable, Iterator
from typing import NamedTuple

from orchestrator.store.jobs import Job


class Group(NamedTuple):
    """What jobs on one worker can share: the network's start (`start`) and how deep it is frozen (`cut`)."""

    start: Hashable
    cut: int


SOURCES = "sources"
Rank = tuple[int, float]
"""How far behind a job's start is in a ranking (0 where there is none), then its cost with that of what waits for it,
largest first."""


def group_of(job: Job) -> Group:
    if job.kind == "source":
        return Group(SOURCES, 0)
    spec = job.spec
    return Group(job.needs or (spec.model, spec.seed), spec.transfer.frozen)


class Ready:
    """A queue of jobs by rank: each group is a heap of its jobs, and a heap of groups says which group is next.

    Taking and pushing cost O(log n). A group's place in line is that of its first job; an outdated place is
    skipped when it comes up.
    """

    def __init__(self) -> None:
        self.work = 0.0
        """Costs of all ready jobs together."""
        self._groups: dict[Group, list[tuple[Rank, int, float, Job]]] = {}
        self._line: list[tuple[Rank, int, Group]] = []
        self._by_start: defaultdict[Hashable, dict[Group, None]] = defaultdict(dict)
        self._pushed = 0
        self._jobs = 0

    def __len__(self) -> int:
        return self._jobs

    def push(self, job: Job, cost: float, waiting: float = 0.0, again: bool = False, behind: int = 0) -> None:
        """`cost` of the job itself; `waiting`: seconds that what waits for it takes from then on at least.

        One that is tried `again` stands before its equals. `behind`: how many starts are preferred to its own; it comes
        before the cost.
        """
        group = group_of(job)
        jobs = self._groups.setdefault(group, [])
        self._by_start[group.start][group] = None
        self._pushed += 1
        self._jobs += 1
        entry = ((behind, -(cost + waiting)), -self._pushed if again else self._pushed, cost, job)
        heapq.heappush(jobs, entry)
        self.work += cost
        if jobs[0] is entry:
            self._stand_in_line(group)

    def take(self, most: float) -> list[Job]:
        """The next job and, while all costs stay within `most`, others of its start, then any. Empty if none is."""
        group = self._next_group()
        if group is None:
            return []
        room = most - self._groups[group][0][2]
        batch = [self._pop(group)]
        for near in self._nearby(group):
            while room > 0 and near in self._groups and self._groups[near][0][2] <= room:
                room -= self._groups[near][0][2]
                batch.append(self._pop(near))
            if room <= 0:
                break
        return batch

    def _nearby(self, group: Group) -> Iterator[Group]:
        """The groups to fill a batch from, nearest first: the same, those of the same start, the next in line.

        Ends where the next in line does not fit, or may not join: sources and runs do not mix, as runs would wait
        for a batch of sources to end.
        """
        yield group
        yield from sorted(self._by_start.get(group.start, ()), key=lambda other: abs(other.cut - group.cut))
        passed: Group | None = group
        while (following := self._next_group()) is not None and following != passed:
            if (following.start == SOURCES) != (group.start == SOURCES):
                return
            yield following
            passed = following

    def _next_group(self) -> Group | None:
        while self._line:
            first, number, group = self._line[0]
            jobs = self._groups.get(group)
            if jobs is not None and (jobs[0][0], jobs[0][1]) == (first, number):
                return group
            heapq.heappop(self._line)
        return None

    def _pop(self, group: Group) -> Job:
        jobs = self._groups[group]
        _, _, cost, job = heapq.heappop(jobs)
        self._jobs -= 1
        self.work = max(0.0, self.work - cost)
        if jobs:
            self._stand_in_line(group)
        else:
            del self._groups[group]
            del self._by_start[group.start][group]
            if not self._by_start[group.start]:
                del self._by_start[group.start]
        if not self._groups:
            self.work = 0.0  # what rounding left over
        return job

    def _stand_in_line(self, group: Group) -> None:
        first, number, *_ = self._groups[group][0]
        heapq.heappush(self._line, (first, number, group))
