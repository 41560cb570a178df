"""Asking launches to stop, from any machine that sees the store: by a key that their drivers and workers look for.

A launch is found by the leases of what it runs, and by a key that its driver keeps: while Ray starts, or between two
runs, there is no lease.
"""

from __future__ import annotations

import contextlib
import json
import threading
from collections.abc import Iterator
from typing import Literal

from orchestrator.runners.meanwhile import meanwhile
from orchestrator.schedule.agenda import Agenda
from orchestrator.schedule.plan import Plan
from orchestrator.store.ledger import Ledger
from sweeps.layout import DRIVERS, driver, last_part, stop, stop_waiting
from sweeps.store import leases

What = Literal["running", "waiting"]


def launches_of(plan: Plan, ledger: Ledger) -> list[str]:
    """The launches of a plan's sweep that are under way, and those that run something of it now. Raises OSError."""
    running = {str(lease["launch"]) for lease in plan.leases.values() if lease.get("launch")}
    return sorted(running.union(_drivers(ledger, plan.sweep.name)))


def _drivers(ledger: Ledger, sweep: str) -> Iterator[str]:
    """The launches of a sweep whose drivers live: not known to be gone, their key written within the leases' expiry."""
    entries = [entry for entry in ledger.store.entries(DRIVERS, deep=False) if not entry.unfinished]
    now = ledger.store.now() if entries else 0.0
    for entry in entries:
        told = leases.read(ledger.store, entry.key)
        beats = now - entry.written < max(ledger.settings.lease_expiry, 5 * ledger.store.look_seconds)
        if beats and told is not None and leases.may_be_alive(told) and told.get("sweep") == sweep:
            yield last_part(entry.key).removesuffix(".json")


def cancel(ledger: Ledger, launches: list[str], what: What) -> None:
    """Ask launches to end. `waiting`: nothing more is begun; `running`: what runs saves its epoch, too."""
    for launch in launches:
        ledger.store.create((stop if what == "running" else stop_waiting)(launch), b"")


@contextlib.contextmanager
def watching(ledger: Ledger, agenda: Agenda, launch: str, sweep: str) -> Iterator[threading.Event]:
    """While the block runs, stop handing out jobs once the launch is cancelled; yields whether it was.

    `sweep`: the name by which `cancel` finds the launch.
    """
    cancelled = threading.Event()
    told = json.dumps({"holder": launch, "sweep": sweep, **leases.this_process()}).encode()
    with contextlib.suppress(OSError):  # the runs will say what is wrong with the store
        ledger.store.create(driver(launch), told)

    def asked() -> bool:
        if ledger.store.read(stop(launch)) is not None:
            return True
        # A driver that begins nothing more of itself writes this key, too, for its workers: so it looks at itself last.
        return ledger.store.read(stop_waiting(launch)) is not None and not agenda.stopping

    def watch() -> None:
        with contextlib.suppress(OSError):
            ledger.store.heartbeat(driver(launch), told, told)
        with contextlib.suppress(OSError):
            if not cancelled.is_set() and asked():
                agenda.stopping = True
                cancelled.set()

    try:
        with meanwhile(watch, ledger.store.look_seconds, "cancelled"):
            yield cancelled
    finally:
        for key in (driver(launch), stop(launch), stop_waiting(launch)):
            with contextlib.suppress(OSError):
                ledger.store.remove(key)
