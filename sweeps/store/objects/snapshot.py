"""Many results of a bucket at once: shelves listed in one pass, their results read from the index where that has them.

A listing tells the ETag of every object, and an entry of the index counts only where its ETag is the same: what is
there, and what it says, is as the bucket has it now. A machine keeps the indices that it has read.
"""

from __future__ import annotations

from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

from sweeps import layout
from sweeps.store.objects.index import Index, read_index
from sweeps.store.objects.listing import objects_below

if TYPE_CHECKING:
    from sweeps.store.interface import Reading
    from sweeps.store.objects.reading import ObjectReading

NONE = Index()
USUAL = {name: name for name in (layout.RESULT, layout.ONE_LEASE)}
"""Names that stand in every folder: one string for all of them."""


class Snapshot:
    """What is below some shelves (`runs/ab`), as it was when this was made; all else is asked of the store itself."""

    one_lease = True
    look_seconds = 7.5

    def __init__(self, store: ObjectReading, shelves: Iterable[str]) -> None:
        self._store = store
        self.readers = store.readers
        self._names: dict[str, dict[str, str]] = {shelf: {} for shelf in shelves}
        """By folder, the names in it and the ETags of what does not change."""
        self._shelves = frozenset(self._names)
        for each in objects_below(store.bucket, self._shelves, store.readers):
            self._add(each.key, each.etag)
        self._indices = _indices(store, {layout.index(shelf) for shelf in self._shelves if self._names[shelf]})

    def where(self, key: str = "") -> str:
        return self._store.where(key)

    def read(self, key: str) -> bytes | None:
        shelf = _shelf(key)
        if shelf not in self._shelves:
            return self._store.read(key)
        etag = self._etag(key)
        if etag is None:
            return None
        known = self._indices.get(layout.index(shelf), NONE).get(key, etag)
        return self._store.read(key) if known is None else known

    def read_cached(self, key: str) -> bytes | None:
        """What never changes under its name (curves, weights) is asked for once on a machine."""
        if _shelf(key) not in self._shelves:
            return self._store.read_cached(key)
        etag = self._etag(key)
        return None if etag is None else self._store.read_kept(key, etag)

    def exists(self, key: str) -> bool:
        if _shelf(key) not in self._shelves:
            return self._store.exists(key)
        return key in self._names or layout.last_part(key) in self._names.get(layout.parent(key), {})

    def list(self, folder: str) -> list[str]:
        if _shelf(f"{folder}/") in self._shelves:
            return [*self._names.get(folder, {})]
        return self._store.list(folder)

    def local_path(self, key: str) -> Path:
        return self._store.local_path(key)

    def local_folder(self, name: str) -> Path:
        return self._store.local_folder(name)

    def snapshot(self, folders: Iterable[str]) -> Reading:
        return self._store.snapshot(folders)

    def _etag(self, key: str) -> str | None:
        return self._names.get(layout.parent(key), {}).get(layout.last_part(key))

    def _add(self, key: str, etag: str) -> None:
        folder, _, name = key.rpartition("/")
        if folder not in self._names:
            self._names[folder] = {}
            if folder not in self._shelves:
                self._add(folder, "")
        self._names[folder][USUAL.get(name, name)] = etag if name != layout.ONE_LEASE else ""


def _shelf(key: str) -> str:
    """The first two parts of a longer key; empty of a shorter one."""
    return key[: max(0, key.find("/", key.find("/") + 1))]


def _indices(store: ObjectReading, keys: set[str]) -> dict[str, Index]:
    """Those of the indices that there are."""
    if not keys:
        return {}
    there = {each.key: each.etag for each in store.bucket.objects(layout.INDEX) if each.key in keys}
    with ThreadPoolExecutor(store.readers, thread_name_prefix="index") as pool:
        return dict(zip(there, pool.map(lambda key: read_index(store.read_kept(key, there[key])), there), strict=True))
