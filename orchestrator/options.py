"""How runs are run, and how they end: what drivers and workers tell each other. Light: a driver imports no torch."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from orchestrator.tracking import TrackingOptions

Ending = Literal["done", "diverged", "failed", "held", "stopped", "not run"]


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
