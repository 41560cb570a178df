"""A store that is a folder, read: keys are paths below it. orchestrator/store/folder.py adds writing."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterable
from pathlib import Path

TRIES = 5
"""Of a file that is replaced on another host while it is read. (NFS then has no old content: ESTALE.)"""


class Folder:
    """The reading half (sweeps/store/interface.py `Reading`) of a store in a folder."""

    one_lease = False
    look_seconds = 1.0
    readers = 4
    """Reading from memory gains nothing by more; a shared disk does."""

    def __init__(self, root: Path) -> None:
        self._root = str(root)

    def where(self, key: str = "") -> str:
        return f"{self._root}/{key}" if key else self._root

    def read(self, key: str) -> bytes | None:
        for attempt in range(1, TRIES + 1):
            try:
                with open(f"{self._root}/{key}", "rb", buffering=0) as file:
                    return file.readall()
            except FileNotFoundError:
                return None
            except OSError as problem:
                if problem.errno != errno.ESTALE or attempt == TRIES:
                    raise
        raise AssertionError

    def read_cached(self, key: str) -> bytes | None:
        return self.read(key)

    def exists(self, key: str) -> bool:
        return os.path.exists(self.where(key))

    def list(self, folder: str) -> list[str]:
        """Names that start with a dot are writes under way, or what a crash left of one."""
        try:
            return [name for name in os.listdir(self.where(folder)) if not name.startswith(".")]
        except FileNotFoundError:
            return []

    def local_path(self, key: str) -> Path:
        return Path(self._root, key)

    def snapshot(self, folders: Iterable[str]) -> Folder:
        return self

    def local_folder(self, name: str) -> Path:
        return Path(self._root, name)
