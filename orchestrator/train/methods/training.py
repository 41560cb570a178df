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
from orchestrator.train.methods.method import Setting
from sweeps.records import EpochRecord
from sweeps.seeds import Role
from sweeps.spec import Recipe
from tasks import Batches, augment


class Training(pl.LightningModule):
    """A network, its data and its recipe. `curve` has one record per trained epoch."""

    def __init__(self, setting: Setting) -> None:
        super().__init__()
        self.automatic_optimization = False
        self.network = setting.network
        self.data = setting.data
        self.inputs = setting.inputs
        self.recipe = setting.recipe
        self.loss = loss_of(setting.recipe)
        self.role: Role = setting.role
        self.seed = setting.seed
        self.curve: list[EpochRecord] = []
        self.diverged = False
        """Whether the last epoch left a loss that is not a finite number."""
        samples, device = len(self.data.labels), self.data.labels.device
        self.batches = Batches(samples, self.recipe.batch_size, self.seed, self.role, device, self.recipe.batches)

    def configure_optimizers(self) -> torch.optim.Optimizer:
        parameters = [parameter for parameter in self.network.parameters() if parameter.requires_grad]
        recipe = self.recipe
        if recipe.optimizer == "adam":
            return torch.optim.Adam(parameters, recipe.learning_rate, weight_decay=recipe.weight_decay, fused=True)
        return torch.optim.SGD(
            parameters, recipe.learning_rate, recipe.momentum, weight_decay=recipe.weight_decay, fused=True
        )

    def training_step(self, batch: Any, batch_index: int) -> None:
        """One epoch: train on every batch, then evaluate both sets. Lightning's own arguments are not used."""
        began = time.perf_counter()
        epoch = len(self.curve)
        rate = self._train(epoch)
        scores = evaluate(self.network, self.data, self.inputs, self.loss)
        self.curve.append(
            EpochRecord(
                epoch=epoch + 1,
                step=(epoch + 1) * len(self.batches),
                **scores,
                learning_rate=rate,
                seconds=time.perf_counter() - began,
            )
        )
        self.diverged = not (math.isfinite(scores["train_loss"]) and math.isfinite(scores["test_loss"]))

    def _train(self, epoch: int) -> float:
        """All batches of an epoch (counted from 0), one optimizer step each; the last step's learning rate."""
        optimizer = self.optimizers()
        assert not isinstance(optimizer, list)
        self.network.train()
        rate = self.recipe.learning_rate
        for step, index in enumerate(self.batches.epoch(epoch)):
            rate = self._set_rate(optimizer, epoch * len(self.batches) + step)
            optimizer.zero_grad()
            logits = self._logits(index, epoch, step).float()
            self.manual_backward(self.loss(logits, self.data.labels[index]))
            optimizer.step()
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
        rate = self.recipe.learning_rate * schedule_factor(self.recipe, step, self.recipe.epochs * len(self.batches))
        for group in optimizer.param_groups:
            group["lr"] = rate
        return rate

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        checkpoint["curve"] = torch.tensor(self.curve, dtype=torch.float64)

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        self.curve = [EpochRecord(int(row[0]), int(row[1]), *row[2:]) for row in checkpoint["curve"].tolist()]


def schedule_factor(recipe: Recipe, step: int, steps: int) -> float:
    """The step's learning rate over the recipe's. `inverse_sqrt` is Nakkiran et al. 2019: 1/sqrt(1 + step // 512).

    Example: with `cosine`, step 5 of 10 gives 0.5.
    """
    if recipe.schedule == "cosine":
        return 0.5 * (1 + math.cos(math.pi * step / steps))
    if recipe.schedule == "inverse_sqrt":
        return 1 / math.sqrt(1 + step // 512)
    return 1.0
