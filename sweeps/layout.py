"""Every path in the store, in one place.

    store/
      runs/<2 hex>/<run_id>/        one folder per run; sources/ likewise
        result.json                 the commit: written last, never changed
        epochs.parquet              one row per epoch
        weights.safetensors         sources only
        lease-<token>.json          who runs it now; the highest token holds
        checkpoint-<a|b>.ckpt       the last two generations while it is under way
        failure-<n>.json            what went wrong, attempt by attempt
      sweeps/<name>/<digest>.json   the expanded sweep: its runs and their specs
      wandb/                        offline W&B runs, until they are published
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

Kind = Literal["run", "source"]


@dataclass(frozen=True)
class Place:
    """The folder of one run or source model."""

    kind: Kind
    id: str
    folder: Path

    @property
    def result(self) -> Path:
        return self.folder / "result.json"

    @property
    def epochs(self) -> Path:
        return self.folder / "epochs.parquet"

    @property
    def weights(self) -> Path:
        return self.folder / "weights.safetensors"

    def lease(self, token: int) -> Path:
        return self.folder / f"lease-{token:06d}.json"

    def checkpoint(self, generation: str) -> Path:
        return self.folder / f"checkpoint-{generation}.ckpt"

    def failure(self, number: int) -> Path:
        return self.folder / f"failure-{number:04d}.json"


@dataclass(frozen=True)
class Layout:
    """The paths of one store."""

    root: Path

    def place(self, kind: Kind, id: str) -> Place:
        return Place(kind, id, self.shelf(kind) / id[:2] / id)

    def shelf(self, kind: Kind) -> Path:
        return self.root / f"{kind}s"

    def sweep(self, name: str, digest: str) -> Path:
        return self.root / "sweeps" / name / f"{digest[:20]}.json"

    @property
    def format(self) -> Path:
        return self.root / "FORMAT"

    @property
    def wandb(self) -> Path:
        return self.root / "wandb"
