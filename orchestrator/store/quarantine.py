"""Where results go that are not what was committed: moved aside with the reason, never deleted here."""

from __future__ import annotations

import json
import socket
from datetime import UTC, datetime

from orchestrator.store.interface import Store
from sweeps.layout import QUARANTINE, Place, last_part

COMMITTED = ("result.json", "epochs-", "weights-")
"""How the names begin of what a commit left, the commit itself first: once it is away, nobody takes the rest for a
result."""


def move_away(store: Store, place: Place, reason: str, besides: tuple[str, ...] = ()) -> str:
    """Move what was committed at `place` to a folder of its own; its key. To be called by the lease's holder.

    `besides`: how the names begin of what goes with it.
    """
    names = store.list(place.folder)
    found = [key for start in (*COMMITTED, *besides) for key in place.named(names, start)]
    return _moved(store, place.kind, place.id, found, reason)


def move_one_away(store: Store, kind: str, id: str, key: str, reason: str) -> str:
    """The same for a key that stands by itself; whoever finds it may do so, and a second finder finds nothing."""
    return _moved(store, kind, id, [key], reason)


def _moved(store: Store, kind: str, id: str, found: list[str], reason: str) -> str:
    about = {
        "kind": kind,
        "id": id,
        "reason": reason,
        "files": [last_part(key) for key in found],
        "host": socket.gethostname(),
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
    }
    content, number = json.dumps(about, indent=1).encode(), 1
    # Of several finders one alone creates the reason: the folder is its own.
    while not store.create(f"{QUARANTINE}/{kind}-{id}-{number}/reason.json", content):
        number += 1
    folder = f"{QUARANTINE}/{kind}-{id}-{number}"
    for key in found:
        store.move(key, f"{folder}/{last_part(key)}")
    return folder
