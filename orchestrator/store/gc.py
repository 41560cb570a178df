"""What a store holds that no sweep on record reaches, or that a crash left behind; and its removal.

Nothing that a live process holds is touched: leftovers of a folder are only taken by who holds its lease.
"""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationError

from orchestrator.store.durable import TEMPORARY
from orchestrator.store.integrity import Damaged, StoreError, read_record
from orchestrator.store.lease import Held, Watch, claim, current, living
from sweeps.identity import source_id
from sweeps.layout import KINDS, Layout, Place
from sweeps.records import SweepRecord
from sweeps.self_digest import Altered, unsealed
from sweeps.spec import RunSpec

AGE_SECONDS = 3600.0
"""A temporary file outside of leased folders counts as left behind once it is this old, by the store's own clock."""


@dataclass(frozen=True)
class Garbage:
    """`place` is the run or source model that it belongs to, if it belongs to one."""

    what: str
    path: Path
    bytes: int
    place: Place | None = None


def garbage(layout: Layout) -> list[Garbage]:
    """Everything that may go. Changes nothing. Raises StoreError where a sweep's record cannot be read."""
    wanted = reached(layout)
    places = [Place(kind, path.name, path) for kind in KINDS for path in sorted(layout.shelf(kind).glob("*/*"))]
    alive = {place.folder for place in living(places)}
    found: list[Garbage] = []
    for place in places:
        if place.folder in alive:
            continue
        if (place.kind, place.id) not in wanted:
            found.append(Garbage(f"unreached {place.kind}", place.folder, _size(place.folder), place))
        else:
            found.extend(_leftovers(place))
    found.extend(Garbage("quarantine", path, _size(path)) for path in sorted(layout.quarantine.glob("*")))
    if not alive:  # a cache that no run is using now; whoever needs it computes it again
        found.extend(Garbage("activations", path, _size(path)) for path in sorted(layout.features.glob("*/[!.]*")))
    return found + list(_elsewhere(layout))


def reached(layout: Layout) -> set[tuple[str, str]]:
    """(kind, id) of every run of every sweep on record, and of the source models that these start from."""
    found: set[tuple[str, str]] = set()
    for path in sorted(layout.sweeps.glob("*/*.json")):
        try:
            record = SweepRecord.model_validate_json(unsealed(path.read_bytes()))
            specs = {id: RunSpec.model_validate({"source": None, **spec}) for id, spec in record.runs.items()}
        except (OSError, ValidationError, Altered):
            raise StoreError(
                f"{path}: damaged, so what it reaches is unknown; run its sweep again, or remove it"
            ) from None
        found.update(("run", id) for id in specs)
        found.update(("source", source) for spec in specs.values() if (source := source_id(spec)) is not None)
    return found


def remove(layout: Layout, items: list[Garbage]) -> list[Garbage]:
    """Delete; what was deleted. Left is what meanwhile is held, or wanted by a sweep that was recorded since."""
    return [item for item in items if _removed(layout, item)]


def _removed(layout: Layout, item: Garbage) -> bool:
    if item.place is None:
        if item.path.is_dir():
            shutil.rmtree(item.path)
        else:
            item.path.unlink(missing_ok=True)
        return True
    try:
        lease = claim(item.place, 0, Watch())
    except Held:
        return False
    try:
        if item.path != item.place.folder:
            item.path.unlink(missing_ok=True)
            return True
        if (item.place.kind, item.place.id) in reached(layout):
            return False
        lease.stop_beating()
        shutil.rmtree(item.path)
        return True
    finally:
        lease.release()


def _leftovers(place: Place) -> Iterator[Garbage]:
    """Of a wanted run that nobody works on: temporary files, leases of the dead, and files its result does not name."""
    names: list[tuple[str, Path]] = [("temporary file", path) for path in place.folder.glob(f".*{TEMPORARY}")]
    if current(place) is not None:
        names += [("stale lease", path) for path in place.leases()]
    try:
        record = read_record(place)
    except Damaged:  # for `run` to find and to keep
        record = None
    if record is not None:
        own = {place.epochs(record.epochs_sha256), record.weights_sha256 and place.weights(record.weights_sha256)}
        rest = [*place.folder.glob("epochs-*"), *place.folder.glob("weights-*"), *place.checkpoints()]
        names += [("leftover", path) for path in rest if path not in own]
    for what, path in sorted(names):
        yield Garbage(what, path, _size(path), place)


def _elsewhere(layout: Layout) -> Iterator[Garbage]:
    """Files outside of runs that a driver left behind, told by their age on the clock of the store's own machine."""
    probe = layout.root / f".probe-{os.getpid()}"
    try:
        probe.touch()
        now = probe.stat().st_mtime
        probe.unlink()
    except OSError:  # read-only: nothing can be deleted either
        now = time.time()
    paths = [*layout.root.glob(f".*{TEMPORARY}"), *layout.root.glob(".probe-*"), *layout.root.glob("stops/*")]
    paths += [*layout.sweeps.glob(f"*/.*{TEMPORARY}"), *layout.quarantine.glob(f".*{TEMPORARY}")]
    paths += layout.features.glob(f"*/.*{TEMPORARY}")
    for path in sorted(paths):
        if now - path.stat().st_mtime >= AGE_SECONDS:
            yield Garbage("temporary file", path, _size(path))


def _size(path: Path) -> int:
    files = [path] if path.is_file() else [file for file in path.rglob("*") if file.is_file()]
    return sum(file.stat().st_size for file in files)
