"""Counting what is asked of a bucket: each call of obstore is one request, each page of a listing is one."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterator
from typing import Any

import obstore
import pytest

from sweeps.store.objects import bucket as buckets

ONE_EACH = ("get", "put", "head", "copy", "list_with_delimiter")


class Asked:
    """Requests of each kind since the start, or since `clear`; `keys` are those that were got."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.number: Counter[str] = Counter()
        self.keys: list[str] = []
        self._lock = threading.Lock()
        for name in ONE_EACH:
            monkeypatch.setattr(buckets.obstore, name, self._counting(name, getattr(obstore, name)))
        monkeypatch.setattr(buckets.obstore, "list", self._listing(obstore.list))
        monkeypatch.setattr(buckets.obstore, "delete", self._deleting(obstore.delete))

    def clear(self) -> None:
        self.number.clear()
        self.keys.clear()

    def _note(self, name: str) -> None:
        with self._lock:
            self.number[name] += 1

    def _counting(self, name: str, call: Any) -> Any:
        def counted(store: Any, *given: Any, **more: Any) -> Any:
            self._note(name)
            if name == "get":
                self.keys.append(given[0])
            return call(store, *given, **more)

        return counted

    def _listing(self, call: Any) -> Any:
        def counted(*given: Any, **more: Any) -> Iterator[Any]:
            """A page that is full may be the last: the next one, which is empty, is asked for too."""
            self._note("list")
            for chunk in call(*given, **more):
                yield chunk
                if len(chunk) == more["chunk_size"]:
                    self._note("list")

        return counted

    def _deleting(self, call: Any) -> Any:
        def counted(store: Any, keys: Any) -> Any:
            self._note("delete")
            assert isinstance(keys, str) or len(keys) <= 1000
            return call(store, keys)

        return counted
