"""Asking launches to stop, from any machine that sees the store: by a key that their drivers and workers look for."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator
from typing import Literal

from orchestrator.schedule.agenda import Agenda
from orchestrator.schedule.plan import Plan
from orchestrator.store.ledger import Ledger
from sweeps.layout import stop, stop_waiting

What = Literal["running", "waiting"]
LOOK_SECONDS = 1.0


def launches_of(plan: Plan) -> list[str]:
    """The launches that run something of a plan now."""
    return sorted({str(lease["launch"]) for lease in plan.leases.values() if lease.get("launch")})


def cancel(ledger: Ledger, launches: list[str], what: What) -> None:
    """Ask launches to end. `waiting`: nothing more is begun; `running`: what runs saves its epoch, too."""
    for launch in launches:
        ledger.store.create((stop if what == "running" else stop_waiting)(launch), b"")


@contextlib.contextmanager
def watching(ledger: Ledger, agenda: Agenda, launch: str) -> Iterator[threading.Event]:
    """While the block runs, stop handing out jobs once the launch is cancelled; yields whether it was."""
    keys, cancelled, done = (stop(launch), stop_waiting(launch)), threading.Event(), threading.Event()

    def watch() -> None:
        while not done.wait(LOOK_SECONDS):
            with contextlib.suppress(OSError):
                if any(map(ledger.store.exists, keys)):
                    agenda.stopping = True
                    cancelled.set()
                    return

    thread = threading.Thread(target=watch, name="cancelled", daemon=True)
    thread.start()
    try:
        yield cancelled
    finally:
        done.set()
        thread.join()
        for key in keys:
            with contextlib.suppress(OSError):
                ledger.store.remove(key)
