"""Follows a cluster that grows and shrinks: how many workers there are, and what an autoscaler is to add."""

from __future__ import annotations

import math
import time
from collections import Counter
from collections.abc import Callable, Mapping

from ray.util.placement_group import PlacementGroup, placement_group_table, remove_placement_group

from orchestrator.runners.placement import Nodes, Placement
from orchestrator.runners.turns import gpus_first
from orchestrator.schedule.agenda import BATCH_SECONDS, Agenda, Place

LOOK_SECONDS = 2.0
WORTH_SECONDS = 60.0
"""Work for so long makes another worker worth its start."""
MOST_SHOWN = 100
"""Workers more that an autoscaler is asked for at a time."""


class Growth:
    """Keeps the agenda's number of workers true, and shows what more the plan could use.

    An autoscaler adds nodes for groups that wait for room. Tune has a few waiting at a time, far too few to fill many
    machines, so more are made here. They belong to this process and go with it, however it ends
    (`request_resources` of Ray's autoscaler would outlive it). Where one gets room, there is room for a trial: all of
    that place are taken back until the next look. Ray tries a group that waits again within a second, but a new one at
    once, so that groups made anew at the same look would take the room before any trial.
    """

    def __init__(
        self,
        agenda: Agenda,
        nodes: Nodes,
        workers: int | None,
        shows: bool,
        out: Callable[[], Counter[Place]],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`workers`: how many there may be at most. `shows`: whether to ask for more. `out`: batches that are handed
        out, by kind of place."""
        self._agenda = agenda
        self._nodes = nodes
        self._most = workers
        self._shows = shows
        self._out = out
        self._clock = clock
        self._next = 0.0
        self.slots: dict[Place, int] = dict.fromkeys(nodes.shares, 0)
        """How many runs of a kind the cluster had room for at a time, when it was last looked at."""
        self.total = 0
        """How many of all kinds together, which share cores."""
        self._waiting: dict[Place, list[PlacementGroup]] = {place: [] for place in nodes.shares}

    def look(self) -> None:
        """To be called again and again; looks every LOOK_SECONDS."""
        if self._clock() < self._next:
            return
        self.slots.update((place, self._nodes.slots(place)) for place in self._waiting)
        self.total = self._nodes.total()
        self._agenda.workers = max(1, self.total if self._most is None else min(self.total, self._most))
        if self._shows:
            for place, number in more(self._agenda, self.slots, self.total, self._out(), self._most).items():
                self._ask(place, number)
        self._next = self._clock() + LOOK_SECONDS

    def _ask(self, place: Place, number: int) -> None:
        """Have so many groups wait."""
        waiting = self._waiting[place]
        placement = Placement(place, self._nodes.shares[place])
        started = any(placement_group_table(group)["state"] != "PENDING" for group in waiting)
        if started or placement.any_outdated(waiting):
            number = 0
        while len(waiting) > number:
            remove_placement_group(waiting.pop())
        while len(waiting) < number:
            waiting.append(placement.to_placement_group())


def more(
    agenda: Agenda, slots: Mapping[Place, int], total: int, out: Counter[Place], most: int | None
) -> dict[Place, int]:
    """How many workers more than the cluster has room for the plan could use now, by kind of place.

    `slots`: how many runs of a kind there is room for; `total`: of all kinds together, which share cores; `out`:
    batches that are handed out; `most`: workers that there may be. They count for what is out, and for what there is
    room for already, before they count for more room.
    """
    used = sum(min(room, out[place] + agenda.wanted(place, BATCH_SECONDS)) for place, room in slots.items())
    left = math.inf if most is None else most - max(out.total(), min(total, used))
    asked: dict[Place, int] = {}
    for place in gpus_first(slots):
        asked[place] = int(max(0, min(agenda.wanted(place, WORTH_SECONDS), MOST_SHOWN, left)))
        left -= asked[place]
    return asked
