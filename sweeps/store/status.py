"""The status of a run that has no result, by one rule for planning and for analysis.

    running   somebody holds its lease and may be alive
    failed    nobody does, and an attempt ended in an error
    missing   neither
    blocked   missing or failed, and its source model has failed or diverged: there is nothing to start from

Example: a run that failed twice and is being tried again is `running`. A run whose worker was killed on this machine is
`missing`; one whose worker was killed on another machine is `running` until a driver has watched its lease expire.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import TypeVar

from sweeps.layout import Place
from sweeps.records import Status
from sweeps.store import leases
from sweeps.store.interface import Reading


def without_result(
    store: Reading,
    place: Place,
    alive: Callable[[Place, leases.Lease], bool] = lambda place, lease: leases.may_be_alive(lease),
) -> Status:
    """Running, failed or missing, of a run or source model that has no result. Raises OSError.

    `alive` judges a lease: by one look, unless the caller has a `Watch`.
    """
    names = store.list(place.folder)
    last = leases.current(store, place, names) if names else None
    if last is not None and alive(place, last):
        return "running"
    return "failed" if place.failures(names) else "missing"


def after_source(status: Status, source: Status | None) -> Status:
    """The status of a run, given that of the source model that it starts from (None: it starts from none)."""
    return "blocked" if status in ("missing", "failed") and source in ("failed", "diverged") else status


def obstacle(source: str, status: Status | None) -> str:
    """Why the runs of a source model are blocked: its name and what became of it."""
    return f"source {source.removeprefix('source_')} {status}"


Item = TypeVar("Item")
_VARIES = re.compile(r"0x[0-9a-f]+|\b[0-9a-f]{8,}\b|\d+")


def kind_of_error(error: str) -> str:
    """What two failures have in common that fail alike: the text without numbers, addresses and ids."""
    return _VARIES.sub("#", error)


def grouped(items: Iterable[tuple[str, Item]]) -> list[tuple[str, list[Item]]]:
    """(error, item) pairs by the kind of their error, the most frequent first; each group under its first error."""
    groups: dict[str, tuple[str, list[Item]]] = {}
    for error, item in items:
        groups.setdefault(kind_of_error(error), (error, []))[1].append(item)
    return sorted(groups.values(), key=lambda group: -len(group[1]))
