"""A store in a folder of a local disk or a shared file system: needs atomic rename and link, and fsync that is true."""

from __future__ import annotations

import contextlib
import os
import shutil
import time
import uuid
from collections.abc import Iterator
from pathlib import Path

from orchestrator.store import durable
from orchestrator.store.faults import NO_FAULTS, Faults
from orchestrator.store.interface import Entry, Store
from sweeps.store.folder import Folder
from sweeps.store.location import Location, S3Location, location_of

PROBE = ".probe-"
"""How the names of files begin that only try whether the folder can be written, or what its clock says."""


class FolderStore(Folder):
    """The operations of `Store` on a folder. Folders are made with mode 0700, files with 0600."""

    beat_seconds = 2.0

    def __init__(self, root: Path, faults: Faults = NO_FAULTS) -> None:
        super().__init__(root)
        self._faults = faults

    def prepare(self) -> None:
        durable.make_folder(self.local_path(""))
        self._probe()

    def create(self, key: str, data: bytes) -> bool:
        return durable.create(self._with_parents(key), data, self._faults)

    def replace(self, key: str, data: bytes) -> None:
        durable.replace(self._with_parents(key), data, self._faults)

    def heartbeat(self, key: str, before: bytes, data: bytes) -> bool:
        path = self.local_path(key)
        temporary = durable.temporary_name(path)
        try:
            with os.fdopen(durable.open_new(temporary), "wb") as file:
                file.write(data)
            # Looked at last: after a long sleep the file may be gone, and must not come back.
            if self.read(key) != before:
                return False
            os.replace(temporary, path)
            return True
        except FileNotFoundError:
            return False
        finally:
            with contextlib.suppress(OSError):
                temporary.unlink(missing_ok=True)

    def move(self, key: str, to: str) -> bool:
        source = self.local_path(key)
        if not source.exists():  # then no folder is made for it either
            return False
        target = self._with_parents(to)
        try:
            os.replace(source, target)
        except FileNotFoundError:
            return False
        for folder in {source.parent, target.parent}:
            durable.sync_folder(folder)
        return True

    def remove(self, *keys: str) -> None:
        for key in keys:
            self.local_path(key).unlink(missing_ok=True)

    def remove_all(self, *keys: str) -> None:
        for path in map(self.local_path, keys):
            if path.is_dir():
                shutil.rmtree(path)
            else:
                path.unlink(missing_ok=True)

    def entries(self, folder: str, deep: bool = True) -> Iterator[Entry]:
        try:
            with os.scandir(self.where(folder)) as found:
                for entry in sorted(found, key=lambda entry: entry.name):
                    key = f"{folder}/{entry.name}" if folder else entry.name
                    if entry.is_dir(follow_symlinks=False):
                        yield from self.entries(key) if deep else ()
                        continue
                    with contextlib.suppress(FileNotFoundError):  # gone meanwhile
                        about = entry.stat()
                        half = entry.name.startswith(".") and entry.name.endswith(durable.TEMPORARY)
                        unfinished = half or entry.name.startswith(PROBE)
                        yield Entry(key, about.st_size, about.st_mtime, unfinished)
        except (FileNotFoundError, NotADirectoryError):
            return

    def gather(self) -> int:
        return 0

    def now(self) -> float:
        try:
            return self._probe()
        except OSError:  # read-only: nothing can be removed either
            return time.time()

    def _probe(self) -> float:
        """The time of a file written now, by the clock of the machine that holds the folder."""
        probe = self.local_path(f"{PROBE}{uuid.uuid4().hex[:12]}")  # two hosts may have a process of one number
        probe.touch(mode=0o600)
        written = probe.stat().st_mtime
        probe.unlink()
        return written

    def _with_parents(self, key: str) -> Path:
        path = self.local_path(key)
        durable.make_folder(path.parent)
        return path


def store_at(location: str | Location, faults: Faults = NO_FAULTS) -> Store:
    """The store at a location. The one place that knows which implementation serves it. Raises StoreError."""
    place = location_of(location)
    if isinstance(place, S3Location):
        from orchestrator.store.objects.store import ObjectStore
        from sweeps.store.objects.s3 import bucket_at

        return ObjectStore(bucket_at(place), place, faults)
    return FolderStore(place, faults)
