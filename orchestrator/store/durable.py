"""Writing files so that a crash at any instant leaves either the old state or the new one, never part of it.

For the store in a folder (orchestrator/store/folder.py) alone.
"""

from __future__ import annotations

import contextlib
import os
import uuid
from collections.abc import Iterator
from pathlib import Path

from orchestrator.store.faults import NO_FAULTS, Faults

TEMPORARY = ".tmp"
"""How the names of files end that are not whole yet, or were left behind by a crash."""


def make_folder(folder: Path) -> None:
    """Create a folder readable by its owner alone, and so each missing parent."""
    if not folder.parent.exists():
        make_folder(folder.parent)
    folder.mkdir(mode=0o700, exist_ok=True)


def replace(path: Path, data: bytes, faults: Faults = NO_FAULTS) -> None:
    """Put `data` at `path`, whatever was there. Durable when it returns."""
    with _written_beside(path, data, faults) as temporary:
        os.replace(temporary, path)
    faults.point(f"{_sort(path)}.named", path)
    sync_folder(path.parent)
    faults.point(f"{_sort(path)}.done", path)


def create(path: Path, data: bytes, faults: Faults = NO_FAULTS) -> bool:
    """Put `data` at `path` if nothing is there; False if something is. Durable when it returns."""
    with _written_beside(path, data, faults) as temporary:
        try:
            os.link(temporary, path)
        except FileExistsError:
            return False
    faults.point(f"{_sort(path)}.named", path)
    sync_folder(path.parent)
    faults.point(f"{_sort(path)}.done", path)
    return True


def sync_folder(folder: Path) -> None:
    """Make the names in a folder durable: without this a rename may be lost although its content is not."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def temporary_name(path: Path) -> Path:
    """A name beside `path` for a file that is not whole yet. No two calls give the same."""
    return path.with_name(f".{path.name}.{uuid.uuid4().hex[:12]}{TEMPORARY}")


def open_new(path: Path) -> int:
    """A file descriptor for writing a new file that its owner alone can read."""
    return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)


@contextlib.contextmanager
def _written_beside(path: Path, data: bytes, faults: Faults) -> Iterator[Path]:
    faults.point(f"{_sort(path)}.begin", path)
    temporary = temporary_name(path)
    descriptor = open_new(temporary)
    try:
        with os.fdopen(descriptor, "wb") as file:
            half = len(data) // 2
            file.write(memoryview(data)[:half])
            faults.point(f"{_sort(path)}.half", path)
            file.write(memoryview(data)[half:])
            file.flush()
            os.fsync(file.fileno())
        faults.point(f"{_sort(path)}.written", path)
        yield temporary
    finally:
        with contextlib.suppress(FileNotFoundError):
            temporary.unlink()


def _sort(path: Path) -> str:
    """checkpoint, epochs, weights, result, lease, failure: what a fault point is called after."""
    return path.name.partition(".")[0].partition("-")[0]
