"""Writing the index of results: a few objects, in place of a request for every result.

It is a copy (sweeps/store/objects/index.py). Of two drivers that write at the same time the later one wins: what the
other had added costs requests until an index is written again, and nothing is lost.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from sweeps import layout
from sweeps.layout import KINDS
from sweeps.store.objects.index import index_content, read_index
from sweeps.store.objects.listing import objects_below
from sweeps.store.objects.reading import ObjectReading

LEAST = 16
"""Results that are not in an index before it is written anew: fewer cost less than that."""

AT_ONCE = 4
"""Indices that are written side by side: each is in memory meanwhile."""


def write_index(store: ObjectReading, replace: Callable[[str, bytes], None], least: int = LEAST) -> int:
    """Bring the index up to date where that saves requests; how many results it was given. Raises OSError."""
    shelves = [f"{layout.shelf(kind)}/{first}" for kind in KINDS for first in store.list(layout.shelf(kind))]
    results: dict[str, dict[str, str]] = {}
    for each in objects_below(store.bucket, shelves, store.readers):
        if layout.last_part(each.key) == layout.RESULT:
            shelf = "/".join(each.key.split("/")[:2])
            results.setdefault(layout.index(shelf), {})[each.key] = each.etag
    with (
        ThreadPoolExecutor(store.readers, thread_name_prefix="results") as readers,
        ThreadPoolExecutor(AT_ONCE, thread_name_prefix="index") as writers,
    ):

        def write(key: str) -> int:
            """One index, from the one before it and the results that are new."""
            etags = results[key]
            if len(etags) < least:
                return 0
            before = read_index(store.read(key))
            kept = [(result, tag, content) for result, tag in etags.items() if (content := before.get(result, tag))]
            new = sorted(etags.keys() - {result for result, *_ in kept})
            if len(new) < least:
                return 0
            found = zip(new, readers.map(store.bucket.get, new), strict=True)
            added = [(result, got[1], got[0]) for result, got in found if got is not None]
            replace(key, index_content([*kept, *added]))
            return len(added)

        return sum(writers.map(write, results))
