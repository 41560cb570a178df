"""Re-hash a store: is what each result speaks of there, whole, and what it says it is?"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from orchestrator.store.integrity import StoreError, problem_of
from orchestrator.store.ledger import Ledger
from sweeps.layout import KINDS, Place


def problems(ledger: Ledger) -> Iterator[tuple[Place, str | None]]:
    """Each committed result of the store with what is wrong with it, None if nothing is. Changes nothing."""
    for kind in KINDS:
        for path in sorted(ledger.layout.shelf(kind).glob("*/*/result.json")):
            place = ledger.layout.place(kind, path.parent.name)
            yield place, _problem(ledger, place, path)


def _problem(ledger: Ledger, place: Place, path: Path) -> str | None:
    if path != place.result:
        return f"{path}: stands in the wrong folder"
    try:
        record = ledger.record(place.kind, place.id)
    except StoreError as problem:
        return str(problem)
    if record is None:
        return f"{path}: vanished while it was read"
    return problem_of(record, place)
