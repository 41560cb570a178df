"""A store that is a folder, read: keys are paths below it. orchestrator/store/folder.py adds writing."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TypeVar

TRIES = 5
"""Of a file that is replaced on another host while it is read. (NFS then has no old content: ESTALE.)"""
Answer = TypeVar("Answer")


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
        try:
            return _not_stale(lambda: _content(self.where(key)))
        except FileNotFoundError:
            return None

    def read_cached(self, key: str) -> bytes | None:
        return self.read(key)

    def exists(self, key: str) -> bool:
        """`os.path.exists` would take whatever the storage refuses for a key that is not there."""
        try:
            _not_stale(lambda: os.stat(self.where(key)))
        except (FileNotFoundError, NotADirectoryError):
            return False
        return True

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


def _content(path: str) -> bytes:
    with open(path, "rb", buffering=0) as file:
        return file.readall()


def _not_stale(ask: Callable[[], Answer]) -> Answer:
    """The answer; asked again where the file was replaced meanwhile. Raises OSError."""
    for _ in range(TRIES - 1):
        try:
            return ask()
        except OSError as problem:
            if problem.errno != errno.ESTALE:
                raise
    return ask()
