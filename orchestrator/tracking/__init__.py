"""Weights & Biases: a window on results, never their source.

Tracker          one run's window
TrackingOptions  mode, project, folder

The module `publish` sends from the store what W&B does not have.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sweeps.contents import lazy

if TYPE_CHECKING:
    from orchestrator.tracking.tracker import Tracker as Tracker
    from orchestrator.tracking.tracker import TrackingOptions as TrackingOptions

OFFERED = {
    "Tracker": "tracker",
    "TrackingOptions": "tracker",
}
__getattr__ = lazy(__name__, OFFERED)
