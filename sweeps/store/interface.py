"""What can be asked of a store without changing it. orchestrator/store/interface.py adds what changes it.

Keys are made in sweeps/layout.py. Every operation that meets the storage raises OSError where the storage fails
(permissions, a lost mount, a network error); a key that is not there is no failure.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Protocol

from sweeps.errors import InputError


class StoreError(InputError):
    """The store cannot be used, or holds what it should not. Its text is one line."""


class Damaged(StoreError):
    """A file of the store is not what was committed. `run` moves a result to quarantine and computes it again."""


class Reading(Protocol):
    """The reading half of a store. Safe to use from several threads, beside any number of writers.

    A reader sees a key's old content or its new one, never part of either. What was created or replaced is seen by
    every read and list that starts after the call returned.
    """

    @property
    def one_lease(self) -> bool:
        """Whether a run has one lease, replaced under a condition, or a key for each token (sweeps/store/leases.py)."""
        ...

    @property
    def readers(self) -> int:
        """How many threads read faster than fewer do, having to wait."""
        ...

    @property
    def look_seconds(self) -> float:
        """Between two looks of a process for what another may have written meanwhile: a request may cost money."""
        ...

    def where(self, key: str = "") -> str:
        """The key as messages name it: a path or an address that a person can look at. Without a key, the store."""
        ...

    def read(self, key: str) -> bytes | None:
        """The content; None if there is nothing at this key."""
        ...

    def read_cached(self, key: str) -> bytes | None:
        """The same, of content that many on this machine read: a store far away keeps a copy here.

        The copy is of what is in the store now.
        """
        ...

    def exists(self, key: str) -> bool:
        """Whether there is something at this key, or below it."""
        ...

    def list(self, folder: str) -> list[str]:
        """Names directly in `folder` (the next part of each key below it), in any order; empty if there is none.

        Writes that are not finished are not listed.
        """
        ...

    def local_path(self, key: str) -> Path:
        """A local file with the content, for libraries that read only files: to be read, never written.

        Of a folder it is the file itself; another store may download it first. It need not exist if the key does not.
        """
        ...

    def snapshot(self, folders: Iterable[str]) -> Reading:
        """This store for one who looks at most of what is below some folders: names and contents are as of the call,
        or later. A store far away lists the folders once and reads results in bulk.
        """
        ...

    def local_folder(self, name: str) -> Path:
        """A folder of this machine for what cannot be kept anywhere else: W&B's offline runs. It may not exist yet."""
        ...
