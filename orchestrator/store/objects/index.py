"""The index of results, written by drivers: one object for each shelf, in place of a request for every result.

It is a copy (sweeps/store/objects/snapshot.py): nothing is lost with it, and what it says of a result that was replaced
since is not believed.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from sweeps import layout
from sweeps.layout import KINDS
from sweeps.store.objects.reading import ObjectReading
from sweeps.store.objects.snapshot import Index, index_content, read_index

LEAST = 8
"""Results of a shelf that are not in its index before the index is written anew: fewer cost less than that."""


def write_index(store: ObjectReading, replace: Callable[[str, bytes], None], least: int = LEAST) -> int:
    """Bring the index up to date where that saves requests; how many results it was given. Raises OSError."""
    with ThreadPoolExecutor(store.readers, thread_name_prefix="index") as pool:
        shelves = [f"{layout.shelf(kind)}/{first}" for kind in KINDS for first in store.list(layout.shelf(kind))]
        return sum(pool.map(lambda shelf: _write(store, replace, shelf, least), shelves))


def _write(store: ObjectReading, replace: Callable[[str, bytes], None], shelf: str, least: int) -> int:
    results = {
        each.key: each.etag for each in store.bucket.objects(shelf) if layout.last_part(each.key) == layout.RESULT
    }
    known = read_index(store, shelf)
    kept: Index = {key: known[key] for key, etag in results.items() if key in known and known[key][0] == etag}
    new = results.keys() - kept.keys()
    if len(new) < least:
        return 0
    for key in sorted(new):
        found = store.bucket.get(key)
        if found is not None:
            kept[key] = (found[1], found[0].decode(errors="replace"))
    replace(layout.index(shelf), index_content(kept))
    return len(new)
