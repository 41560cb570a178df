"""Removing what `gc` found: many places at a time, each under its lease, and in a bucket many keys by one request."""

from __future__ import annotations

import contextlib

from orchestrator.store.gc.listing import Garbage, reached
from orchestrator.store.interface import Store
from orchestrator.store.lease import Held, Lease, Watch, claim, living
from orchestrator.store.settings import DEFAULT, Settings
from sweeps.layout import QUARANTINE, SWEEPS, Place, parent
from sweeps.store.many import look_at_each

AT_ONCE = 128
"""Places that are held at a time, each with its heartbeat."""


def remove(
    store: Store, items: list[Garbage], settings: Settings = DEFAULT, watch: Watch | None = None
) -> list[Garbage]:
    """Delete; what was deleted. Left is what meanwhile is held, or wanted by a sweep that was recorded since.

    watch: the one that `garbage` had. Waits once, up to the expiry, for holders that it cannot judge: `garbage` has not
    looked at leases that are old. Raises OSError, and then nothing is held any more.
    """
    loose = [item.key for item in items if item.place is None]
    store.remove_all(*(key for key in loose if parent(key) == QUARANTINE))
    store.remove(*(key for key in loose if parent(key) != QUARANTINE))
    of_place: dict[Place, list[Garbage]] = {}
    for item in items:
        if item.place is not None:
            of_place.setdefault(item.place, []).append(item)
    watch, wanted, gone = watch or Watch(settings), _Wanted(store), set[Garbage]()

    def go_through(places: list[Place]) -> list[Place]:
        """Those of the places that were held."""
        refused: list[Place] = []
        for start in range(0, len(places), AT_ONCE):
            some = {place: of_place[place] for place in places[start : start + AT_ONCE]}
            removed, held = _removed(store, some, wanted, watch)
            gone.update(removed)
            refused += held
        return refused

    if refused := go_through(list(of_place)):
        alive = set(living(store, refused, settings, watch))
        go_through([place for place in refused if place not in alive])
    return [item for item in items if item.place is None or item in gone]


class _Wanted:
    """What sweeps reach, read again only where one was recorded since: a record of a large sweep takes seconds."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._seen: list[tuple[str, int, float]] | None = None
        self._reached: set[tuple[str, str]] = set()

    def now(self) -> set[tuple[str, str]]:
        seen = sorted((entry.key, entry.bytes, entry.written) for entry in self._store.entries(SWEEPS))
        if seen != self._seen:
            self._reached, self._seen = reached(self._store), seen
        return self._reached


def _removed(
    store: Store, of_place: dict[Place, list[Garbage]], wanted: _Wanted, watch: Watch
) -> tuple[list[Garbage], list[Place]]:
    """What was deleted, and the places that somebody else holds or may hold."""
    held: dict[Place, Lease] = {}

    def take(place: Place) -> None:
        with contextlib.suppress(Held):
            held[place] = claim(store, place, 0, watch)

    try:
        look_at_each(store, take, of_place)
        refused = [place for place in of_place if place not in held]
        reached_now = wanted.now() if held else set()
        gone: list[Garbage] = []
        whole: list[Place] = []
        for place in held:
            for item in of_place[place]:
                if item.key != place.folder:
                    gone.append(item)
                elif (place.kind, place.id) not in reached_now:
                    gone.append(item)
                    whole.append(place)
        store.remove(*(item.key for item in gone if item.place not in whole))
        for place in whole:
            held[place].stop_beating()
        store.remove_all(*(place.folder for place in whole))
        for place in whole:
            del held[place]
        return gone, refused
    finally:
        look_at_each(store, lambda lease: lease.release(), held.values())
