"""How runs are run, and how they end: what drivers and workers tell each other. No torch is imported here."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

from orchestrator.store.settings import DEFAULT, Settings
from orchestrator.tracking.options import TrackingOptions
from sweeps.layout import stop, stop_waiting
from sweeps.store.location import Location

Ending = Literal["done", "diverged", "failed", "memory", "held", "stopped", "not run"]


@dataclass(frozen=True)
class TrialOptions:
    """How runs are run; nothing here changes a result. `store` is where the store is."""

    store: Location
    sweep: str = ""
    varied: tuple[str, ...] = ()
    """The fields that differ in the sweep: names show them."""
    differ: tuple[str, ...] = ()
    """All of them, those too that every name shows: what runs are called in W&B."""
    device: str = "cpu"
    threads: int = 1
    gpus_per_run: float = 0.0
    tracking: TrackingOptions | None = None
    use_prefix_cache: bool = True
    code: dict[str, Any] = field(default_factory=dict)
    launch: str = ""
    settings: Settings = DEFAULT

    @property
    def stop_key(self) -> str | None:
        """A key that is in the store once the driver asked the workers of this launch to stop."""
        return stop(self.launch) if self.launch else None

    @property
    def stop_waiting_key(self) -> str | None:
        """A key that is in the store once they are to begin nothing more, and to finish what they run."""
        return stop_waiting(self.launch) if self.launch else None


class OutOfMemory(RuntimeError):
    """A run did not fit into memory. It is tried once more with no other beside it, at the end of the launch."""
