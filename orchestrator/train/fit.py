"""Lightning's part of a run: fit, and what happens after each epoch."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterator
from pathlib import Path

import pytorch_lightning as pl
import torch
from lightning_fabric.plugins.environments.lightning import LightningEnvironment

from orchestrator.store.lease import Lease
from orchestrator.tracking.tracker import Tracker
from orchestrator.train.checkpoint import Checkpoints
from orchestrator.train.stopping import StopKey
from orchestrator.train.training import Training
from sweeps.records import EpochRecord

# Its remarks on devices, tips and shared memory would stand between every two runs.
logging.getLogger("pytorch_lightning").setLevel(logging.ERROR)


class Stopped(Exception):
    """The run was asked to stop; its last epoch is saved."""


def fit(training: Training, each_epoch: EachEpoch, resume: Path | None, device: torch.device) -> None:
    """Train to the recipe's last epoch, from a checkpoint if there is one. Raises Stopped when asked to stop."""
    with warnings.catch_warnings():
        # One batch an epoch is what this design is; the advice on worker processes does not apply to it.
        warnings.filterwarnings("ignore", category=UserWarning, module="pytorch_lightning")
        warnings.filterwarnings("ignore", message=".*LeafSpec.*is deprecated")
        trainer = Trainer(
            accelerator="gpu" if device.type == "cuda" else "cpu",
            devices=[device.index or 0] if device.type == "cuda" else 1,
            max_epochs=training.recipe.epochs,
            precision="bf16-mixed" if training.recipe.precision == "bf16" else "32-true",
            callbacks=[each_epoch],
            # Named, or Lightning would take a Slurm job for its own to requeue.
            plugins=[each_epoch.checkpoints, LightningEnvironment()],
            logger=False,
            enable_checkpointing=False,
            enable_progress_bar=False,
            enable_model_summary=False,
            use_distributed_sampler=False,
            inference_mode=False,
        )
        trainer.fit(training, OneStep(), ckpt_path=resume, weights_only=True)
    assert training.diverged() or len(training.curve) == training.recipe.epochs


class Trainer(pl.Trainer):
    """Lightning's trainer, but for SIGTERM: it would end the epoch unsaved."""

    @property
    def received_sigterm(self) -> bool:
        return False


class OneStep:
    """What Lightning iterates over: one step, which is a whole epoch."""

    def __iter__(self) -> Iterator[int]:
        return iter((0,))

    def __len__(self) -> int:
        return 1


class EachEpoch(pl.Callback):
    """After each epoch: show life, track, save when due, stop when the loss is no number or when asked to."""

    def __init__(
        self, lease: Lease, tracker: Tracker | None, every_epoch: bool = False, stop_key: str | None = None
    ) -> None:
        self.lease = lease
        self.tracker = tracker
        self.checkpoints = Checkpoints(lease, every_epoch)
        self.stop = StopKey(lease.store, stop_key)

    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        assert isinstance(pl_module, Training)
        self.lease.progress = len(pl_module.curve)
        for row in pl_module.curve:
            self._track(row)

    def on_train_epoch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        assert isinstance(pl_module, Training)
        epoch = len(pl_module.curve)
        self._track(pl_module.curve[-1])
        self.lease.reached(epoch)
        if pl_module.diverged():
            trainer.should_stop = True
        elif epoch < pl_module.recipe.epochs:
            asked = self.stop.asked()
            if asked or self.checkpoints.due():
                self.checkpoints.save(trainer, epoch)
            if asked:
                raise Stopped

    def _track(self, row: EpochRecord) -> None:
        if self.tracker is not None:
            self.tracker.log(row)
