"""Where results go that are not what was committed: moved aside with the reason, never deleted here."""

from __future__ import annotations

import contextlib
import json
import os
import socket
from datetime import UTC, datetime
from pathlib import Path

from orchestrator.store import durable
from sweeps.layout import Layout, Place

COMMITTED = ("result.json", "epochs-*", "weights-*")
"""What a commit left, the commit itself first: once it is away, nobody takes the rest for a result."""


def move_away(layout: Layout, place: Place, reason: str) -> Path:
    """Move what was committed at `place` to a folder of its own; that folder. To be called by the lease's holder."""
    found = [path for pattern in COMMITTED for path in sorted(place.folder.glob(pattern))]
    return _moved(layout, place.kind, place.id, found, reason)


def move_file_away(layout: Layout, kind: str, id: str, path: Path, reason: str) -> Path:
    """The same for a file that stands by itself; whoever finds it may do so, and a second finder finds nothing."""
    return _moved(layout, kind, id, [path], reason)


def _moved(layout: Layout, kind: str, id: str, found: list[Path], reason: str) -> Path:
    folder = _new_folder(layout, kind, id)
    about = {
        "kind": kind,
        "id": id,
        "reason": reason,
        "files": [path.name for path in found],
        "host": socket.gethostname(),
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
    }
    durable.publish(folder / "reason.json", json.dumps(about, indent=1).encode())
    for path in found:
        with contextlib.suppress(FileNotFoundError):
            os.replace(path, folder / path.name)
    durable.sync_folder(folder)
    for parent in {path.parent for path in found}:
        durable.sync_folder(parent)
    return folder


def _new_folder(layout: Layout, kind: str, id: str) -> Path:
    durable.make_folder(layout.quarantine)
    number = 1
    while True:
        folder = layout.quarantine / f"{kind}-{id}-{number}"
        with contextlib.suppress(FileExistsError):
            folder.mkdir(mode=0o700)
            durable.sync_folder(layout.quarantine)
            return folder
        number += 1
