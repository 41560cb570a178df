"""How runs are run, and how they end: what drivers and workers tell each other. Light: a driver imports no torch."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from orchestrator.tracking.tracker import TrackingOptions
from sweeps.layout import Layout

Ending = Literal["done", "diverged", "failed", "memory", "held", "stopped", "not run"]


@dataclass(frozen=True)
class TrialOptions:
    """How runs are run; nothing here changes a result."""

    store: Path
    sweep: str = ""
    device: str = "cpu"
    threads: int = 1
    gpus_per_run: float = 0.0
    tracking: TrackingOptions | None = None
    use_prefix_cache: bool = True
    checkpoint_every_epoch: bool = False
    code: dict[str, Any] = field(default_factory=dict)
    launch: str = ""

    @property
    def stop_file(self) -> Path | None:
        """Is there once the driver asked the workers of this launch to stop."""
        return Layout(self.store).stop(self.launch) if self.launch else None


class OutOfMemory(RuntimeError):
    """A run did not fit into memory. It is tried once more with no other beside it, at the end of the launch."""
