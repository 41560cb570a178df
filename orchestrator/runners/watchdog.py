"""The driver looks at leases: workers that hang are ended, and jobs that others hold are kept back while these live.

A worker hangs (stopped, stuck in a driver or on a dead mount) when its heartbeat stands still for the lease's expiry,
by this process's own clock: it holds a core and a run. Ending it costs an attempt, as any worker that dies does. If
one continues nevertheless, its token is no longer the highest and its commit is refused.

Workers look at a job once, when they are given it, and one look cannot tell that a holder on another machine is gone.
The driver looks at every heartbeat. What it sees travels with the job (batch.py).

A look counts only where the store can be written, too: on a full disk heartbeats stand still without anybody's fault.
"""

from __future__ import annotations

import contextlib
import logging
import os
import signal
from collections.abc import Iterator

from orchestrator.runners.batch import places_of
from orchestrator.runners.meanwhile import meanwhile
from orchestrator.schedule.agenda import HELD_SECONDS, Agenda
from orchestrator.store.interface import Store
from orchestrator.store.jobs import Job
from orchestrator.store.lease import beat_seconds
from orchestrator.store.ledger import Ledger
from sweeps.layout import driver
from sweeps.store.leases import Lease, current, on_this_machine
from sweeps.store.many import look_at_each

JOIN_SECONDS = 1.0
"""How long the end waits for a look that is under way: a store that does not answer must not hold a launch back."""

log = logging.getLogger("frostline.hung")


@contextlib.contextmanager
def watching_leases(agenda: Agenda, ledger: Ledger, launch: str, kills: bool = True) -> Iterator[None]:
    """While the block runs, look at the leases of what is under way (`kills`) and of what is kept back, at every
    heartbeat or more often."""
    every = beat_seconds(ledger.store, ledger.settings)
    with contextlib.ExitStack() as looks:
        held = meanwhile(lambda: judge_held(agenda, ledger, launch), min(every, HELD_SECONDS), "held", JOIN_SECONDS)
        looks.enter_context(held)
        if kills:
            looks.enter_context(meanwhile(lambda: end_hung(agenda, ledger, launch), every, "hung", JOIN_SECONDS))
        yield


def end_hung(agenda: Agenda, ledger: Ledger, launch: str) -> None:
    """One look at what is under way: end workers of this launch, on this machine, that hold a run and have no
    heartbeat."""
    jobs = agenda.under_way()
    if not jobs or not _can_be_written(ledger.store, launch):
        return
    for job, holder in look_at_each(ledger.store, lambda job: _silent_holder(job, ledger), jobs):
        if holder is not None and holder.get("launch") == launch and on_this_machine(holder):
            log.warning("%s: its worker, process %d, hangs and is ended", job.name, holder["pid"])
            with contextlib.suppress(ProcessLookupError):
                os.kill(holder["pid"], signal.SIGKILL)


def judge_held(agenda: Agenda, ledger: Ledger, launch: str) -> None:
    """One look at what is kept back: while its holder lives it stays so."""
    jobs = agenda.held()
    if not jobs or not _can_be_written(ledger.store, launch):
        return
    for job, alive in look_at_each(ledger.store, lambda job: _is_held(job, ledger), jobs):
        if alive is not None:
            agenda.judge(job, alive)


def _can_be_written(store: Store, launch: str) -> bool:
    """Whether a heartbeat can be written now: the driver's own is."""
    with contextlib.suppress(OSError):
        told = store.read(driver(launch)) or b""
        store.heartbeat(driver(launch), told, told)
        return True
    return False


def _silent_holder(job: Job, ledger: Ledger) -> Lease | None:
    """What the lease of a job says whose holder is there, as far as one can know, but has expired."""
    with contextlib.suppress(OSError):  # at the next look, maybe
        last = ledger.lease(job)
        if last is not None and last["holder"] and not ledger.watch.alive(ledger.place(job), last):
            return last
    return None


def _is_held(job: Job, ledger: Ledger) -> bool | None:
    """Whether somebody alive holds a job, or the source model that it starts from; None where that cannot be read."""
    with contextlib.suppress(OSError):
        found = [(place, current(ledger.store, place)) for place in places_of(job)]
        return any([last is not None and ledger.watch.alive(place, last) for place, last in found])
    return None
