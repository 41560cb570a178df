"""Where results go that are not what was committed: moved aside with the reason, never deleted here."""

from __future__ import annotations

import contextlib
import json
import os
import socket
from datetime import UTC, datetime
from pathlib import Path

from orchestrator import durable
from sweeps.layout import Layout, Place

COMMITTED = ("result.json", "epochs-*", "weights-*")
"""What a commit left, the commit itself first: once it is away, nobody takes the rest for a result."""


def move_away(layout: Layout, place: Place, reason: str) -> Path:
    """Move what was committed at `place` to a folder of its own; that folder. To be called by the lease's holder."""
    folder = _new_folder(layout, place)
    found = [path for pattern in COMMITTED for path in sorted(place.folder.glob(pattern))]
    about = {
        "kind": place.kind,
        "id": place.id,
        "reason": reason,
        "files": [path.name for path in found],
        "host": socket.gethostname(),
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
    }
    durable.publish(folder / "reason.json", json.dumps(about, indent=1).encode())
    for path in found:
        os.replace(path, folder / path.name)
    durable.sync_folder(folder)
    durable.sync_folder(place.folder)
    return folder


def _new_folder(layout: Layout, place: Place) -> Path:
    durable.make_folder(layout.quarantine)
    number = 1
    while True:
        folder = layout.quarantine / f"{place.kind}-{place.id}-{number}"
        with contextlib.suppress(FileExistsError):
            folder.mkdir(mode=0o700)
            durable.sync_folder(layout.quarantine)
            return folder
        number += 1
