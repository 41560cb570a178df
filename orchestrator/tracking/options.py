"""Where W&B runs go. Plain data, sent to workers: it holds no key."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from orchestrator.store.folder import store_at
from sweeps.layout import WANDB
from sweeps.store.location import Location

Mode = Literal["offline", "online", "disabled"]


@dataclass(frozen=True)
class TrackingOptions:
    """`store` is where the store is. `system`: the machine's load is sampled too, while a run goes on (online)."""

    store: Location
    mode: Mode = "offline"
    project: str = "frostline"
    system: bool = False

    @property
    def words(self) -> tuple[str, ...]:
        """The option of a command that names the project; none where it is the usual one."""
        return () if self.project == TrackingOptions.project else ("--wandb-project", self.project)

    @property
    def runs(self) -> Path:
        """Where wandb keeps its runs: a folder that it insists on calling `wandb`."""
        return store_at(self.store).local_folder(WANDB).absolute()
