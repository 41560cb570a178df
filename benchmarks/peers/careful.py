"""A sweep as someone writes it who knows where the time goes.

    python -m benchmarks.peers.careful SWEEP.yaml OUT.json [kernels]

Against `plain`: worker processes are reused; data stay in memory as tensors and are indexed there, without DataLoader
workers; every source model is trained once, in a sweep of its own before the other; loggers are off; Tune hears of a
trial once, at its end. OUT.json gets the final test error of each run. Networks compute as timm has them; with the word
`kernels`, as the sweep's recipes say.
"""

from __future__ import annotations

import json
import logging
import math
import os
import sys
import tempfile
from collections.abc import Callable, Hashable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

os.environ["TUNE_DISABLE_AUTO_CALLBACK_LOGGERS"] = "1"
os.environ["TUNE_GLOBAL_CHECKPOINT_S"] = "86400"

import pytorch_lightning as pl
import ray
import torch
from ray import tune
from torch import Tensor

from benchmarks.peers.classifier import Classifier, EpochOrder, final_errors, source_network, target_network
from orchestrator.schedule.plan import make_plan
from orchestrator.store.ledger import Ledger
from orchestrator.train.provenance import ROOT
from sweeps.identity import source_id
from sweeps.seeds import Role
from sweeps.spec import Recipe, RunSpec
from sweeps.sweep import read
from tasks import TaskData, source_data, target_data

DATA: dict[Hashable, TaskData] = {}


class InMemory:
    """Batches indexed out of tensors, in their own order: what Lightning iterates over instead of a DataLoader."""

    def __init__(self, images: Tensor, labels: Tensor, batch_size: int) -> None:
        self.images, self.labels, self.batch_size = images, labels, batch_size

    def order(self) -> Tensor:
        return torch.arange(len(self.labels))

    def __iter__(self) -> Iterator[tuple[Tensor, Tensor]]:
        return ((self.images[index], self.labels[index]) for index in self.order().split(self.batch_size))

    def __len__(self) -> int:
        return math.ceil(len(self.labels) / self.batch_size)


class Shuffled(InMemory):
    """The same in an order that is new every epoch. Lightning tells `sampler` which epoch it is."""

    def __init__(self, data: TaskData, recipe: Recipe, seed: int, role: Role) -> None:
        super().__init__(data.inputs, data.labels, recipe.batch_size)
        self.sampler = EpochOrder(data, recipe, seed, role)
        self.batch_sampler = None

    def order(self) -> Tensor:
        return torch.tensor(list(self.sampler))


def pre_train(config: dict[str, Any]) -> None:
    """The first sweep: a source model to a file."""
    spec = RunSpec.model_validate_json(config["run"]["spec"])
    assert spec.source is not None
    data = data_of("source", spec)
    kernels = spec.source.kernels if config["run"]["kernels"] else None
    source = Classifier(source_network(spec, data.classes, kernels), spec.source)
    trainer(spec.source).fit(source, Shuffled(data, spec.source, spec.seed_of("source"), "source"))
    torch.save(source.network.state_dict(), Path(config["run"]["folder"]) / f"{source_id(spec)}.pt")
    tune.report({"done": 1})


def fine_tune(config: dict[str, Any]) -> None:
    """The second sweep: a run from a source model's file."""
    spec = RunSpec.model_validate_json(config["run"]["spec"])
    data = data_of("target", spec)
    weights = weights_of(str(Path(config["run"]["folder"]) / f"{source_id(spec)}.pt"))
    kernels = spec.train.kernels if config["run"]["kernels"] else None
    target = Classifier(target_network(spec, data.classes, weights, kernels), spec.train)
    fit = trainer(spec.train)
    fit.fit(target, Shuffled(data, spec.train, spec.seed, "target"), evaluation(data))
    tune.report({"test_error": fit.callback_metrics["test_error"].item()})


def data_of(role: Role, spec: RunSpec) -> TaskData:
    part = spec.source if role == "source" else spec.target
    key = role, part, spec.model.image_size, spec.model.channels, spec.seed
    if key not in DATA:
        DATA[key] = (source_data if role == "source" else target_data)(spec)
    return DATA[key]


@cache
def weights_of(path: str) -> dict[str, Tensor]:
    return torch.load(path, weights_only=True)


def trainer(recipe: Recipe) -> pl.Trainer:
    logging.getLogger("pytorch_lightning").setLevel(logging.ERROR)
    torch.set_num_threads(1)
    return pl.Trainer(
        max_epochs=recipe.epochs,
        accelerator="cpu",
        devices=1,
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        num_sanity_val_steps=0,
    )


def evaluation(data: TaskData) -> list[InMemory]:
    """The test set and the train set, a thousand images at a time."""
    return [InMemory(data.test_inputs, data.test_labels, 1000), InMemory(data.inputs, data.labels, 1000)]


def swept(trainable: Callable[[dict[str, Any]], None], configs: list[dict[str, Any]], folder: str) -> tune.ResultGrid:
    return tune.Tuner(
        tune.with_resources(trainable, {"cpu": 1}),
        param_space={"run": tune.grid_search(configs)},
        tune_config=tune.TuneConfig(reuse_actors=True),
        run_config=tune.RunConfig(storage_path=folder, verbose=0),
    ).fit()


def main(sweep: str, out: str, kernels: str = "") -> None:
    with tempfile.TemporaryDirectory() as folder:
        plan = make_plan(read(sweep), Ledger(Path(folder) / "none"))
        specs = {id: job.spec.model_dump_json() for id, job in plan.runs.items()}
        common = {"folder": folder, "kernels": bool(kernels)}
        sources = [{"spec": job.spec.model_dump_json(), **common} for job in plan.sources.values()]
        ray.init(include_dashboard=False, runtime_env={"env_vars": {"PYTHONPATH": str(ROOT)}}, log_to_driver=False)
        swept(pre_train, sources, folder)
        results = swept(fine_tune, [{"id": id, "spec": spec, **common} for id, spec in specs.items()], folder)
        errors = final_errors(results)
    Path(out).write_text(json.dumps(errors))


if __name__ == "__main__":
    # Ray sends what `__main__` defines by value, and so without its memories: the workers are to import it.
    from benchmarks.peers import careful

    careful.main(*sys.argv[1:])
