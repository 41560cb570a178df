"""A store that is a prefix of a bucket, read: keys are names of objects. orchestrator/store/objects adds writing."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from sweeps.layout import last_part
from sweeps.store.interface import Reading
from sweeps.store.location import S3Location
from sweeps.store.objects.cache import ObjectCache, cache_folder

if TYPE_CHECKING:
    from sweeps.store.objects.bucket import Bucket

NO_FILE = Path(os.devnull, "no-such-object")
"""A path at which there is no file, on any machine."""


class ObjectReading:
    """The reading half (sweeps/store/interface.py `Reading`) of a store in a bucket."""

    one_lease = True
    look_seconds = 7.5
    readers = 32

    def __init__(self, bucket: Bucket, location: S3Location, cache: ObjectCache | None = None) -> None:
        self.bucket = bucket
        self.location = location
        self._cache = cache or ObjectCache(cache_folder() / "objects")

    def where(self, key: str = "") -> str:
        return f"{self.location}/{key}" if key else str(self.location)

    def read(self, key: str) -> bytes | None:
        found = self.bucket.get(key)
        return None if found is None else found[0]

    def read_cached(self, key: str) -> bytes | None:
        there = self.bucket.head(key)
        return None if there is None else self.read_kept(key, there.etag)

    def read_kept(self, key: str, etag: str) -> bytes | None:
        """The same, where a listing has told the ETag: a copy with that ETag, or what is there now."""
        path = self._cache.get(self.where(key), etag)
        if path is not None:
            with contextlib.suppress(OSError):  # removed by another process since
                return path.read_bytes()
        found = self.bucket.get(key)
        if found is None:
            return None
        with contextlib.suppress(OSError):  # a disk that is full costs the copy, not the run
            self._cache.put(self.where(key), found[1], found[0])
        return found[0]

    def exists(self, key: str) -> bool:
        return self.bucket.head(key) is not None or any(True for _ in self.bucket.objects(key, page=1))

    def list(self, folder: str) -> list[str]:
        folders, objects = self.bucket.directly_in(folder)
        return [last_part(key) for key in (*folders, *(each.key for each in objects))]

    def local_path(self, key: str) -> Path:
        return self._file(key) or NO_FILE

    def local_folder(self, name: str) -> Path:
        """Beside the cache, not in it: what is kept here is nowhere else."""
        base = os.environ.get("XDG_DATA_HOME") or str(Path.home() / ".local" / "share")
        return Path(base, "frostline", self.location.name, name)

    def snapshot(self, folders: Iterable[str]) -> Reading:
        from sweeps.store.objects.snapshot import Snapshot

        return Snapshot(self, folders)

    def _file(self, key: str) -> Path | None:
        """The content as a file of the cache, downloaded if need be; None if there is no such object."""
        there = self.bucket.head(key)
        if there is None:
            return None
        path = self._cache.get(self.where(key), there.etag)
        if path is None and (found := self.bucket.get(key)) is not None:
            path = self._cache.put(self.where(key), found[1], found[0])
        return path
