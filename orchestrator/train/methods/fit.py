"""Lightning's part of gradient descent: the Trainer, checkpoints, and what happens after each epoch.

`fit` makes the LightningModule (training.py) and a Trainer whose epoch is a single step. Lightning moves the module to
the device, sets precision, makes the optimizer, calls `training_step` once an epoch, and loads and saves checkpoints.
"""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterator

import pytorch_lightning as pl
import torch
from lightning_fabric.plugins.environments.lightning import LightningEnvironment

from orchestrator.train.methods.checkpoint import Checkpoints
from orchestrator.train.methods.method import Setting, Trained
from orchestrator.train.methods.reports import EpochReports
from orchestrator.train.methods.training import Training
from orchestrator.train.stopping import Stopped

# Its messages on devices, tips and shared memory would appear between every two runs.
logging.getLogger("pytorch_lightning").setLevel(logging.ERROR)


def fit(setting: Setting, reports: EpochReports) -> Trained:
    """Train to the recipe's last epoch, from the newest checkpoint if there is one. Raises Stopped when asked to."""
    training = Training(setting)
    each_epoch = EachEpoch(reports)
    with warnings.catch_warnings():
        # One batch an epoch is the design; Lightning's advice on worker processes does not apply to it.
        warnings.filterwarnings("ignore", category=UserWarning, module="pytorch_lightning")
        warnings.filterwarnings("ignore", message=".*LeafSpec.*is deprecated")
        trainer = _trainer(training.length.epochs, setting.recipe.precision, setting.device.torch, each_epoch)
        trainer.fit(training, OneStep(), ckpt_path=each_epoch.checkpoints.resume, weights_only=True)
    assert training.diverged or training.epochs_trained == training.length.epochs
    warned = tuple(each_epoch.checkpoints.warnings)
    return Trained(training.curve, training.diverged, warned, training.measures.columns)


def _trainer(epochs: int, precision: str, device: torch.device, each_epoch: EachEpoch) -> pl.Trainer:
    return Trainer(
        accelerator="gpu" if device.type == "cuda" else "cpu",
        devices=[device.index or 0] if device.type == "cuda" else 1,
        max_epochs=epochs,
        precision="bf16-mixed" if precision == "bf16" else "32-true",
        callbacks=[each_epoch],
        # The environment is named, or Lightning would take a Slurm job for its own to requeue.
        plugins=[each_epoch.checkpoints, LightningEnvironment()],
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        use_distributed_sampler=False,
        inference_mode=False,
    )


class Trainer(pl.Trainer):
    """Lightning's trainer, which by itself would end an epoch unsaved on SIGTERM (stopping.py handles signals)."""

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
    """After each epoch: report it, save when a checkpoint is due, stop when it diverged or when asked to."""

    def __init__(self, reports: EpochReports) -> None:
        self.reports = reports
        self.checkpoints = Checkpoints(reports.lease)

    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        assert isinstance(pl_module, Training)
        if pl_module.epochs_trained:
            self.reports.resumed(pl_module.curve, pl_module.epochs_trained)

    def on_train_epoch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        assert isinstance(pl_module, Training)
        epoch = pl_module.epochs_trained
        asked = self.reports.trained(pl_module.curve[-1]) if pl_module.evaluated else self.reports.passed(epoch)
        if pl_module.diverged:
            trainer.should_stop = True
        elif epoch < pl_module.length.epochs:
            if asked or self.checkpoints.due():
                self.checkpoints.save(trainer, epoch)
            if asked:
                raise Stopped
