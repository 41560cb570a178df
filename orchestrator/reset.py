"""Giving a run another beginning: what an earlier one left is moved to quarantine, from where `gc` deletes it."""

from __future__ import annotations

from collections.abc import Collection
from typing import Literal

from orchestrator.store import quarantine
from orchestrator.store.jobs import Job
from orchestrator.store.lease import Held
from orchestrator.store.ledger import Damaged, Ledger
from sweeps.layout import published
from sweeps.records import Status

LEFT_BEHIND = ("failure-", "checkpoint-")

Outcome = Literal["reset", "nothing", "running", "changed"]
"""reset: done. nothing: it has left nothing. running: another process runs it now. changed: it has another state."""


def reset(ledger: Ledger, job: Job, states: Collection[str]) -> Outcome:
    """Move a job's result, failures and checkpoints away if it is in one of the states. Raises OSError, StoreError.

    The state counts that it has once its lease is held: since it was planned another process may have computed it.
    Tokens go on counting, but those up to here are no attempts any more. W&B's mark of the old result goes, so that a
    new one is published beside it.
    """
    if not _left(ledger, job):
        return "nothing"  # and no lease is taken, which would leave its token
    try:
        lease = ledger.claim(job)
    except Held:
        return "running"
    place = ledger.place(job)
    try:
        if _state(ledger, job) not in states:
            return "changed"
        before = ledger.store.list(place.folder)
        quarantine.move_away(ledger.store, place, "reset", LEFT_BEHIND)
        ledger.store.create(place.reset(lease.token), b"")
        for key in place.named(before, "reset-"):
            ledger.store.remove(key)
        ledger.store.remove(published(job.id))
    finally:
        lease.release()
    return "reset"


def _left(ledger: Ledger, job: Job) -> bool:
    """Whether there is anything to move away."""
    place = ledger.place(job)
    return bool(place.named(ledger.store.list(place.folder), *quarantine.COMMITTED, *LEFT_BEHIND))


def _state(ledger: Ledger, job: Job) -> Status:
    """The state of a job whose lease this process holds, which is why that lease does not count."""
    try:
        record = ledger.result(job)
    except Damaged:
        return "missing"
    if record is not None:
        return record.status
    place = ledger.place(job)
    return "failed" if place.failures(ledger.store.list(place.folder)) else "missing"
