"""The copy of results that a plan reads in place of every result: one object for each first digit of the ids.

An index (`index/<kind>s/<1 hex>` in the store) holds results with the ETags of their objects, and is written by
drivers (orchestrator/store/objects/index.py). What it says counts only where the ETag is that of a listing, so an index
that is old, damaged or gone costs requests and nothing else.
"""

from __future__ import annotations

import hashlib
import json
import zlib
from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

VERSION = b" 2"
"""Behind the digest in the first line. The first version had no number; each reads the other's as none."""
LEVEL = 3
"""Of the compression: above it writing takes twice as long for some percent."""


class Entry(NamedTuple):
    etag: str
    start: int
    end: int


class Index:
    """Results by their keys: the content, where the ETag is the one asked for."""

    def __init__(self, entries: Mapping[str, Entry] | None = None, contents: bytes = b"") -> None:
        self._entries = entries or {}
        self._contents = contents

    def get(self, key: str, etag: str) -> bytes | None:
        found = self._entries.get(key)
        return None if found is None or found.etag != etag else self._contents[found.start : found.end]

    def __len__(self) -> int:
        return len(self._entries)


def index_content(results: Iterable[tuple[str, str, bytes]]) -> bytes:
    """An index of (key, ETag, content), as `read_index` reads it.

    A digest and the version; compressed by zlib, a line of JSON with keys, ETags and lengths, and the contents.
    """
    listed = sorted(results)
    head = json.dumps([(key, etag, len(content)) for key, etag, content in listed], separators=(",", ":")).encode()
    body = zlib.compress(b"".join((head, b"\n", *(content for *_, content in listed))), LEVEL)
    return hashlib.sha256(body).hexdigest().encode() + VERSION + b"\n" + body


def read_index(raw: bytes | None) -> Index:
    """The index that these bytes are; an empty one where they are none that is whole."""
    digest, _, body = (raw or b"").partition(b"\n")
    if hashlib.sha256(body).hexdigest().encode() + VERSION != digest:
        return Index()
    head, _, contents = zlib.decompress(body).partition(b"\n")
    return Index(dict(_entries(json.loads(head))), contents)


def _entries(listed: Iterable[tuple[str, str, int]]) -> Iterator[tuple[str, Entry]]:
    end = 0
    for key, etag, length in listed:
        start, end = end, end + length
        yield key, Entry(etag, start, end)
