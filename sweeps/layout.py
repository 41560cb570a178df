"""Every path in the store, in one place.

    store/
      FORMAT                             the version of what is described here
      runs/<2 hex>/<run_id>/             one folder per run; sources/ likewise
        result.json                      the commit: published once, never changed; carries its own digest
        epochs-<sha>.parquet             one row per epoch; named by its own digest, as result.json gives it
        weights-<sha>.safetensors        sources only
        lease-<token>.json               who runs it now; the highest token holds
        released-<token>                 a lease given back without a result: its token is not used again
        checkpoint-<epoch>-<sha>.ckpt    the last two while it is under way
        failure-<n>.json                 what went wrong, attempt by attempt
      sweeps/<name>/<digest>.json        the expanded sweep: its runs and their specs; carries its own digest
      sweeps/<name>/launches/<when>.json what a launch was forecast to take, and what it took
      stops/<launch>                     a launch that was asked to stop: its workers save their epoch and end
      features/<2 hex>/<id>.safetensors  activations of frozen prefixes that take long to compute: a cache
      quarantine/<kind>-<id>-<n>/        a result that was found altered, with reason.json; `gc` deletes it
      wandb/                             offline W&B runs; wandb/published/<id>.json marks what W&B has

Files named by their digest cannot be overwritten by a late writer with other content.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

Kind = Literal["run", "source"]
KINDS: tuple[Kind, ...] = ("source", "run")
FORMAT = 2
"""Raised when files change their shape; ids of runs stay. orchestrator/store/upgrade.py brings older stores to it."""

DIGITS = 16
"""Hex digits of a SHA-256 that a file name carries."""


@dataclass(frozen=True)
class Place:
    """The folder of one run or source model."""

    kind: Kind
    id: str
    folder: Path

    @property
    def result(self) -> Path:
        return self.folder / "result.json"

    def epochs(self, sha256: str) -> Path:
        return self.folder / f"epochs-{sha256[:DIGITS]}.parquet"

    def weights(self, sha256: str) -> Path:
        return self.folder / f"weights-{sha256[:DIGITS]}.safetensors"

    def lease(self, token: int) -> Path:
        return self.folder / f"lease-{token:06d}.json"

    def leases(self) -> list[Path]:
        """Lowest token first."""
        return sorted(self.folder.glob("lease-*.json"))

    def released(self, token: int) -> Path:
        return self.folder / f"released-{token:06d}"

    def last_token(self) -> int:
        """The highest token ever given out here, 0 if none."""
        names = [*self.folder.glob("lease-*.json"), *self.folder.glob("released-*")]
        tokens = [path.stem.rpartition("-")[2] for path in names]
        return max((int(token) for token in tokens if token.isdecimal()), default=0)

    def checkpoint(self, epoch: int, sha256: str) -> Path:
        return self.folder / f"checkpoint-{epoch:08d}-{sha256[:DIGITS]}.ckpt"

    def checkpoints(self) -> list[Path]:
        """Latest epoch first."""
        return sorted(self.folder.glob("checkpoint-*.ckpt"), reverse=True)

    def failure(self, number: int) -> Path:
        return self.folder / f"failure-{number:04d}.json"

    def failures(self) -> list[Path]:
        """First attempt first."""
        return sorted(self.folder.glob("failure-*.json"))


@dataclass(frozen=True)
class Layout:
    """The paths of one store."""

    root: Path

    def place(self, kind: Kind, id: str) -> Place:
        return Place(kind, id, self.shelf(kind) / id[:2] / id)

    def shelf(self, kind: Kind) -> Path:
        return self.root / f"{kind}s"

    def sweep(self, name: str, digest: str) -> Path:
        return self.sweeps / name / f"{digest[:20]}.json"

    @property
    def sweeps(self) -> Path:
        return self.root / "sweeps"

    def launches(self, name: str) -> Path:
        return self.sweeps / name / "launches"

    def stop(self, launch: str) -> Path:
        return self.root / "stops" / launch

    @property
    def features(self) -> Path:
        return self.root / "features"

    def feature(self, id: str) -> Path:
        return self.features / id[:2] / f"{id}.safetensors"

    @property
    def quarantine(self) -> Path:
        return self.root / "quarantine"

    @property
    def format(self) -> Path:
        return self.root / "FORMAT"

    @property
    def wandb(self) -> Path:
        return self.root / "wandb"
