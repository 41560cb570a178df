"""What a store holds that no sweep on record reaches, or that a crash left behind; and its removal.

garbage      everything that may go; changes nothing
remove       delete it, but what is held by now or wanted
Garbage      one key, or a folder of keys, that may go
reached      the runs of every sweep on record, and the source models that these start from
AGE_SECONDS  from which on a temporary file outside of leased folders counts as left behind
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sweeps.contents import lazy

if TYPE_CHECKING:
    from orchestrator.store.gc.listing import AGE_SECONDS as AGE_SECONDS
    from orchestrator.store.gc.listing import Garbage as Garbage
    from orchestrator.store.gc.listing import garbage as garbage
    from orchestrator.store.gc.listing import reached as reached
    from orchestrator.store.gc.removal import remove as remove

OFFERED = {
    "AGE_SECONDS": "listing",
    "Garbage": "listing",
    "garbage": "listing",
    "reached": "listing",
    "remove": "removal",
}
__getattr__ = lazy(__name__, OFFERED)
