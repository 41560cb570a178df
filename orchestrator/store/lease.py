"""Who runs what: a lease with a heartbeat and a fencing token.

The holder of a run is whoever holds the highest token. Taking over creates the next token's file, which one process
alone can do; the former holder finds out before it commits. No clock is compared between machines: a watcher counts,
on its own monotonic clock, how long a heartbeat has stood still.
"""

from __future__ import annotations

import contextlib
import json
import os
import socket
import threading
import time
import uuid
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from orchestrator.store.durable import TEMPORARY, make_folder, publish
from sweeps.layout import Place

EXPIRY_SECONDS = float(os.environ.get("FROSTLINE_LEASE_EXPIRY") or 60.0)
"""How long a heartbeat must stand still before the run may be taken over."""
BEAT_SECONDS = min(2.0, EXPIRY_SECONDS / 5)


BLANK: dict[str, Any] = {"holder": "", "beat": -1, "progress": 0, "epochs": 0}
"""What every lease says, here of nobody's."""


class Held(Exception):
    """Another process runs this now."""


class Fenced(Exception):
    """The lease was taken over: what this process computed must not be committed."""


@dataclass
class Lease:
    """This process's hold on one run. `progress` (epochs done) travels with the heartbeat."""

    place: Place
    token: int
    holder: str
    progress: int = 0
    epochs: int = 0
    launch: str = ""
    _beat: int = 0
    _stop: threading.Event = field(default_factory=threading.Event)

    def check(self) -> None:
        """Raise Fenced unless this lease is still the one that holds."""
        last = current(self.place)
        if last is None or last["holder"] != self.holder:
            raise Fenced(f"{self.place.kind} {self.place.id}: taken over by another process")

    def beat(self) -> None:
        """Show that the holder lives. Not durable: a crash makes it worthless anyway."""
        self._beat += 1
        path = self.place.lease(self.token)
        temporary = path.with_name(f".{path.name}.{self.holder}{TEMPORARY}")
        # A heartbeat that cannot be written (disk full, say) must not end the run: at worst it is taken over.
        with contextlib.suppress(OSError):
            temporary.write_text(json.dumps(self._content()))
            # After a sleep the file may be another's: of the next in line, or of a new life of the run.
            if _read(path)["holder"] == self.holder:
                os.replace(temporary, path)
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)

    def release(self) -> None:
        """Stop the heartbeat and give the run back.

        Without a result the token is kept on record: were it given out again, a sleeping former holder could take
        itself for the new one.
        """
        self.stop_beating()
        own = self.place.lease(self.token)
        with contextlib.suppress(OSError):
            if self.place.result.exists():
                for path in self.place.leases():
                    path.unlink(missing_ok=True)
            elif own.exists():
                os.replace(own, self.place.released(self.token))

    def stop_beating(self) -> None:
        self._stop.set()

    def keep_beating(self) -> None:
        def beats() -> None:
            while not self._stop.wait(BEAT_SECONDS):
                self.beat()

        threading.Thread(target=beats, name="heartbeat", daemon=True).start()

    def _content(self) -> dict[str, Any]:
        return {
            "holder": self.holder,
            "token": self.token,
            "beat": self._beat,
            "progress": self.progress,
            "epochs": self.epochs,
            "launch": self.launch,
            **_this_process(),
        }


def claim(place: Place, epochs: int, watch: Watch, launch: str = "") -> Lease:
    """Take the lease of a run that nobody alive holds. Raises Held. `launch` says on whose behalf."""
    make_folder(place.folder)
    last = current(place)
    if last is not None and watch.alive(place, last):
        raise Held(f"{place.kind} {place.id}: runs on {last.get('host')}, process {last.get('pid')}")
    token = place.last_token() + 1
    lease = Lease(place, token, uuid.uuid4().hex, epochs=epochs, launch=launch)
    if not publish(place.lease(token), json.dumps(lease._content()).encode()):
        raise Held(f"{place.kind} {place.id}: another process was quicker")
    lease.keep_beating()
    return lease


def current(place: Place) -> dict[str, Any] | None:
    """The content of the highest lease; an unreadable one counts as held by nobody alive."""
    for path in reversed(place.leases()):
        with contextlib.suppress(FileNotFoundError):
            return _read(path)
    return None


def _read(path: Path) -> dict[str, Any]:
    """What a lease says; nothing where it is damaged. Raises FileNotFoundError."""
    try:
        content = json.loads(path.read_bytes())
    except FileNotFoundError:
        raise
    except (OSError, ValueError, RecursionError):
        content = {}
    if not isinstance(content, dict) or any(
        type(content.get(key, blank)) is not type(blank) for key, blank in BLANK.items()
    ):
        content = {}
    return {**BLANK, **content}


def living(places: Iterable[Place]) -> list[Place]:
    """Those of the places whose holder shows life. Waits up to EXPIRY_SECONDS for what it cannot judge at once."""
    watch, deadline = Watch(), time.monotonic() + EXPIRY_SECONDS
    first = {place: last for place in places if (last := current(place)) is not None}
    waiting, shown = list(first), []
    while waiting and time.monotonic() < deadline:
        for place in list(waiting):
            last = current(place)
            if last is None or not watch.alive(place, last):
                waiting.remove(place)
            elif last["beat"] != first[place]["beat"] or last["holder"] != first[place]["holder"]:
                waiting.remove(place)
                shown.append(place)
        time.sleep(BEAT_SECONDS / 4 if waiting else 0)
    return shown


class Watch:
    """Judges whether leases are alive, from what it saw of them before."""

    def __init__(self, expiry: float = EXPIRY_SECONDS) -> None:
        self._expiry = expiry
        self._seen: dict[tuple[Path, str], tuple[int, float]] = {}

    def alive(self, place: Place, content: dict[str, Any]) -> bool:
        if content["holder"] == "" or _process_is_gone(content):
            return False
        key, now = (place.folder, content["holder"]), time.monotonic()
        beat, since = self._seen.get(key, (None, now))
        if beat != content["beat"]:
            since = now
        self._seen[key] = (content["beat"], since)
        return now - since < self._expiry


def _process_is_gone(content: dict[str, Any]) -> bool:
    """True only where it can be known: same machine, same boot, same process namespace."""
    return _same_machine(content) and _start_of(content.get("pid", -1)) != content.get("pid_start")


def on_this_machine(content: dict[str, Any]) -> bool:
    """Whether the holder is a process that is there, on this machine, under the number that the lease gives."""
    return _same_machine(content) and _start_of(content.get("pid", -1)) == content.get("pid_start") is not None


def _same_machine(content: dict[str, Any]) -> bool:
    here = _this_machine()
    return here["boot"] != "" and all(content.get(key) == value for key, value in here.items())


def _this_process() -> dict[str, Any]:
    return {**_this_machine(), "pid": os.getpid(), "pid_start": _start_of(os.getpid())}


@cache
def _this_machine() -> dict[str, str]:
    boot = namespace = ""
    with contextlib.suppress(OSError):
        boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
        namespace = os.readlink("/proc/self/ns/pid")
    return {"host": socket.gethostname(), "boot": boot, "namespace": namespace}


def _start_of(pid: int) -> str | None:
    """When a process started, in the kernel's ticks since boot: told apart from a later one with the same number."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        return None if fields[0] == "Z" else fields[19]
    except (OSError, ValueError, IndexError):  # a number that no process can have, too
        return None
