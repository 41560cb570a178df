"""The index of results, written by drivers: a few objects, in place of a request for every result.

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

LEAST = 16
"""Results that are not in an index before it is written anew: fewer cost less than that."""


def write_index(store: ObjectReading, replace: Callable[[str, bytes], None], least: int = LEAST) -> int:
    """Bring the index up to date where that saves requests; how many results it was given. Raises OSError."""
    shelves: dict[str, list[str]] = {}
    for kind in KINDS:
        for first in store.list(layout.shelf(kind)):
            shelf = f"{layout.shelf(kind)}/{first}"
            shelves.setdefault(layout.index(shelf), []).append(shelf)
    with ThreadPoolExecutor(store.readers, thread_name_prefix="index") as pool:
        return sum(pool.map(lambda key: _write(store, replace, key, shelves[key], least), shelves))


def _write(
    store: ObjectReading, replace: Callable[[str, bytes], None], key: str, shelves: list[str], least: int
) -> int:
    listed = (each for shelf in shelves for each in store.bucket.objects(shelf))
    results = {each.key: each.etag for each in listed if layout.last_part(each.key) == layout.RESULT}
    known = read_index(store, key)
    kept: Index = {key: known[key] for key, etag in results.items() if key in known and known[key][0] == etag}
    new = results.keys() - kept.keys()
    if len(new) < least:
        return 0
    for result in sorted(new):
        found = store.bucket.get(result)
        if found is not None:
            kept[result] = (found[1], found[0].decode(errors="replace"))
    replace(key, index_content(kept))
    return len(new)
