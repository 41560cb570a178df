"""A store in memory: the second implementation of the interface, with nothing of a file system in it.

Like an object store it has keys and contents, no folders, no rename, no links, and a heartbeat that compares first.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from pathlib import Path

from orchestrator.store.interface import Entry


class MemoryStore:
    """Every operation of `Store`. What needs a local file is written to `cache` first, as after a download."""

    one_lease = False
    look_seconds = 1.0
    readers = 4
    beat_seconds = 2.0

    def __init__(self, cache: Path) -> None:
        self.contents: dict[str, tuple[bytes, float]] = {}
        self._cache = cache

    def where(self, key: str = "") -> str:
        return f"memory://{key}"

    def read(self, key: str) -> bytes | None:
        return self.contents[key][0] if key in self.contents else None

    def read_cached(self, key: str) -> bytes | None:
        return self.read(key)

    def exists(self, key: str) -> bool:
        return key in self.contents or bool(self.list(key))

    def list(self, folder: str) -> list[str]:
        start = f"{folder}/" if folder else ""
        return list({key.removeprefix(start).partition("/")[0] for key in self.contents if key.startswith(start)})

    def local_path(self, key: str) -> Path:
        path = self._cache / key.replace("/", "_")
        if (content := self.read(key)) is not None:
            path.write_bytes(content)
        return path

    def local_folder(self, name: str) -> Path:
        return self._cache / name

    def snapshot(self, folders: Iterable[str]) -> MemoryStore:
        return self

    def gather(self) -> int:
        return 0

    def prepare(self) -> None:
        pass

    def create(self, key: str, data: bytes) -> bool:
        return self.contents.setdefault(key, given := (data, self.now())) is given

    def replace(self, key: str, data: bytes) -> None:
        self.contents[key] = data, self.now()

    def heartbeat(self, key: str, before: bytes, data: bytes) -> bool:
        same = self.read(key) == before
        if same:
            self.replace(key, data)
        return same

    def move(self, key: str, to: str) -> bool:
        content = self.read(key)
        if content is not None:
            self.replace(to, content)
            self.remove(key)
        return content is not None

    def remove(self, *keys: str) -> None:
        for key in keys:
            self.contents.pop(key, None)

    def remove_all(self, *keys: str) -> None:
        starts = tuple(f"{key}/" for key in keys)
        self.remove(*[each for each in self.contents if each in keys or each.startswith(starts)])

    def entries(self, folder: str, deep: bool = True) -> Iterator[Entry]:
        start = f"{folder}/" if folder else ""
        for key, (content, written) in sorted(self.contents.items()):
            if key.startswith(start) and (deep or "/" not in key.removeprefix(start)):
                yield Entry(key, len(content), written, unfinished=False)

    def now(self) -> float:
        return time.monotonic()
