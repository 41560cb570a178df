"""What a lease says, and whether its holder may be alive.

A lease is a small JSON file that the process that computes a run writes when it begins and about every two seconds
from then on, every twelve in an object store. Whether a holder is alive is judged without comparing the clocks of two
machines:

- One look can tell that the holder is gone only if it ran on this machine: its process is not there any more.
- One look at a holder elsewhere tells nothing: a heartbeat that stands still looks like one that moves. Such a lease
  counts as held.
- Who has looked again and again, and saw the same heartbeat for the time of expiry by its own clock, knows that the
  holder is gone (`Watch` in orchestrator/store/lease.py).

So a single look (`plan`, `status`, tables) may call a run running for at most as long as its lease lies there; a driver
finds out within the expiry.
"""

from __future__ import annotations

import contextlib
import json
import os
import socket
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import Any

from sweeps.layout import ONE_LEASE, Place
from sweeps.store.interface import Reading

Lease = dict[str, Any]
"""Of the run: holder, token, beat, progress, epochs, launch. Of the process: host, boot, namespace, pid, pid_start."""

BLANK: Lease = {"holder": "", "beat": -1, "progress": 0, "epochs": 0}
"""What every lease says, here of nobody's."""


def current(store: Reading, place: Place, names: Iterable[str] | None = None) -> Lease | None:
    """The lease with the highest token; None if there is none, or if it was given back. Raises OSError.

    `names`: what the store lists in the place's folder, where the caller knows it already.
    """
    if store.one_lease:
        if names is not None and ONE_LEASE not in names:
            return None
        content = read(store, place.one_lease)
        return None if content is None or content.get("released") else content
    for key in place.holding(store.list(place.folder) if names is None else [*names]):
        if (content := read(store, key)) is not None:
            return content
    return None


def read(store: Reading, key: str) -> Lease | None:
    """What one lease says; nobody's where it is damaged, None where it is gone.

    Raises OSError: who holds a lease that cannot be read is not known, and may be alive.
    """
    raw = store.read(key)
    return None if raw is None else parsed(raw)


def parsed(raw: bytes) -> Lease:
    """A lease from its JSON; nobody's where that is damaged."""
    try:
        content = json.loads(raw)
    except (ValueError, RecursionError):
        content = {}
    if not isinstance(content, dict) or any(
        type(content.get(key, blank)) is not type(blank) for key, blank in BLANK.items()
    ):
        content = {}
    return {**BLANK, **content}


def may_be_alive(lease: Lease) -> bool:
    """All that one look can say: somebody holds the lease, and is not known to be gone."""
    return lease["holder"] != "" and not _process_is_gone(lease)


def on_this_machine(lease: Lease) -> bool:
    """Whether the holder is a process that is there, on this machine, under the number that the lease gives."""
    return _same_machine(lease) and _start_of(lease.get("pid", -1)) == lease.get("pid_start") is not None


def this_process() -> Lease:
    """What a lease says of the process that writes it."""
    return {**_this_machine(), "pid": os.getpid(), "pid_start": _start_of(os.getpid())}


def _process_is_gone(lease: Lease) -> bool:
    """True only where it can be known: same machine, same boot, same process namespace."""
    return _same_machine(lease) and _start_of(lease.get("pid", -1)) != lease.get("pid_start")


def _same_machine(lease: Lease) -> bool:
    here = _this_machine()
    return here["boot"] != "" and all(lease.get(key) == value for key, value in here.items())


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
