"""Reading the store: one interface, one reader, one kind of error, one rule of status.

Reading       what can be asked of a store: read, list, exists, and where a key is
Folder        a store that is a folder of this machine or of a shared file system
StoreError    a store that cannot be used, in one line
Damaged       a file that is not what was committed

The modules `records` (results, sweeps, failures, digests), `leases` (what a lease says) and `status` (running, failed,
blocked or missing) are shared by planning and by analysis. Writing is in orchestrator/store.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sweeps.contents import lazy

if TYPE_CHECKING:
    from sweeps.store.folder import Folder as Folder
    from sweeps.store.interface import Damaged as Damaged
    from sweeps.store.interface import Reading as Reading
    from sweeps.store.interface import StoreError as StoreError

OFFERED = {
    "Damaged": "interface",
    "Folder": "folder",
    "Reading": "interface",
    "StoreError": "interface",
}
__getattr__ = lazy(__name__, OFFERED)
