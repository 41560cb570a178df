"""Many results of a bucket at once: each shelf listed in one pass, its results read from the index where that has them.

A listing tells the ETag of every object. The index (`index/<kind>s/<1 hex>` in the store) is a copy of results with
their ETags, written by drivers; what it says counts only where the ETag is that of the listing, so an index that is old
or gone costs time and nothing else.
"""

from __future__ import annotations

import hashlib
import json
import zlib
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

from sweeps import layout

if TYPE_CHECKING:
    from sweeps.store.interface import Reading
    from sweeps.store.objects.reading import ObjectReading

Index = dict[str, tuple[str, str]]
"""By key of a result: the ETag of its object and its text."""


class Snapshot:
    """What is below some folders, as it was when this was made; all else is asked of the store itself."""

    one_lease = True
    look_seconds = 7.5

    def __init__(self, store: ObjectReading, listed: dict[str, dict[str, str]], index: Index) -> None:
        self._store = store
        self._index = index
        self.readers = store.readers
        self._names: dict[str, dict[str, str]] = {}
        self._shelves = tuple(f"{shelf}/" for shelf in listed)
        for shelf, etags in listed.items():
            self._names.setdefault(shelf, {})
            for key, etag in etags.items():
                self._add(shelf, key, etag)

    def where(self, key: str = "") -> str:
        return self._store.where(key)

    def read(self, key: str) -> bytes | None:
        if not self._covers(key):
            return self._store.read(key)
        etag = self._names.get(layout.parent(key), {}).get(layout.last_part(key))
        if etag is None:
            return None
        known = self._index.get(key)
        return known[1].encode() if known is not None and known[0] == etag else self._store.read(key)

    def read_cached(self, key: str) -> bytes | None:
        return self._store.read_cached(key)

    def exists(self, key: str) -> bool:
        if not self._covers(key):
            return self._store.exists(key)
        return key in self._names or layout.last_part(key) in self._names.get(layout.parent(key), {})

    def list(self, folder: str) -> list[str]:
        if self._covers(f"{folder}/"):
            return [*self._names.get(folder, {})]
        return self._store.list(folder)

    def local_path(self, key: str) -> Path:
        return self._store.local_path(key)

    def local_folder(self, name: str) -> Path:
        return self._store.local_folder(name)

    def snapshot(self, folders: Iterable[str]) -> Reading:
        return self._store.snapshot(folders)

    def _covers(self, key: str) -> bool:
        return key.startswith(self._shelves)

    def _add(self, shelf: str, key: str, etag: str) -> None:
        while key != shelf:
            folder, name = layout.parent(key), layout.last_part(key)
            self._names.setdefault(folder, {})[name] = etag
            key, etag = folder, ""


def snapshot(store: ObjectReading, folders: Iterable[str]) -> Snapshot:
    """Of folders such as `runs/ab`. Raises OSError."""
    shelves = list(dict.fromkeys(folders))
    with ThreadPoolExecutor(store.readers, thread_name_prefix="snapshot") as pool:
        listed = pool.map(lambda shelf: {each.key: each.etag for each in store.bucket.objects(shelf)}, shelves)
        indices = pool.map(lambda key: read_index(store, key), dict.fromkeys(map(layout.index, shelves)))
        found = dict(zip(shelves, listed, strict=True))
        index = {key: entry for part in indices for key, entry in part.items()}
    return Snapshot(store, found, index)


def read_index(store: Reading, key: str) -> Index:
    """An index; empty where there is none, or none that is whole. Raises OSError."""
    raw = store.read(key) or b""
    digest, _, body = raw.partition(b"\n")
    if hashlib.sha256(body).hexdigest().encode() != digest:
        return {}
    return {key: (etag, text) for key, (etag, text) in json.loads(zlib.decompress(body)).items()}


def index_content(index: Index) -> bytes:
    """What `read_index` reads: a digest, a line break, JSON compressed by zlib."""
    body = zlib.compress(json.dumps(index, sort_keys=True).encode(), 6)
    return hashlib.sha256(body).hexdigest().encode() + b"\n" + body
