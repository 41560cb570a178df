"""Re-hash a store: is what each result speaks of there, whole, and what it says it is?"""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

from sweeps import layout
from sweeps.layout import Place
from sweeps.store import records
from sweeps.store.interface import Reading, StoreError


def problems(store: Reading) -> Iterator[tuple[Place, str | None]]:
    """Each committed result of the store with what is wrong with it, None if nothing is. Changes nothing."""
    with ThreadPoolExecutor(store.readers, thread_name_prefix="verify") as pool:
        for place, found in pool.map(lambda place: (place, _looked_at(store, place)), records.places(store)):
            if found is not None:
                yield place, found or None


def _looked_at(store: Reading, place: Place) -> str | None:
    """What is wrong, empty if nothing is; None where there is no result."""
    return (_problem(store, place) or "") if store.exists(place.result) else None


def _problem(store: Reading, place: Place) -> str | None:
    result = store.where(place.result)
    if place != layout.place(place.kind, place.id):
        return f"{result}: stands in the wrong folder"
    try:
        record = records.result(store, place)
    except StoreError as problem:
        return str(problem)
    if record is None:
        return f"{result}: vanished while it was read"
    return records.problem_of(store, record, place)
