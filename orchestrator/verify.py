"""Re-hash a store: is what each result speaks of there, whole, and what it says it is?"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from orchestrator import durable
from orchestrator.ledger import Ledger, StoreError
from sweeps.identity import digest
from sweeps.layout import Kind, Place
from sweeps.records import RunRecord

KINDS: tuple[Kind, ...] = ("source", "run")


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
    if digest(place.kind, record.spec) != place.id or record.id != place.id:
        return f"{path}: its spec is not the one its id stands for"
    return _file_problem(record, place)


def _file_problem(record: RunRecord, place: Place) -> str | None:
    expected = [(place.epochs(record.epochs_sha256), record.epochs_sha256)]
    if record.kind == "source":
        if record.weights_sha256 is None:
            return f"{place.result}: a source model without weights"
        expected.append((place.weights(record.weights_sha256), record.weights_sha256))
    for path, sha256 in expected:
        try:
            found = durable.sha256(path.read_bytes())
        except OSError as problem:
            return f"{path}: {problem.strerror}"
        if found != sha256:
            return f"{path}: damaged, its SHA-256 is not that of its result.json"
    return None
