"""Gradient descent as a LightningModule. Read it from top to bottom: one epoch is one Lightning step.

Usually Lightning's `training_step` is one batch. Small networks train a batch in a millisecond, and Lightning's hooks
would take as long again. Here `training_step` is therefore a whole epoch (manual optimization): it loops over all
batches, evaluates both sets, and appends a row to `curve`. Lightning's cost is paid once an epoch, and Lightning keeps
what it is good at: devices, precision, checkpoints, resuming.

No data loader: the data are tensors on the device, and a batch is an index into them. Batches, augmentation and
learning rate follow from (seed, epoch, step) alone, and `curve` is part of the checkpoint with the weights and the
optimizer's state. So a run that resumes at an epoch computes the same bits as one that never stopped.
"""

from __future__ import annotations

import math
import time
from typing import Any

import pytorch_lightning as pl
import torch
from torch import Tensor

from orchestrator.train.evaluation import evaluate
from orchestrator.train.losses import loss_of
from orchestrator.train.methods.measures import Measures
from orchestrator.train.methods.method import Setting
from orchestrator.train.methods.optimizers import Hold, Pull, make_optimizer, set_rate
from orchestrator.train.methods.schedules import schedule_factor
from sweeps.records import EpochRecord
from sweeps.seeds import Role
from tasks import Batches, augment
from tasks.steps import budget, evaluated_epochs


class Training(pl.LightningModule):
    """A network, its data and its recipe. `curve` has one record per evaluated epoch."""

    def __init__(self, setting: Setting) -> None:
        super().__init__()
        self.automatic_optimization = False
        self.network = setting.network
        self.data = setting.data
        self.inputs = setting.inputs
        self.recipe = setting.recipe
        self.transfer = setting.transfer
        self.loss = loss_of(setting.recipe)
        self.role: Role = setting.role
        self.seed = setting.seed
        self.curve: list[EpochRecord] = []
        self.epochs_trained = 0
        self.diverged = False
        """Whether the last evaluated epoch left a loss that is not a finite number."""
        samples, device = len(self.data.labels), self.data.labels.device
        self.batches = Batches(samples, self.recipe.batch_size, self.seed, self.role, device, self.recipe.batches)
        self.length = budget(self.recipe, samples)
        self._evaluated = frozenset(evaluated_epochs(self.recipe, self.length.epochs))
        self._pull = Pull(self.network, self.transfer.l2_sp) if self.transfer.l2_sp is not None else None
        self._hold = Hold(self.network) if self.network.held else None
        self._trained = [parameter for parameter in self.network.parameters() if parameter.requires_grad]
        self.measures = Measures(setting)
        self._seconds = 0.0
        """Since the last evaluation."""

    @property
    def evaluated(self) -> bool:
        """Whether the last record is of the epoch that was trained last."""
        return self.epochs_trained in self._evaluated

    def configure_optimizers(self) -> torch.optim.Optimizer:
        return make_optimizer(self.network, self.recipe, self.transfer)

    def training_step(self, batch: Any, batch_index: int) -> None:
        """One epoch: train on every batch, then evaluate both sets. Lightning's own arguments are not used."""
        began = time.perf_counter()
        rate = self._train(self.epochs_trained)
        self.epochs_trained += 1
        if self.evaluated:
            self._evaluate(rate, began)
        else:
            self._seconds += time.perf_counter() - began

    def _evaluate(self, rate: float, began: float) -> None:
        scores = evaluate(self.network, self.data, self.inputs, self.loss)
        self.measures.take()
        self.curve.append(
            EpochRecord(
                epoch=self.epochs_trained,
                step=min(self.epochs_trained * len(self.batches), self.length.steps),
                **scores,
                learning_rate=rate,
                seconds=self._seconds + time.perf_counter() - began,
            )
        )
        self._seconds = 0.0
        self.diverged = not (math.isfinite(scores["train_loss"]) and math.isfinite(scores["test_loss"]))

    def _train(self, epoch: int) -> float:
        """All batches of an epoch (counted from 0) that the budget has steps for; the last step's learning rate."""
        optimizer = self.optimizers()
        assert not isinstance(optimizer, list)
        self.network.train()
        rate = self.recipe.learning_rate
        left = self.length.steps - epoch * len(self.batches)
        for step, index in enumerate(self.batches.epoch(epoch)[:left]):
            rate = self._set_rate(optimizer, epoch * len(self.batches) + step)
            optimizer.zero_grad()
            logits = self._logits(index, epoch, step).float()
            self.manual_backward(self.loss(logits, self.data.labels[index]))
            if self._hold is not None:
                self._hold.clear_gradients()
            if self.recipe.clip is not None:
                torch.nn.utils.clip_grad_norm_(self._trained, self.recipe.clip)
            if self._pull is not None:
                self._pull.add_to_gradients()
            optimizer.step()
            if self._hold is not None:
                self._hold.put_back()
        return rate

    def _logits(self, index: Tensor, epoch: int, step: int) -> Tensor:
        """(len(index), classes), of a batch: from stored activations or images, or from augmented images."""
        if self.recipe.augment == "none":
            return self.inputs.train_logits(self.network, index)
        images = augment(
            self.data.inputs[index],
            self.recipe.augment,
            self.seed,
            self.role,
            epoch,
            step,
            fill=self.data.black,
        )
        return self.network(images)

    def _set_rate(self, optimizer: Any, step: int) -> float:
        rate = self.recipe.learning_rate * schedule_factor(self.recipe, step, self.length)
        set_rate(optimizer, rate)
        return rate

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        checkpoint["curve"] = torch.tensor(self.curve, dtype=torch.float64)
        checkpoint["measures"] = self.measures.columns
        checkpoint["epochs_trained"] = self.epochs_trained
        checkpoint["seconds_since"] = self._seconds

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        self.curve = [EpochRecord(int(row[0]), int(row[1]), *row[2:]) for row in checkpoint["curve"].tolist()]
        self.epochs_trained = checkpoint.get("epochs_trained", len(self.curve))
        self.measures.columns = checkpoint.get("measures", {})
        self._seconds = checkpoint.get("seconds_since", 0.0)
