"""Giving a run another beginning: what an earlier one left is moved to quarantine, from where `gc` deletes it."""

from __future__ import annotations

from orchestrator.store import quarantine
from orchestrator.store.jobs import Job
from orchestrator.store.lease import Held
from orchestrator.store.ledger import Ledger
from sweeps.layout import published

LEFT_BEHIND = ("failure-", "checkpoint-")


def reset(ledger: Ledger, job: Job) -> bool:
    """Move a job's result, failures and checkpoints away; False where another process runs it now. Raises OSError.

    Tokens go on counting, and W&B's mark of the old result goes, so that a new one is published beside it.
    """
    try:
        lease = ledger.claim(job)
    except Held:
        return False
    try:
        quarantine.move_away(ledger.store, ledger.place(job), "reset", LEFT_BEHIND)
        ledger.store.remove(published(job.id))
    finally:
        lease.release()
    return True
