"""The same training as the documentation of Lightning shows it: automatic optimization, DataLoaders with workers,
metrics logged, the default logger, checkpoints and progress bar."""

from __future__ import annotations

import contextlib
import io
import logging
import tempfile
import warnings

import pytorch_lightning as pl
import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy
from torch.utils.data import DataLoader, TensorDataset

import architectures
from benchmarks.gpu.bare import tune
from benchmarks.gpu.setting import CLASSES, Clock, Setting, Timing, data_of
from sweeps.seeds import seed_for

EVALUATION_BATCH = 1000


class Classifier(pl.LightningModule):
    """A LightningModule with a training and a validation step."""

    def __init__(self, network: nn.Module, learning_rate: float) -> None:
        super().__init__()
        self.network = network
        self.learning_rate = learning_rate

    def training_step(self, batch: tuple[Tensor, Tensor], batch_idx: int) -> Tensor:
        images, labels = batch
        loss = cross_entropy(self.network(images), labels)
        self.log("train_step_loss", loss)
        return loss

    def validation_step(self, batch: tuple[Tensor, Tensor], batch_idx: int, dataloader_idx: int = 0) -> None:
        images, labels = batch
        logits = self.network(images)
        part = ("test", "train")[dataloader_idx]
        self.log(f"{part}_loss", cross_entropy(logits, labels), add_dataloader_idx=False)
        self.log(f"{part}_error", (logits.argmax(1) != labels).float().mean(), add_dataloader_idx=False)

    def configure_optimizers(self) -> torch.optim.Optimizer:
        return torch.optim.Adam(self.parameters(), self.learning_rate)


class Stamps(pl.Callback):
    """The time at the end of each epoch, validation included."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock

    def on_train_epoch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        self.clock.tick()


def plain(setting: Setting) -> Timing:
    """Train with `Trainer.fit`. The order of batches is DataLoader's own, so errors are not the product's."""
    tune(setting, deterministic=False)
    torch.backends.cudnn.benchmark = False  # as Lightning leaves it
    logging.getLogger("pytorch_lightning").setLevel(logging.ERROR)
    data = data_of(setting)
    network = architectures.build(setting.model, CLASSES, seed_for(setting.seed, "target", "init"))
    module = Classifier(network, setting.spec().train.learning_rate)
    clock = Clock(setting)

    def loader(images: Tensor, labels: Tensor, size: int, shuffle: bool) -> DataLoader[tuple[Tensor, ...]]:
        return DataLoader(
            TensorDataset(images, labels),
            batch_size=size,
            shuffle=shuffle,
            num_workers=setting.loader_workers,
            persistent_workers=setting.loader_workers > 0,
            pin_memory=setting.on_cuda,
        )

    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
        warnings.simplefilter("ignore")
        trainer = pl.Trainer(
            accelerator="gpu" if setting.on_cuda else "cpu",
            devices=1,
            max_epochs=setting.epochs,
            precision="bf16-mixed" if setting.precision == "bf16" else "32-true",
            callbacks=[Stamps(clock)],
            default_root_dir=folder,
            num_sanity_val_steps=0,
        )
        training = loader(data.inputs, data.labels, setting.batch, shuffle=True)
        test = loader(data.test_inputs, data.test_labels, EVALUATION_BATCH, shuffle=False)
        train = loader(data.inputs, data.labels, EVALUATION_BATCH, shuffle=False)
        trainer.fit(module, training, [test, train])
        last = [float(trainer.callback_metrics[name]) for name in ("test_error", "train_error", "train_loss")]
        return Timing(tuple(clock.stamps), *last)
