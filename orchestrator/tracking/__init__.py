"""Weights & Biases: a window on results, never their source.

Tracker          one run's window
TrackingOptions  mode, project, folder

The module `publish` sends from the store what W&B does not have, `sweep_run` a sweep's tables, figures and page.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sweeps.contents import lazy

if TYPE_CHECKING:
    from orchestrator.tracking.options import TrackingOptions as TrackingOptions
    from orchestrator.tracking.tracker import Tracker as Tracker

OFFERED = {
    "Tracker": "tracker",
    "TrackingOptions": "options",
}
__getattr__ = lazy(__name__, OFFERED)
