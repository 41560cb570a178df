"""One epoch is one Lightning step: the loop over batches is inside it, so Lightning's cost is paid once an epoch.

Lightning keeps what it is good at (devices, precision, checkpoints, resuming); a batch is an index into tensors that
lie on the device already.
"""

from __future__ import annotations

import math
import time
from typing import Any

import pytorch_lightning as pl
import torch
from torch import Tensor
from torch.nn.functional import cross_entropy

from architectures import Network
from orchestrator.train.evaluation import evaluate
from orchestrator.train.prefix import Inputs
from sweeps.records import EpochRecord
from sweeps.seeds import Role
from sweeps.spec import Recipe
from tasks import Batches, TaskData, augment


class Training(pl.LightningModule):
    """A network, its data and its recipe. `curve` holds a record per epoch and travels in the checkpoint."""

    def __init__(self, network: Network, data: TaskData, inputs: Inputs, recipe: Recipe, role: Role, seed: int) -> None:
        super().__init__()
        self.automatic_optimization = False
        self.network = network
        self.data = data
        self.inputs = inputs
        self.recipe = recipe
        self.role: Role = role
        self.seed = seed
        self.curve: list[EpochRecord] = []
        samples, device = len(data.labels), data.labels.device
        self.batches = Batches(samples, recipe.batch_size, seed, role, device, recipe.batches)

    def configure_optimizers(self) -> torch.optim.Optimizer:
        parameters = [parameter for parameter in self.network.parameters() if parameter.requires_grad]
        recipe = self.recipe
        if recipe.optimizer == "adam":
            return torch.optim.Adam(parameters, recipe.learning_rate, weight_decay=recipe.weight_decay, fused=True)
        return torch.optim.SGD(
            parameters, recipe.learning_rate, recipe.momentum, weight_decay=recipe.weight_decay, fused=True
        )

    def training_step(self, batch: Any, batch_index: int) -> None:
        """Train for one epoch, then measure it."""
        began = time.perf_counter()
        epoch = len(self.curve)
        rate = self._train(epoch)
        scores = evaluate(self.network, self.data, self.inputs)
        self.curve.append(
            EpochRecord(
                epoch=epoch + 1,
                step=(epoch + 1) * len(self.batches),
                **scores,
                learning_rate=rate,
                seconds=time.perf_counter() - began,
            )
        )

    def _train(self, epoch: int) -> float:
        optimizer = self.optimizers()
        assert not isinstance(optimizer, list)
        self.network.train()
        rate = self.recipe.learning_rate
        for step, index in enumerate(self.batches.epoch(epoch)):
            rate = self._set_rate(optimizer, epoch * len(self.batches) + step)
            optimizer.zero_grad()
            self.manual_backward(self._loss(index, epoch, step))
            optimizer.step()
        return rate

    def _loss(self, index: Tensor, epoch: int, step: int) -> Tensor:
        labels = self.data.labels[index]
        if self.recipe.augment == "none":
            return cross_entropy(self.inputs.train_logits(self.network, index).float(), labels)
        images = augment(
            self.data.inputs[index],
            self.recipe.augment,
            self.seed,
            self.role,
            epoch,
            step,
            fill=self.data.black,
        )
        return cross_entropy(self.network(images).float(), labels)

    def _set_rate(self, optimizer: Any, step: int) -> float:
        rate = self.recipe.learning_rate * schedule_factor(self.recipe, step, self.recipe.epochs * len(self.batches))
        for group in optimizer.param_groups:
            group["lr"] = rate
        return rate

    def diverged(self) -> bool:
        """Whether the last epoch left a loss that is no number."""
        last = self.curve[-1] if self.curve else None
        return last is not None and not (math.isfinite(last.train_loss) and math.isfinite(last.test_loss))

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        checkpoint["curve"] = torch.tensor(self.curve, dtype=torch.float64)

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        self.curve = [EpochRecord(int(row[0]), int(row[1]), *row[2:]) for row in checkpoint["curve"].tolist()]


def schedule_factor(recipe: Recipe, step: int, steps: int) -> float:
    """The step's learning rate over the recipe's. `inverse_sqrt` is Nakkiran et al. 2019: 1/sqrt(1 + step // 512)."""
    if recipe.schedule == "cosine":
        return 0.5 * (1 + math.cos(math.pi * step / steps))
    if recipe.schedule == "inverse_sqrt":
        return 1 / math.sqrt(1 + step // 512)
    return 1.0
