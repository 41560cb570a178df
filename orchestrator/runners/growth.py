"""Follows a cluster that grows and shrinks: how many workers there are, and what an autoscaler is to add."""

from __future__ import annotations

import time
from collections.abc import Callable

from ray.util.placement_group import PlacementGroup, placement_group_table, remove_placement_group

from orchestrator.runners.placement import Nodes, Placement
from orchestrator.schedule.agenda import Agenda, Place

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
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`workers`: how many there may be at most. `shows`: whether to ask for more."""
        self._agenda = agenda
        self._nodes = nodes
        self._most = workers
        self._shows = shows
        self._clock = clock
        self._next = 0.0
        self.slots: dict[Place, int] = dict.fromkeys(nodes.shares, 0)
        """How many runs the cluster had room for at a time, when it was last looked at."""
        self._waiting: dict[Place, list[PlacementGroup]] = {place: [] for place in nodes.shares}

    def look(self) -> None:
        """To be called again and again; looks every LOOK_SECONDS."""
        if self._clock() < self._next:
            return
        self.slots.update((place, self._nodes.slots(place)) for place in self._waiting)
        slots = sum(self.slots.values())
        self._agenda.workers = max(1, slots if self._most is None else min(slots, self._most))
        if self._shows:
            for place in self._waiting:
                self._ask(place, more(self._agenda, place, slots, self._most))
        self._next = self._clock() + LOOK_SECONDS

    def _ask(self, place: Place, number: int) -> None:
        """Have so many groups wait."""
        waiting = self._waiting[place]
        if any(placement_group_table(group)["state"] != "PENDING" for group in waiting):
            number = 0
        while len(waiting) > number:
            remove_placement_group(waiting.pop())
        share = self._nodes.shares[place]
        while len(waiting) < number:
            waiting.append(Placement(place, share).to_placement_group())


def more(agenda: Agenda, place: Place, slots: int, most: int | None) -> int:
    """How many workers more than the cluster has room for the plan could use now."""
    wanted = min(agenda.wanted(place, WORTH_SECONDS), MOST_SHOWN)
    return wanted if most is None else max(0, min(wanted, most - slots))
