"""Where files of pre-trained weights lie: runs name them by their digest, and workers find the path in the store."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path

from architectures.weight_files import known_path
from orchestrator.store.interface import Store
from orchestrator.store.jobs import Job
from sweeps import layout
from sweeps.store.interface import Reading


def write(store: Store, jobs: Iterable[Job]) -> None:
    """Write down the path of each file that the jobs start from, as this process has found it. Raises OSError."""
    digests = {job.spec.model.weights for job in jobs} - {None}
    for digest in sorted(digest for digest in digests if digest is not None):
        path = known_path(digest)
        content = json.dumps({"path": str(path)}).encode()
        if path is not None and store.read(layout.weight_path(digest)) != content:
            store.replace(layout.weight_path(digest), content)


def read(store: Reading, digest: str) -> Path | None:
    """The path on record, None if there is none. What lies there is for the reader to check."""
    try:
        found = json.loads(store.read(layout.weight_path(digest)) or b"{}")
    except ValueError:
        return None
    path = found.get("path") if isinstance(found, dict) else None
    return Path(path) if isinstance(path, str) else None
