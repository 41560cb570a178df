"""Checkpoints of a run under way: Lightning's content, named by epoch and digest, the last two sound ones kept."""

from __future__ import annotations

import errno
import io
import logging
import time
from pathlib import Path
from typing import Any

import pytorch_lightning as pl
import torch
from lightning_fabric.plugins import CheckpointIO

from orchestrator.store.lease import Lease
from sweeps.layout import DIGITS, Place, last_part
from sweeps.self_digest import sha256_of
from sweeps.store.interface import Reading

KEPT = 2
PASSES = (errno.EAGAIN, errno.ESTALE, errno.ETIMEDOUT, errno.EHOSTUNREACH, errno.ENETUNREACH, errno.ECONNRESET)
"""Refusals that say nothing of what is stored, but that the storage was not reached, or had too much to do."""
log = logging.getLogger("frostline.checkpoint")


class Checkpoints(CheckpointIO):
    """Decides when to save, writes durably, deletes all but the last two sound ones, and reads tensors only, no code.

    Lightning is given keys of the store for paths. `resume`: that of the newest whole checkpoint that an attempt before
    left, None if there is none.
    """

    def __init__(self, lease: Lease) -> None:
        self._lease = lease
        self._began = time.monotonic()
        self._spent = 0.0
        self._saves = 0
        self.resume, self._left, passed_over = newest(lease.store, lease.place)
        """`_left`: what `resume` has."""
        self.warnings = list(passed_over.values())
        """What could not be read or saved: the run goes on without it."""
        self._passed_over = set(passed_over)

    def due(self) -> bool:
        """True when one more save, as expensive as those before, stays within `Settings.checkpoint_share`."""
        cost = self._spent / self._saves if self._saves else 0.005
        return self._spent + cost <= self._lease.settings.checkpoint_share * (time.monotonic() - self._began)

    def save(self, trainer: pl.Trainer, epoch: int) -> None:
        """Save the state after `epoch` epochs. Raises lease.Fenced if another process has taken the run over."""
        began = time.monotonic()
        store, place = self._lease.store, self._lease.place
        try:
            self._lease.check()
            trainer.save_checkpoint(place.checkpoint(epoch, ""))
            there = place.checkpoints(store.list(place.folder))
            # Those that were passed over may be of later epochs: counted among the two, they would push out this one.
            sound = [key for key in there if key not in self._passed_over]
            for old in (*sound[KEPT:], *(key for key in there if key in self._passed_over)):
                store.remove(old)
        except OSError as problem:  # a full disk must not cost what is computed already
            self.warnings.append(f"checkpoint of epoch {epoch} not written: {problem.strerror}")
            log.warning("%s: %s", place.id, self.warnings[-1])
        self._saves += 1
        self._spent += time.monotonic() - began

    def save_checkpoint(self, checkpoint: dict[str, Any], path: str | Path, storage_options: Any | None = None) -> None:
        buffer = io.BytesIO()
        torch.save(checkpoint, buffer)
        content = buffer.getvalue()
        epoch = int(last_part(str(path)).split("-")[1])  # checkpoint-<epoch>-.ckpt, its digest not known before
        key = self._lease.place.checkpoint(epoch, sha256_of(content))
        self._lease.store.replace(key, content)
        self._passed_over.discard(key)

    def load_checkpoint(
        self, path: str | Path, map_location: Any | None = None, weights_only: bool | None = None
    ) -> dict[str, Any]:
        assert str(path) == self.resume
        left, self._left = self._left, b""
        return torch.load(io.BytesIO(left), map_location=map_location, weights_only=True)

    def remove_checkpoint(self, path: str | Path) -> None:
        self._lease.store.remove(str(path))


def newest(store: Reading, place: Place) -> tuple[str | None, bytes, dict[str, str]]:
    """The key and the content of the newest whole checkpoint, and by key a warning of each one that is newer.

    Raises OSError where the storage does not answer just now (PASSES): an attempt that fails costs less than the epochs
    since an older checkpoint. A refusal of another kind, of a broken sector say, may stay: that checkpoint is passed
    over like a damaged one.
    """
    passed_over: dict[str, str] = {}
    for key in place.checkpoints(store.list(place.folder)):
        expected = key.removesuffix(".ckpt").rpartition("-")[2]
        wrong = "damaged"
        try:
            content = store.read(key) or b""
            if sha256_of(content)[:DIGITS] == expected:
                torch.load(io.BytesIO(content), weights_only=True)
                return key, content, passed_over
            problem = "its digest is not the one in its name"
        except OSError as error:
            if error.errno in PASSES:
                raise
            wrong, problem = "unreadable", error.strerror or type(error).__name__
        except Exception as error:  # whatever a damaged archive raises, the run goes on from the one before
            problem = type(error).__name__
        passed_over[key] = f"checkpoint {last_part(key)} is {wrong} ({problem}); not used"
        log.warning("%s: %s", place.id, passed_over[key])
    return None, b"", passed_over
