"""Many folders listed at once, by about as many requests as there are pages of objects in them.

A service tells of 1,000 objects a request, in the order of their keys, from any key on. So folders that stand next to
each other are listed together: of a small store one page covers hundreds of them. Where the first page is not all, the
rest is shared among threads; pages on which nothing stands that is asked for are skipped.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import groupby, pairwise
from typing import NamedTuple

from sweeps.layout import parent
from sweeps.store.objects.bucket import PAGE, Bucket, Object


class _Part(NamedTuple):
    """Folders with one parent, in order, of which all is known up to the key `after`."""

    folders: list[str]
    after: str = ""


def objects_below(bucket: Bucket, folders: Iterable[str], threads: int) -> Iterator[Object]:
    """Every object below some folders, once; of folders with one parent in the order of their keys. No folder may hold
    another. Raises OSError.

    Requests, for each parent of the folders: at most one for each 1,000 objects from the first folder to the last, and
    one for each thread besides; never more than one for each 1,000 objects of each folder.
    """
    parts = [_Part([*group]) for _, group in groupby(sorted(set(folders)), key=parent)]
    with ThreadPoolExecutor(threads, thread_name_prefix="listing") as pool:
        shared: list[_Part] = []
        for part, (found, rest) in zip(parts, pool.map(lambda part: _page(bucket, part), parts), strict=True):
            yield from found
            shared += _shared(part, rest, threads) if rest is not None else []
        for some in pool.map(lambda part: _walk(bucket, part), shared):
            yield from some


def _walk(bucket: Bucket, part: _Part) -> list[Object]:
    found, rest = [], part
    while rest is not None:
        more, rest = _page(bucket, rest)
        found += more
    return found


def _page(bucket: Bucket, part: _Part) -> tuple[list[Object], _Part | None]:
    """What one page holds of a part, and what is left of the part; None if nothing is."""
    above, after = parent(part.folders[0]), max(part.after, part.folders[0])
    page = bucket.page(part.folders[0] if len(part.folders) == 1 else above, after)
    if page and (page[0].key <= after or any(one.key >= next.key for one, next in pairwise(page))):
        # A service that heeds no start, or no order: it is asked for each folder by itself.
        found = (each for folder in part.folders for each in bucket.objects(folder))
        return [each for each in found if each.key > part.after], None
    wanted, depth = {*part.folders}, len(above) + 1 if above else 0
    found = [each for each in page if each.key[: max(0, each.key.find("/", depth))] in wanted]
    left = [folder for folder in part.folders if _may_come_after(folder, page[-1].key)] if len(page) == PAGE else []
    return found, _Part(left, page[-1].key) if left else None


def _may_come_after(folder: str, key: str) -> bool:
    """Whether a key below the folder may come after `key`: "0" is the character that follows "/"."""
    return key < f"{folder}0"


def _shared(part: _Part, rest: _Part, threads: int) -> list[_Part]:
    """What is left of a part after one page, in parts of about one page and more, no more of them than threads."""
    pages = max(1, len(rest.folders) // max(1, len(part.folders) - len(rest.folders)))
    size = -(-len(rest.folders) // min(threads, pages))
    return [_Part(rest.folders[start : start + size], rest.after) for start in range(0, len(rest.folders), size)]
