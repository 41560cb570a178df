"""Leases: one holder at a time, takeover from the dead, refusal of the late."""

from __future__ import annotations

import errno
import io
import json
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from orchestrator.store import lease as leases
from orchestrator.store.folder import FolderStore
from orchestrator.store.interface import Store
from orchestrator.store.lease import Fenced, Held, Watch, claim, current
from orchestrator.store.settings import Settings
from sweeps import layout

PLACE = layout.place("run", "ab" * 10)
ELSEWHERE: dict[str, Any] = {
    "holder": "x", "token": 1, "beat": 7, "host": "elsewhere", "pid": 1, "boot": "b", "namespace": "n",
}  # fmt: skip


def key(store: Store, token: int) -> str:
    return PLACE.one_lease if store.one_lease else PLACE.lease(token)


def put(store: Store, token: int, content: str) -> None:
    """A lease as another process wrote it."""
    store.replace(key(store, token), content.encode())


def names(store: Store) -> list[str]:
    return sorted(store.list(PLACE.folder))


def held_by(store: Store) -> str | None:
    return None if (last := current(store, PLACE)) is None else last["holder"]


def test_a_live_holder_keeps_others_out(store: Store) -> None:
    lease = claim(store, PLACE, 10, Watch())
    with pytest.raises(Held, match="process"):
        claim(store, PLACE, 10, Watch())
    lease.check()
    lease.release()
    again = claim(store, PLACE, 10, Watch())
    assert again.token == 2
    with pytest.raises(Fenced):
        lease.check()
    again.release()


def test_the_lease_of_a_dead_process_is_taken_over_at_once(store: Store) -> None:
    """The process is killed, so that nothing of it can tidy up."""
    if "memory" in store.where():
        pytest.skip("seen by one process alone")
    script = (
        "import os, signal; from sweeps.layout import place;"
        "from orchestrator.store.lease import claim, Watch; from orchestrator.store.folder import store_at;"
        f"claim(store_at({store.where()!r}), place('run', {PLACE.id!r}), 10, Watch());"
        "os.kill(os.getpid(), signal.SIGKILL)"
    )
    assert subprocess.run([sys.executable, "-c", script], check=False).returncode == -9
    left = current(store, PLACE)
    assert left is not None and left["token"] == 1
    lease = claim(store, PLACE, 10, Watch())
    assert lease.token == 2
    lease.release()


def test_a_silent_holder_elsewhere_expires_by_the_watchers_own_clock(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A day's jump of the wall clock changes nothing; only standing still for the expiry does."""
    content = ELSEWHERE
    put(store, 1, json.dumps(content))
    clock = [1000.0]
    monkeypatch.setattr(leases.time, "monotonic", lambda: clock[0])
    monkeypatch.setattr(leases.time, "time", lambda: time.time_ns() / 1e9 + 86400)
    watch = Watch(Settings(lease_expiry=60))

    def alive(after: float = 0.0) -> bool:
        """Looked at twelve seconds apart at most."""
        while after > 0:
            clock[0] += min(after, 12.0)
            after -= 12.0
            watch.alive(PLACE, seen())
        return watch.alive(PLACE, seen())

    def seen() -> dict[str, Any]:
        last = current(store, PLACE)
        assert last is not None
        return last

    assert alive()
    assert alive(59)
    put(store, 1, json.dumps({**content, "beat": 8}))
    assert alive()
    assert alive(59)
    assert not alive(2)
    clock[0] += 86400
    assert not alive()  # one who is known to be gone stays so, until he moves
    taken = claim(store, PLACE, 1, watch)
    assert taken.token == 2
    taken.release()


def test_time_without_looks_is_no_silence(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """The store did not answer, or the whole job was suspended: then no heartbeat could be written either."""
    put(store, 1, json.dumps(ELSEWHERE))
    clock = [1000.0]
    monkeypatch.setattr(leases.time, "monotonic", lambda: clock[0])
    watch, last = Watch(Settings(lease_expiry=60)), current(store, PLACE)
    assert last is not None and watch.alive(PLACE, last)
    for gap in (70.0, 3600.0, 70.0, 70.0):
        clock[0] += gap
        assert watch.alive(PLACE, last)  # at the first look after a gap nobody is called gone
    moved = {**last, "beat": last["beat"] + 1}
    assert watch.alive(PLACE, moved)
    for _ in range(29):
        clock[0] += 2
        assert watch.alive(PLACE, moved)
    clock[0] += 2
    assert not watch.alive(PLACE, moved)


def test_who_is_told_of_a_silent_holder_takes_over_by_one_look(store: Store) -> None:
    """One of two, and neither where the holder has moved since."""
    put(store, 1, json.dumps(ELSEWHERE))
    told = Watch()
    told.silent[PLACE] = ELSEWHERE["holder"], ELSEWHERE["beat"]
    put(store, 1, json.dumps({**ELSEWHERE, "beat": ELSEWHERE["beat"] + 1}))
    with pytest.raises(Held):
        claim(store, PLACE, 1, told)
    put(store, 1, json.dumps(ELSEWHERE))
    taken = claim(store, PLACE, 1, told)
    other = Watch()
    other.silent.update(told.silent)
    with pytest.raises(Held):
        claim(store, PLACE, 1, other)
    taken.check()
    taken.release()


def test_a_lease_that_was_given_back_ends_those_before_it(store: Store) -> None:
    """That of a machine that is gone, say: it was taken over, and who took it over ended without a result."""
    put(store, 1, json.dumps({"holder": "gone", "token": 1, "beat": 7, "host": "elsewhere", "boot": "b"}))
    watch = Watch(Settings(lease_expiry=0.05))
    last = current(store, PLACE)
    assert last is not None and watch.alive(PLACE, last)
    while watch.alive(PLACE, last):
        time.sleep(0.01)
    claim(store, PLACE, 10, watch).release()
    assert held_by(store) is None
    lease = claim(store, PLACE, 10, Watch())  # by one look, as `frostline reset` has it
    assert lease.token == 3
    lease.release()


def test_the_sleeper_neither_beats_nor_holds_after_a_takeover(store: Store) -> None:
    sleeper = claim(store, PLACE, 10, Watch())
    sleeper._stop.set()
    put(store, 2, json.dumps({"holder": "other", "token": 2}))
    with pytest.raises(Fenced):
        sleeper.check()
    if not store.one_lease:
        store.remove(PLACE.lease(1))
    sleeper.beat()
    assert names(store) == [layout.last_part(key(store, 2))] and held_by(store) == "other"
    sleeper.release()
    assert names(store) == [layout.last_part(key(store, 2))] and held_by(store) == "other"


def test_a_lease_that_cannot_be_read_is_not_taken_over(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """A network that fails for a moment must not cost a live holder its run."""
    holder = claim(store, PLACE, 10, Watch())
    read = store.read

    def fails(key: str) -> bytes | None:
        if layout.last_part(key).startswith("lease"):
            raise OSError(errno.EIO, "Input/output error")
        return read(key)

    with monkeypatch.context() as patched:
        patched.setattr(store, "read", fails)
        with pytest.raises(OSError, match="Input/output error"):
            claim(store, PLACE, 10, Watch())
        with pytest.raises(OSError, match="Input/output error"):
            holder.check()
    holder.check()
    holder.release()


def test_a_lease_that_another_host_replaces_while_it_is_read_is_read_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """NFS keeps no content of a file that was replaced elsewhere: who has opened it reads ESTALE."""
    store = FolderStore(tmp_path)
    holder = claim(store, PLACE, 10, Watch())
    stale = [True, True]

    def opened(path: str, *given: object, **more: object) -> io.FileIO:
        if stale and "lease-" in path:
            stale.pop()
            raise OSError(errno.ESTALE, "Stale file handle", path)
        return io.FileIO(path)

    monkeypatch.setattr("sweeps.store.folder.open", opened, raising=False)
    with pytest.raises(Held):
        claim(store, PLACE, 10, Watch())
    assert not stale
    holder.check()
    holder.release()


def test_the_heartbeat_carries_progress(store: Store) -> None:
    lease = claim(store, PLACE, 10, Watch(Settings(lease_expiry=0.05)))
    lease.progress = 4
    deadline = time.monotonic() + 10
    while (last := current(store, PLACE)) is None or last["progress"] != 4:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    assert last["epochs"] == 10 and last["beat"] > 0
    lease.release()
    assert names(store) == ["lease.json" if store.one_lease else "released-000001"] and held_by(store) is None


@pytest.mark.parametrize("content", ["", "{", "[]", "null", '"x"', "\x00\x01"])
def test_an_unreadable_lease_is_nobodys(store: Store, content: str) -> None:
    put(store, 3, content)
    lease = claim(store, PLACE, 1, Watch())
    assert lease.token == (1 if store.one_lease else 4)  # one object has no name that tells its token
    lease.release()
