"""A folder of this machine that holds contents of an object store which never change, for all processes of the machine.

A content is kept under its object's address and ETag: one that was replaced in the store is another entry. An entry
carries its own digest, and one that is not whole counts as none, so whatever lies in the folder costs a download at
most. `FROSTLINE_CACHE` says where it is.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import uuid
from pathlib import Path

MOST_BYTES = 20 * 2**30
"""Of all entries together; what was used longest ago goes first."""
SUFFIX = ".object"


def cache_folder() -> Path:
    """`$FROSTLINE_CACHE`, else `frostline` in the user's folder of caches."""
    given = os.environ.get("FROSTLINE_CACHE")
    if given:
        return Path(given)
    base = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    return Path(base) / "frostline"


class ObjectCache:
    """Contents by address and ETag. A folder that cannot be written is a cache that is empty."""

    def __init__(self, folder: Path, most_bytes: int = MOST_BYTES) -> None:
        self._folder = folder
        self._most_bytes = most_bytes
        self._since_looked = most_bytes
        """Bytes that this process has put here since it last saw how much there is."""

    def path(self, address: str, etag: str) -> Path:
        name = hashlib.sha256(f"{address}\n{etag}".encode()).hexdigest()[:40]
        return self._folder / name[:2] / f"{name}{SUFFIX}"

    def get(self, address: str, etag: str) -> Path | None:
        """The file, whole; None if there is none."""
        path = self.path(address, etag)
        try:
            if path.with_suffix(".sha256").read_text() != _digest(path.read_bytes()):
                return None
            os.utime(path)
        except OSError:
            return None
        return path

    def put(self, address: str, etag: str, content: bytes) -> Path:
        """The file with that content. Raises OSError where it cannot be written."""
        path = self.path(address, etag)
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._make_room(len(content))
        for target, data in ((path, content), (path.with_suffix(".sha256"), _digest(content).encode())):
            beside = target.with_name(f".{uuid.uuid4().hex}")
            try:
                with os.fdopen(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
                    file.write(data)
                os.replace(beside, target)
            finally:
                beside.unlink(missing_ok=True)
        return path

    def _make_room(self, needed: int) -> None:
        """A look at all entries once in a hundredth of what the cache may hold: there may be 100,000 of them."""
        self._since_looked += needed
        if self._since_looked < self._most_bytes / 100:
            return
        self._since_looked = 0
        entries = []
        for path in self._folder.glob(f"??/*{SUFFIX}"):
            with contextlib.suppress(OSError):  # removed by another process
                about = path.stat()
                entries.append((about.st_mtime, about.st_size, path))
        total = needed + sum(size for _, size, _ in entries)
        for _, size, path in sorted(entries):
            if total <= self._most_bytes:
                return
            for each in (path, path.with_suffix(".sha256")):
                with contextlib.suppress(OSError):
                    each.unlink(missing_ok=True)
            total -= size


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
