"""Ends workers that hang (stopped, stuck in a driver or on a dead mount): they hold a core and a run.

A worker hangs when its heartbeat has not changed for the lease's expiry, by this process's own clock. Ending it costs
an attempt, as any worker that dies does. If one continues nevertheless, its token is no longer the highest and its
commit is refused.
"""

from __future__ import annotations

import contextlib
import logging
import os
import signal
from collections.abc import Iterator

from orchestrator.runners.meanwhile import meanwhile
from orchestrator.schedule.agenda import Agenda
from orchestrator.store.lease import beat_seconds
from orchestrator.store.ledger import Ledger
from sweeps.store.leases import on_this_machine

log = logging.getLogger("frostline.hung")


@contextlib.contextmanager
def killing_the_hung(agenda: Agenda, ledger: Ledger, launch: str) -> Iterator[None]:
    """While the block runs, kill workers of this launch, on this machine, that hold a run and have no heartbeat."""

    def watch() -> None:
        for job in agenda.under_way():
            holder = None
            with contextlib.suppress(OSError):  # at the next look, maybe
                holder = ledger.silent_holder(job)
            if holder is not None and holder.get("launch") == launch and on_this_machine(holder):
                log.warning("%s: its worker, process %d, hangs and is ended", job.name, holder["pid"])
                with contextlib.suppress(ProcessLookupError):
                    os.kill(holder["pid"], signal.SIGKILL)

    with meanwhile(watch, beat_seconds(ledger.store, ledger.settings), "hung workers"):
        yield
