"""Leases: one holder at a time, takeover from the dead, refusal of the late."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path

import pytest

from orchestrator.store import lease as leases
from orchestrator.store.lease import Fenced, Held, Watch, claim, current
from sweeps.layout import Layout, Place


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Layout(tmp_path).place("run", "ab" * 10)


def test_a_live_holder_keeps_others_out(place: Place) -> None:
    lease = claim(place, 10, Watch())
    with pytest.raises(Held, match="process"):
        claim(place, 10, Watch())
    lease.check()
    lease.release()
    again = claim(place, 10, Watch())
    assert again.token == 2
    with pytest.raises(Fenced):
        lease.check()
    again.release()


def test_the_lease_of_a_dead_process_is_taken_over_at_once(place: Place) -> None:
    """The process is killed, so that nothing of it can tidy up."""
    script = (
        "import os, signal, sys; from pathlib import Path; from sweeps.layout import Layout;"
        "from orchestrator.store.lease import claim, Watch;"
        f"claim(Layout(Path({str(place.folder.parents[2])!r})).place('run', {place.id!r}), 10, Watch());"
        "os.kill(os.getpid(), signal.SIGKILL)"
    )
    assert subprocess.run([sys.executable, "-c", script], check=False).returncode == -9
    left = current(place)
    assert left is not None and left["token"] == 1
    lease = claim(place, 10, Watch())
    assert lease.token == 2
    lease.release()


def test_a_silent_holder_elsewhere_expires_by_the_watchers_own_clock(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A day's jump of the wall clock changes nothing; only standing still for the expiry does."""
    place.folder.mkdir(parents=True)
    content = {"holder": "x", "token": 1, "beat": 7, "host": "elsewhere", "pid": 1, "boot": "b", "namespace": "n"}
    place.lease(1).write_text(json.dumps(content))
    clock = [1000.0]
    monkeypatch.setattr(leases.time, "monotonic", lambda: clock[0])
    monkeypatch.setattr(leases.time, "time", lambda: time.time_ns() / 1e9 + 86400)
    watch = Watch(expiry=60)

    def alive() -> bool:
        last = current(place)
        assert last is not None
        return watch.alive(place, last)

    assert alive()
    clock[0] += 59
    assert alive()
    place.lease(1).write_text(json.dumps({**content, "beat": 8}))
    clock[0] += 59
    assert alive()
    clock[0] += 59
    assert alive()
    clock[0] += 2
    assert not alive()
    taken = claim(place, 1, watch)
    assert taken.token == 2
    taken.release()


def test_the_sleeper_neither_beats_nor_holds_after_a_takeover(place: Place) -> None:
    sleeper = claim(place, 10, Watch())
    sleeper._stop.set()
    place.lease(2).write_text(json.dumps({"holder": "other", "token": 2}))
    with pytest.raises(Fenced):
        sleeper.check()
    place.lease(1).unlink()
    sleeper.beat()
    assert [path.name for path in place.leases()] == ["lease-000002.json"]
    sleeper.release()
    assert [path.name for path in place.leases()] == ["lease-000002.json"]


def test_the_heartbeat_carries_progress(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(leases, "BEAT_SECONDS", 0.01)
    lease = claim(place, 10, Watch())
    lease.progress = 4
    deadline = time.monotonic() + 10
    while (last := current(place)) is None or last["progress"] != 4:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    assert last["epochs"] == 10 and last["beat"] > 0
    lease.release()
    assert not [path for path in place.folder.iterdir() if path.suffix == ".tmp"]


@pytest.mark.parametrize("content", ["", "{", "[]", "null", '"x"', "\x00\x01"])
def test_an_unreadable_lease_is_nobodys(place: Place, content: str) -> None:
    place.folder.mkdir(parents=True)
    place.lease(3).write_text(content)
    lease = claim(place, 1, Watch())
    assert lease.token == 4
    lease.release()
