"""Where jobs run: a Ray cluster, or this process. `local` and `cluster` have the same `run`.

check_resources  refuses shares of devices that no run could be given
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sweeps.contents import lazy

if TYPE_CHECKING:
    from orchestrator.runners.resources import check_resources as check_resources

OFFERED = {
    "check_resources": "resources",
}
__getattr__ = lazy(__name__, OFFERED)
