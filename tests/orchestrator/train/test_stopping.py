"""Whether a process was asked to stop: by a signal, or by a key in the store; and how that key is written."""

from __future__ import annotations

import errno
from pathlib import Path

from orchestrator.store.folder import FolderStore
from orchestrator.train.stopping import TELL_SECONDS, StopKeys, StopRequest

KEY = "stops/launch"


class Failing(FolderStore):
    """A store that refuses to be read while `fails`."""

    look_seconds = 0.0
    fails = True

    def read(self, key: str) -> bytes | None:
        if self.fails:
            raise OSError(errno.EIO, "Input/output error", self.where(key))
        return super().read(key)


def test_a_look_that_the_store_refuses_ends_no_run_and_the_next_one_counts(tmp_path: Path) -> None:
    store = Failing(tmp_path)
    stop = StopRequest(store, KEY)
    store.create(KEY, b"")
    assert not stop.asked()
    store.fails = False
    assert stop.asked()
    store.fails = True
    assert stop.asked()  # once asked, always


class Refusing(FolderStore):
    """A store that refuses to be written twice."""

    look_seconds = 0.0
    refuses = 2

    def create(self, key: str, data: bytes) -> bool:
        if self.refuses > 0:
            self.refuses -= 1
            raise OSError(errno.EIO, "Input/output error", self.where(key))
        return super().create(key, data)


def test_a_key_that_the_store_refuses_is_written_again_until_it_is_there(tmp_path: Path) -> None:
    store, now = Refusing(tmp_path), 0.0
    said: list[str] = []
    keys, workers = StopKeys(store, said.append, lambda: now), StopRequest(store, KEY)
    for left in (1, 1, 0, 0):
        keys.tell(KEY)
        assert store.refuses == left and not workers.asked()
        now += TELL_SECONDS / 2
    keys.tell(KEY)
    assert workers.asked()
    assert len(said) == 1 and said[0].startswith("the workers cannot be told to stop yet, it is tried again: [Errno 5]")
    keys.remove()
    assert store.read(KEY) is None
