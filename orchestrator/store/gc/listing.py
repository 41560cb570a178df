"""What a store holds that no sweep on record reaches, or that a crash left behind.

Nothing that a live process holds is touched: of a place something is only removed by who holds its lease (`removal`).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from orchestrator.store.interface import ConditionalStore, Entry, Store
from orchestrator.store.lease import Watch, living
from orchestrator.store.settings import DEFAULT, Settings
from sweeps.identity import source_id
from sweeps.layout import DRIVERS, FEATURES, KINDS, QUARANTINE, RESULT, STOPS, SWEEPS, Place, last_part, parent, shelf
from sweeps.store import records
from sweeps.store.interface import Damaged, StoreError
from sweeps.store.many import look_at_each

AGE_SECONDS = 3600.0
"""A temporary file outside of leased folders counts as left behind once it is this old, by the store's own clock."""
LEASES = ("lease-", "lease.")
"""How the names of leases begin: a key for each token, or one object."""


@dataclass(frozen=True)
class Garbage:
    """One key, or a folder of keys, that may go. `place` is the run or source model that it belongs to, if any."""

    what: str
    key: str
    bytes: int
    place: Place | None = None


def garbage(store: Store, settings: Settings = DEFAULT, watch: Watch | None = None) -> list[Garbage]:
    """Everything that may go. Changes nothing. Raises StoreError where a sweep's record cannot be read.

    watch: for `remove`, which cannot claim what a dead process of another host held unless it saw that it stood still.
    """
    wanted = reached(store)
    kept = _kept(store)
    unsettled = {
        place: entries
        for place, entries in kept.items()
        if (place.kind, place.id) not in wanted or not _is_a_result_alone(place, entries)
    }
    alive = set(living(store, _that_may_live(unsettled, settings), settings, watch))
    found: list[Garbage] = []
    to_read: list[Place] = []
    for place, entries in unsettled.items():
        if place in alive:
            continue
        if (place.kind, place.id) not in wanted:
            found.append(Garbage(f"unreached {place.kind}", place.folder, sum(entry.bytes for entry in entries), place))
        else:
            to_read.append(place)
    for _, items in look_at_each(store, lambda place: list(_leftovers(store, place, kept[place])), to_read):
        found += items
    found += _quarantine(store)
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
        except Damaged:
            raise StoreError(
                f"{store.where(key)}: damaged, so what it reaches is unknown; run its sweep again, or remove it"
            ) from None
        found.update(("run", id) for id in specs)
        found.update(("source", source) for spec in specs.values() if (source := source_id(spec)) is not None)
    return found


def _kept(store: Store) -> dict[Place, list[Entry]]:
    """All that is kept of runs and source models, by its place: each shelf is listed once."""
    found: dict[Place, list[Entry]] = {}
    for kind in KINDS:
        folders: dict[str, list[Entry]] = {}
        for entry in store.entries(shelf(kind)):
            parts = entry.key.split("/")
            if len(parts) > 3:
                folders.setdefault("/".join(parts[:3]), []).append(entry)
        if not isinstance(store, ConditionalStore):  # else there are no folders without objects
            folders |= {place.folder: [] for place in records.places(store, kind) if place.folder not in folders}
        found |= {Place(kind, last_part(folder), folder): folders[folder] for folder in sorted(folders)}
    return found


def _that_may_live(kept: dict[Place, list[Entry]], settings: Settings) -> list[Place]:
    """Places whose lease was written not long before whatever was written last, by the store's own clock.

    One that is older has had no heartbeat for longer than any holder waits. It is claimed all the same before anything
    of its place is removed.
    """
    newest = max((entry.written for entries in kept.values() for entry in entries), default=0.0)
    oldest = newest - max(AGE_SECONDS, settings.lease_expiry)
    return [
        place
        for place, entries in kept.items()
        if any(entry.written >= oldest and last_part(entry.key).startswith(LEASES) for entry in entries)
    ]


def _is_a_result_alone(place: Place, entries: list[Entry]) -> bool:
    """Whether what one commit leaves is all that is there: nothing is left over, and a holder has nothing to do."""
    names = [last_part(entry.key) for entry in entries]
    curves, weights = (len(place.named(names, start)) for start in ("epochs-", "weights-"))
    more = curves > 1 or weights > (place.kind == "source") or place.checkpoints(names) or place.leases(names)
    return RESULT in names and not more and not any(entry.unfinished for entry in entries)


def _leftovers(store: Store, place: Place, entries: list[Entry]) -> Iterator[Garbage]:
    """Of a wanted run that nobody works on: temporary files, leases of the dead, and files its result does not name."""
    names = [entry.key.removeprefix(f"{place.folder}/") for entry in entries if not entry.unfinished]
    what = {entry.key: "temporary file" for entry in entries if entry.unfinished}
    what |= dict.fromkeys(place.leases(names), "stale lease")
    try:
        record = records.result(store, place) if RESULT in names else None
    except Damaged:  # for `run` to find and to keep
        record = None
    if record is not None:
        own = {place.epochs(record.epochs_sha256), record.weights_sha256 and place.weights(record.weights_sha256)}
        rest = [*place.named(names, "epochs-", "weights-"), *place.checkpoints(names)]
        what |= {key: "leftover" for key in rest if key not in own}
    sizes = {entry.key: entry.bytes for entry in entries}
    for key, sort in sorted(what.items(), key=lambda item: item[::-1]):
        yield Garbage(sort, key, sizes[key], place)


def _quarantine(store: Store) -> list[Garbage]:
    sizes = {f"{QUARANTINE}/{name}": 0 for name in sorted(store.list(QUARANTINE))}
    for entry in store.entries(QUARANTINE):
        folder = "/".join(entry.key.split("/")[:2])
        if folder in sizes:
            sizes[folder] += entry.bytes
    return [Garbage("quarantine", folder, size) for folder, size in sizes.items()]


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
