"""Bring a store of an older format to this one, in place, file by file; the same command goes on after a crash.

Format 1 had results and sweeps without a digest of their own; ids, curves and weights were the same.
"""

from __future__ import annotations

from dataclasses import dataclass

from orchestrator.store.folder import store_at
from orchestrator.store.interface import Store
from orchestrator.store.lease import living
from orchestrator.store.settings import DEFAULT, Settings
from sweeps.layout import FORMAT, FORMAT_KEY, Place
from sweeps.self_digest import FIELD, seal
from sweeps.store import records
from sweeps.store.interface import Damaged, StoreError
from sweeps.store.location import Location


@dataclass(frozen=True)
class Upgraded:
    files: int
    problems: tuple[str, ...]
    """What was left as it was, being damaged: `run` puts it in quarantine."""


def upgrade(root: Location, settings: Settings = DEFAULT) -> Upgraded:
    """Raises StoreError where there is no store of an older format, where one is in use, and where a file cannot be
    read: the format stays the old one until each result was looked at."""
    store = store_at(root, settings.faults)
    try:
        raw = store.read(FORMAT_KEY)
    except OSError as problem:
        raise records.unreadable(store, FORMAT_KEY, problem) from None
    if raw is None:
        raise StoreError(f"{store.where(FORMAT_KEY)}: No such file or directory")
    found = raw.decode(errors="replace").strip()
    if found == str(FORMAT):
        return Upgraded(0, ())
    if found != "1":
        raise StoreError(
            f"{store.where(FORMAT_KEY)}: format {found[:20]!r}; this version upgrades format 1 to {FORMAT}"
        )
    try:
        places = list(records.places(store))
        if held := living(store, places, settings):
            raise StoreError(f"{root}: in use ({held[0].kind} {held[0].id} is running); stop its sweep first")
        problems = [problem for place in places if (problem := _seal_result(store, place)) is not None]
        for key in records.sweep_keys(store):
            _seal_sweep(store, key)
        results = sum(store.exists(place.result) for place in places)
        store.replace(FORMAT_KEY, f"{FORMAT}\n".encode())
    except OSError as problem:
        raise StoreError(f"{root}: {problem.strerror}; nothing is lost, the same command goes on") from None
    return Upgraded(results - len(problems), tuple(problems))


def _seal_result(store: Store, place: Place) -> str | None:
    """Only a whole result is given a digest: one that was altered before must not come out as good."""
    content = store.read(place.result)
    if content is None or FIELD in content:
        return None
    try:
        record = records.result(store, place, sealed=False)
        problem = None if record is None else records.problem_of(store, record, place)
    except Damaged:
        problem = f"{store.where(place.result)}: damaged"
    if problem is None:
        store.replace(place.result, seal(content))
    return problem


def _seal_sweep(store: Store, key: str) -> None:
    """A record that does not parse is left: the next plan writes it anew."""
    try:
        records.sweep(store, key, sealed=False)
    except Damaged:
        return
    content = store.read(key)
    if content is not None and FIELD not in content:
        store.replace(key, seal(content))
