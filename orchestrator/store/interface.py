"""What can be asked of a store: the reading half (sweeps/store/interface.py) and what changes it.

The ledger, leases, quarantine, gc, survey, verify, upgrade, checkpoints, stored activations, launch logs and marks of
publishing use these operations and nothing else. A folder is the first implementation (orchestrator/store/folder.py);
an object store with conditional writes can be a second one, so no operation promises a rename or a link.

All raise OSError where the storage refuses (disk full, read-only, a lost mount), and then nothing has changed that a
reader sees. Parents of a key need not exist.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple, Protocol, runtime_checkable

from sweeps.store.interface import Reading


class Entry(NamedTuple):
    """One thing that takes room in a store."""

    key: str
    bytes: int
    written: float
    """Seconds on the store's own clock, to be compared with `Store.now`."""
    unfinished: bool
    """A write under way, or what a crash left of one: no reader sees it."""


class Store(Reading, Protocol):
    """A store that can be written. Any number of processes on any machines may use it at the same time."""

    @property
    def beat_seconds(self) -> float:
        """The longest time between two heartbeats: what is cheap in a folder costs time and money elsewhere."""
        ...

    def prepare(self) -> None:
        """Make the store if there is none, and find out whether it can be written."""
        ...

    def create(self, key: str, data: bytes) -> bool:
        """Put `data` where nothing is; False, and nothing changed, if something is there.

        Of several processes that create one key, exactly one is told True. Durable when it returns.
        """
        ...

    def replace(self, key: str, data: bytes) -> None:
        """Put `data` at the key, whatever was there. Durable when it returns."""
        ...

    def heartbeat(self, key: str, before: bytes, data: bytes) -> bool:
        """Replace `before`, which this process wrote itself, by `data`; False, and nothing changed, if it is gone.

        Cheap, and not durable: a crash makes a heartbeat worthless anyway. Only the process that created the key may
        call this, so that comparing and replacing may be two steps.
        """
        ...

    def move(self, key: str, to: str) -> bool:
        """Take what is at `key` to the key `to`, over what is there; False if there is nothing. Durable.

        At every instant the content is at one of the two keys at least, for a moment perhaps at both.
        """
        ...

    def remove(self, *keys: str) -> None:
        """Remove keys; nothing there is no error. Not in one step."""
        ...

    def remove_all(self, *keys: str) -> None:
        """Remove keys and all keys below them, unfinished writes too. Not in one step."""
        ...

    def entries(self, folder: str, deep: bool = True) -> Iterator[Entry]:
        """All there is below `folder`, or only directly in it, unfinished writes too. For housekeeping: it is slow."""
        ...

    def gather(self) -> int:
        """Make what `snapshot` reads in bulk, of all results; how many were added. A folder needs none."""
        ...

    def now(self) -> float:
        """The store's own clock, in seconds, as `Entry.written` is told by it."""
        ...


@runtime_checkable
class ConditionalStore(Store, Protocol):
    """A store that replaces under a condition, in one step, by whichever process."""

    def swap(self, key: str, before: bytes | None, data: bytes) -> bool:
        """Put `data` where exactly `before` is, None: where nothing is; False, and nothing changed, if it is not.

        `data` must be what nobody else writes: it tells a process whose answer was lost that it was heard. Durable.
        """
        ...
