"""A look at each of many things in a store: as many at a time as the store has readers, since each look may wait."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from sweeps.store.interface import Reading

Item = TypeVar("Item")
Seen = TypeVar("Seen")


def look_at_each(store: Reading, look: Callable[[Item], Seen], items: Iterable[Item]) -> list[tuple[Item, Seen]]:
    """(item, what was seen of it), in the items' order. Raises what a look raises."""
    asked = list(items)
    if len(asked) <= 1:
        return [(item, look(item)) for item in asked]
    with ThreadPoolExecutor(min(store.readers, len(asked)), thread_name_prefix="looks") as pool:
        return list(zip(asked, pool.map(look, asked), strict=True))
