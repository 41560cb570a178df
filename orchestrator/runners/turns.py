"""Which kind of place the next batch is for, where there are several: runs that take a share of a GPU, and solves.

Both need cores, and Tune gives a worker that is free to the next batch of its kind. So the kind that came first would
keep them until it has nothing left. GPUs are the scarcer: they are filled first, and cores are kept for them while
there is work for them. Where the launch bounds its workers, one of several is left to the solves.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence

from orchestrator.runners.resources import ON_CPU, ON_GPU
from orchestrator.schedule.agenda import BATCH_SECONDS, Agenda, Place

MOST_WAITING = 2
"""Batches of one kind that wait for room: none is to fill Tune's queue."""


def gpus_first(places: Iterable[Place]) -> list[Place]:
    """Kinds of places, that with the scarcer resource first."""
    return sorted(places, key=lambda place: place != ON_GPU)


class Turns:
    """Kinds of places whose turn it is, and what is handed out to each.

    `slots`: how many runs of a kind there is room for at a time, by kind. `total`: how many of both together, which
    share cores. `most`: how many trials Tune may have at a time, those that wait for room included; None: any number.
    """

    def __init__(
        self,
        agenda: Agenda,
        slots: Mapping[Place, int] | None = None,
        total: Callable[[], int] = lambda: 0,
        most: int | None = None,
    ) -> None:
        self._agenda = agenda
        self._slots = dict.fromkeys(agenda.places, 0) if slots is None else slots
        self._total = total
        self._most = most
        self._places: dict[str, Place] = {}
        """Where each batch that is handed out runs, by its trial."""
        self._started: set[str] = set()
        """The trials among these that have a worker."""

    def give(self, trial_id: str, place: Place) -> None:
        """A batch for a place is handed out."""
        self._places[trial_id] = place

    def started(self, trial_id: str) -> None:
        """A trial has its worker."""
        self._started.add(trial_id)

    def take_back(self, trial_id: str) -> Place:
        """A trial has ended. Returns the kind of its place, "" where it was given none."""
        self._started.discard(trial_id)
        return self._places.pop(trial_id, "")

    def out(self, started: bool = False) -> Counter[Place]:
        """How many batches of each kind of place are handed out; `started`: of those alone that have a worker."""
        return Counter(place for trial, place in self._places.items() if not started or trial in self._started)

    def next(self) -> Sequence[Place]:
        """Kinds of places that may be given a batch now, in the order in which they are to be asked."""
        if len(self._agenda.places) == 1:
            return self._agenda.places
        out, total = self.out(), self._total()
        open_runs, open_solves = (out[place] + self._agenda.wanted(place, BATCH_SECONDS) for place in (ON_GPU, ON_CPU))
        gpus, cores = self._slots[ON_GPU], self._slots[ON_CPU]
        share, spare, at_a_time = gpus, MOST_WAITING, total
        if self._most is not None and open_solves:  # a batch that waits takes the place of one that could run
            at_a_time = min(total, self._most)
            share = min(gpus, max(1, at_a_time - 1))
            spare = max(0, min(MOST_WAITING, (self._most - total) // 2))
        kept = min(share, open_runs)
        left = max(1, at_a_time - kept)
        # While a GPU is to be filled yet no solve waits for a core: it would get the next one that is free.
        waits = left >= cores or self.out(started=True)[ON_GPU] >= kept
        most = {ON_GPU: share + spare, ON_CPU: min(cores, left) + (spare if waits else 0)}
        return [place for place in gpus_first(self._agenda.places) if out[place] < max(1, most[place])]
