"""Whether a process was asked to stop: by a signal, or by a key in the store."""

from __future__ import annotations

import errno
from pathlib import Path

from orchestrator.store.folder import FolderStore
from orchestrator.train.stopping import StopRequest

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
