"""Checkpoints of a run under way: Lightning's content, a name of epoch and digest, the last two kept."""

from __future__ import annotations

import io
import logging
import os
import time
from pathlib import Path
from typing import Any

import pytorch_lightning as pl
import torch
from lightning_fabric.plugins import CheckpointIO

from orchestrator.store import durable
from orchestrator.store.lease import Lease
from sweeps.layout import DIGITS, Place

SHARE = float(os.environ.get("FROSTLINE_CHECKPOINT_SHARE") or 0.01)
"""Most of a run's time that checkpoints may take: cheap epochs are saved in groups, dear ones one by one.

0 saves none unless the run is asked to stop, inf every epoch.
"""

KEPT = 2
log = logging.getLogger("frostline.checkpoint")


class Checkpoints(CheckpointIO):
    """Decides when to save, writes durably, forgets all but the last two, and reads tensors only, no code."""

    def __init__(self, lease: Lease, every_epoch: bool = False) -> None:
        self._lease = lease
        self._every_epoch = every_epoch
        self._began = time.monotonic()
        self._spent = 0.0
        self._saves = 0
        self.warnings: list[str] = []
        """What could not be saved: the run goes on without it."""

    def due(self) -> bool:
        """True when one more save, as dear as those before, still keeps within the share."""
        if self._every_epoch:
            return True
        cost = self._spent / self._saves if self._saves else 0.005
        return self._spent + cost <= SHARE * (time.monotonic() - self._began)

    def save(self, trainer: pl.Trainer, epoch: int) -> None:
        """Save the state after `epoch` epochs. Raises lease.Fenced if the run is not ours any more."""
        began = time.monotonic()
        self._lease.check()
        try:
            trainer.save_checkpoint(self._lease.place.checkpoint(epoch, ""))
            for old in self._lease.place.checkpoints()[KEPT:]:
                old.unlink(missing_ok=True)
        except OSError as problem:  # a full disk must not cost what is computed already
            self.warnings.append(f"checkpoint of epoch {epoch} not written: {problem.strerror}")
            log.warning("%s: %s", self._lease.place.id, self.warnings[-1])
        self._saves += 1
        self._spent += time.monotonic() - began

    def save_checkpoint(self, checkpoint: dict[str, Any], path: str | Path, storage_options: Any | None = None) -> None:
        buffer = io.BytesIO()
        torch.save(checkpoint, buffer)
        content = buffer.getvalue()
        stem = Path(path).stem  # checkpoint-<epoch>-, its digest not known before
        durable.replace(Path(path).with_stem(stem + durable.sha256(content)[:DIGITS]), content)

    def load_checkpoint(
        self, path: str | Path, map_location: Any | None = None, weights_only: bool | None = None
    ) -> dict[str, Any]:
        return torch.load(path, map_location=map_location, weights_only=True)

    def remove_checkpoint(self, path: str | Path) -> None:
        Path(path).unlink(missing_ok=True)


def newest(place: Place) -> tuple[Path | None, list[str]]:
    """The newest whole checkpoint, and a warning for each damaged one met on the way to it."""
    warnings: list[str] = []
    for path in place.checkpoints():
        expected = path.stem.rpartition("-")[2]
        try:
            content = path.read_bytes()
            if durable.sha256(content)[:DIGITS] == expected:
                torch.load(io.BytesIO(content), weights_only=True)
                return path, warnings
            problem = "its digest is not the one in its name"
        except Exception as error:  # whatever a damaged archive raises, the run goes on from the one before
            problem = type(error).__name__
        warnings.append(f"checkpoint {path.name} is damaged ({problem}); not used")
        log.warning("%s: %s", place.id, warnings[-1])
    return None, warnings
