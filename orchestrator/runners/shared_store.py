"""Whether a worker's store is that of its driver: a folder of the same name on another disk is none."""

from __future__ import annotations

import contextlib
import socket
import time

from orchestrator.store.interface import Store
from sweeps.layout import driver

NOT_SHARED, UNREADABLE = "StoreNotShared", "StoreUnreadable"
"""The names of the two errors below, as they stand in what Ray says."""
ALLOWED = "a folder of one file system that all hosts of the cluster see, or s3://BUCKET/PREFIX"
PATIENCE_SECONDS = 5.0
"""How long a file system may take to show on one host what was written on another."""


class StoreNotShared(RuntimeError):
    """The store that a worker sees is not the one that its driver writes to."""


class StoreUnreadable(RuntimeError):
    """A worker cannot read the store: whether it is its driver's is not known. That may pass."""


def nonce(store: Store, launch: str) -> str | None:
    """The key that tells this launch's store from any other; None where the driver could not write it."""
    with contextlib.suppress(OSError):
        return key if launch and store.exists(key := driver(launch)) else None
    return None


def check_shared(store: Store, nonce: str, where: str, address: str, patience: float = PATIENCE_SECONDS) -> None:
    """Raise StoreNotShared unless the store holds the key `nonce`, which this launch's driver wrote.

    Raises StoreUnreadable where one look of all failed: the others may have come before the store was back in full. To
    be called before anything is computed, and written. `where`: the store, as text; `address`: of this host.
    """
    deadline, pause = time.monotonic() + patience, 0.1
    unreadable = ""
    while True:
        try:
            if store.exists(nonce):
                return
        except OSError as problem:
            unreadable = f"{problem.strerror or problem}"
        if time.monotonic() + pause > deadline:
            break
        time.sleep(pause)
        pause *= 2
    here = f"[Node {address}] host {socket.gethostname()}: {where}"
    if unreadable:
        raise StoreUnreadable(f"{here} cannot be read there: {unreadable}")
    raise StoreNotShared(f"{here} is not the store that this launch writes to; allowed: {ALLOWED}")
