"""What a store holds that no sweep on record reaches, or that a crash left behind; and its removal.

Nothing that a live process holds is touched: leftovers of a folder are only taken by who holds its lease.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from orchestrator.store.interface import Entry, Store
from orchestrator.store.lease import Held, Watch, claim, living
from orchestrator.store.settings import DEFAULT, Settings
from sweeps.identity import source_id
from sweeps.layout import DRIVERS, FEATURES, QUARANTINE, STOPS, SWEEPS, Place, parent
from sweeps.store import leases, records
from sweeps.store.interface import Damaged, StoreError

AGE_SECONDS = 3600.0
"""A temporary file outside of leased folders counts as left behind once it is this old, by the store's own clock."""


@dataclass(frozen=True)
class Garbage:
    """One key, or a folder of keys, that may go. `place` is the run or source model that it belongs to, if any."""

    what: str
    key: str
    bytes: int
    place: Place | None = None


def garbage(store: Store, settings: Settings = DEFAULT) -> list[Garbage]:
    """Everything that may go. Changes nothing. Raises StoreError where a sweep's record cannot be read."""
    wanted = reached(store)
    places = list(records.places(store))
    alive = set(living(store, places, settings))
    found: list[Garbage] = []
    for place in places:
        if place in alive:
            continue
        entries = list(store.entries(place.folder))
        if (place.kind, place.id) not in wanted:
            found.append(Garbage(f"unreached {place.kind}", place.folder, sum(entry.bytes for entry in entries), place))
        else:
            found.extend(_leftovers(store, place, entries))
    for name in sorted(store.list(QUARANTINE)):
        folder = f"{QUARANTINE}/{name}"
        found.append(Garbage("quarantine", folder, sum(entry.bytes for entry in store.entries(folder))))
    if not alive:  # a cache that no run is using now; whoever needs it computes it again
        features = (entry for entry in store.entries(FEATURES) if not entry.unfinished)
        found.extend(Garbage("activations", entry.key, entry.bytes) for entry in features)
    return found + list(_elsewhere(store))


def reached(store: Store) -> set[tuple[str, str]]:
    """(kind, id) of every run of every sweep on record, and of the source models that these start from."""
    found: set[tuple[str, str]] = set()
    for key in records.sweep_keys(store):
        try:
            record = records.sweep(store, key)
            specs = {} if record is None else records.specs(store, key, record)
        except StoreError:
            raise StoreError(
                f"{store.where(key)}: damaged, so what it reaches is unknown; run its sweep again, or remove it"
            ) from None
        found.update(("run", id) for id in specs)
        found.update(("source", source) for spec in specs.values() if (source := source_id(spec)) is not None)
    return found


def remove(store: Store, items: list[Garbage], settings: Settings = DEFAULT) -> list[Garbage]:
    """Delete; what was deleted. Left is what meanwhile is held, or wanted by a sweep that was recorded since."""
    return [item for item in items if _removed(store, item, settings)]


def _removed(store: Store, item: Garbage, settings: Settings) -> bool:
    if item.place is None:
        store.remove_all(item.key)
        return True
    try:
        lease = claim(store, item.place, 0, Watch(settings))
    except Held:
        return False
    try:
        if item.key != item.place.folder:
            store.remove(item.key)
            return True
        if (item.place.kind, item.place.id) in reached(store):
            return False
        lease.stop_beating()
        store.remove_all(item.key)
        return True
    finally:
        lease.release()


def _leftovers(store: Store, place: Place, entries: list[Entry]) -> Iterator[Garbage]:
    """Of a wanted run that nobody works on: temporary files, leases of the dead, and files its result does not name."""
    names = [entry.key.removeprefix(f"{place.folder}/") for entry in entries if not entry.unfinished]
    what = {entry.key: "temporary file" for entry in entries if entry.unfinished}
    if leases.current(store, place, names) is not None:
        what |= dict.fromkeys(place.leases(names), "stale lease")
    try:
        record = records.result(store, place)
    except Damaged:  # for `run` to find and to keep
        record = None
    if record is not None:
        own = {place.epochs(record.epochs_sha256), record.weights_sha256 and place.weights(record.weights_sha256)}
        rest = [*place.named(names, "epochs-", "weights-"), *place.checkpoints(names)]
        what |= {key: "leftover" for key in rest if key not in own}
    sizes = {entry.key: entry.bytes for entry in entries}
    for key, sort in sorted(what.items(), key=lambda item: item[::-1]):
        yield Garbage(sort, key, sizes[key], place)


def _elsewhere(store: Store) -> Iterator[Garbage]:
    """What drivers left behind outside of runs, told by its age on the store's own clock."""
    ended = [(entry, True) for folder in (STOPS, DRIVERS) for entry in store.entries(folder, deep=False)]
    others = [
        (entry, entry.unfinished)
        for folder, deep in (("", False), (SWEEPS, True), (QUARANTINE, False), (FEATURES, True))
        for entry in store.entries(folder, deep)
    ]
    left = [entry for entry, goes in (*ended, *others) if goes]
    now = store.now() if left else 0.0
    for entry in sorted(left, key=lambda entry: (parent(entry.key), entry.key)):
        if now - entry.written >= AGE_SECONDS:
            yield Garbage("temporary file", entry.key, entry.bytes)
