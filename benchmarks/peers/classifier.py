"""What both peers train: a network in a LightningModule, as Lightning's own documentation writes one."""

from __future__ import annotations

from collections.abc import Iterator

import pytorch_lightning as pl
import torch
from ray.tune import ResultGrid
from torch import Tensor
from torch.nn.functional import cross_entropy
from torch.utils.data import Sampler

import architectures
from architectures import Network
from sweeps.seeds import Role, seed_for
from sweeps.spec import Kernels, Recipe, RunSpec
from tasks import Batches, TaskData

PARTS = ("test_error", "train_error")


class Classifier(pl.LightningModule):
    """Automatic optimisation, one `validation_step` for the test set and the train set after every epoch."""

    def __init__(self, network: Network, recipe: Recipe) -> None:
        super().__init__()
        self.network = network
        self.recipe = recipe

    def training_step(self, batch: tuple[Tensor, Tensor], batch_index: int) -> Tensor:
        images, labels = batch
        loss = cross_entropy(self.network(images), labels)
        self.log("train_loss", loss)
        return loss

    def validation_step(self, batch: tuple[Tensor, Tensor], batch_index: int, dataloader_idx: int = 0) -> None:
        images, labels = batch
        wrong = (self.network(images).argmax(1) != labels).float().mean()
        self.log(PARTS[dataloader_idx], wrong, on_epoch=True, batch_size=len(labels), add_dataloader_idx=False)

    def configure_optimizers(self) -> torch.optim.Optimizer:
        parameters = [parameter for parameter in self.network.parameters() if parameter.requires_grad]
        recipe = self.recipe
        if recipe.optimizer == "adam":
            return torch.optim.Adam(parameters, recipe.learning_rate, weight_decay=recipe.weight_decay, fused=True)
        return torch.optim.SGD(
            parameters, recipe.learning_rate, recipe.momentum, weight_decay=recipe.weight_decay, fused=True
        )


class EpochOrder(Sampler[int]):
    """The product's order of samples, so that every way of running visits them alike. Lightning calls `set_epoch`."""

    def __init__(self, data: TaskData, recipe: Recipe, seed: int, role: Role) -> None:
        self.batches = Batches(len(data.labels), recipe.batch_size, seed, role)
        self.epoch = 0

    def set_epoch(self, epoch: int) -> None:
        self.epoch = epoch

    def __iter__(self) -> Iterator[int]:
        return iter([index for batch in self.batches.epoch(self.epoch) for index in batch.tolist()])

    def __len__(self) -> int:
        return self.batches.samples


def source_network(spec: RunSpec, classes: int, kernels: Kernels | None = None) -> Network:
    network = architectures.build(spec.model, classes, seed_for(spec.seed_of("source"), "source", "init"))
    return computing(network, spec.model.family, kernels)


def target_network(spec: RunSpec, classes: int, weights: dict[str, Tensor], kernels: Kernels | None = None) -> Network:
    """A fresh network that takes over all but the head, its first units frozen."""
    network = architectures.build(spec.model, classes, seed_for(spec.seed, "target", "init"))
    architectures.inherit(network, weights)
    architectures.freeze(network, spec.transfer.frozen, spec.transfer.norm)
    return computing(network, spec.model.family, kernels)


def final_errors(results: ResultGrid) -> dict[str, float]:
    """The last reported test error of each run, by its id in the trial's config."""
    found: dict[str, float] = {}
    for result in results:
        assert result.config is not None and result.metrics is not None, result.error
        found[result.config["run"]["id"]] = result.metrics["test_error"]
    return found


def computing(network: Network, family: str, kernels: Kernels | None) -> Network:
    """The network to compute as the product does under these `kernels`; None is as timm has it."""
    if kernels == "tuned":
        architectures.FAMILIES[family].tune(network.net)
    return network
