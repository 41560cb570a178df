"""Re-hash a store: is what each result speaks of there, whole, and what it says it is?"""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

from sweeps import layout
from sweeps.layout import Place
from sweeps.store import records
from sweeps.store.interface import Damaged, Reading, StoreError


def problems(store: Reading) -> Iterator[tuple[Place, StoreError | None]]:
    """Each committed result of the store with what is wrong with it, None if nothing is. Changes nothing.

    Damaged is what `run` moves to quarantine. Any other StoreError says why a result could not be checked: it may be
    whole, or not be there at all.
    """
    with ThreadPoolExecutor(store.readers, thread_name_prefix="verify") as pool:
        for place, (there, problem) in pool.map(lambda place: (place, _looked_at(store, place)), records.places(store)):
            if there:
                yield place, problem


def _looked_at(store: Reading, place: Place) -> tuple[bool, StoreError | None]:
    """Whether there is a result, for all that can be told, and what is wrong with it."""
    try:
        if not store.exists(place.result):
            return False, None
        problem = _problem(store, place)
        return True, None if problem is None else Damaged(problem)
    except OSError as refused:
        return True, records.unreadable(store, place.result, refused)
    except StoreError as problem:
        return True, problem


def _problem(store: Reading, place: Place) -> str | None:
    result = store.where(place.result)
    if place != layout.place(place.kind, place.id):
        return f"{result}: stands in the wrong folder"
    record = records.result(store, place)
    if record is None:
        return f"{result}: vanished while it was read"
    return records.problem_of(store, record, place)
