"""What is there, safely: results committed once, leases, damage set aside.

Store       the operations of a store: create, replace, read, list, remove, heartbeat and a few more
Settings    lease expiry, share of checkpoints, faults: read once from the environment by the command line
Ledger      one store: results, states, failures, sweeps on record
Job         a source model or a run to be computed
Lease       a hold on one job, with heartbeat and fencing token
StoreError  a store that cannot be used, in one line
Damaged     a result that is not what was committed

The modules `survey`, `verify` and `gc` look at many jobs, re-hash a store, and remove what no sweep reaches.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sweeps.contents import lazy

if TYPE_CHECKING:
    from orchestrator.store.interface import Store as Store
    from orchestrator.store.jobs import Job as Job
    from orchestrator.store.lease import Lease as Lease
    from orchestrator.store.ledger import Damaged as Damaged
    from orchestrator.store.ledger import Ledger as Ledger
    from orchestrator.store.ledger import StoreError as StoreError
    from orchestrator.store.settings import Settings as Settings

OFFERED = {
    "Damaged": "ledger",
    "Job": "jobs",
    "Lease": "lease",
    "Ledger": "ledger",
    "Settings": "settings",
    "Store": "interface",
    "StoreError": "ledger",
}
__getattr__ = lazy(__name__, OFFERED)
