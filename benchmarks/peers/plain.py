"""A sweep as the documentation of Ray Tune and Lightning shows it: one function trainable, all in it.

(Ray, "Using PyTorch Lightning with Tune"; Lightning, "LightningDataModule".)

    python -m benchmarks.peers.plain SWEEP.yaml OUT.json EVERY

Every trial loads its data, pre-trains its source model and fine-tunes it, with DataLoader workers, Lightning's and
Tune's default loggers, and a report to Tune after every epoch. OUT.json gets the final test error of each run, and
the seconds in Tune. Every run of the sweep is a trial, or every EVERY-th: no two of them share anything.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import pytorch_lightning as pl
import ray
from ray import tune
from ray.tune.integration.pytorch_lightning import TuneReportCheckpointCallback
from torch import Tensor
from torch.utils.data import DataLoader, Sampler, TensorDataset

from benchmarks.peers.classifier import PARTS, Classifier, EpochOrder, final_errors, source_network, target_network
from orchestrator.schedule.plan import make_plan
from orchestrator.store.ledger import Ledger
from orchestrator.train.provenance import ROOT
from sweeps.seeds import Role
from sweeps.spec import Recipe, RunSpec
from sweeps.sweep import read
from tasks import TaskData, source_data, target_data


def train(config: dict[str, Any]) -> None:
    """One trial: pre-train, transfer, fine-tune."""
    spec = RunSpec.model_validate_json(config["run"]["spec"])
    assert spec.source is not None
    data = source_data(spec)
    source = Classifier(source_network(spec, data.classes), spec.source)
    trainer = pl.Trainer(max_epochs=spec.source.epochs, accelerator="cpu", devices=1, enable_progress_bar=False)
    trainer.fit(source, loader(data, spec.source, spec.seed_of("source"), "source"))
    data = target_data(spec)
    target = Classifier(target_network(spec, data.classes, dict(source.network.state_dict())), spec.train)
    trainer = pl.Trainer(
        max_epochs=spec.train.epochs,
        accelerator="cpu",
        devices=1,
        enable_progress_bar=False,
        callbacks=[TuneReportCheckpointCallback(list(PARTS), save_checkpoints=False, on="validation_end")],
    )
    trainer.fit(target, loader(data, spec.train, spec.seed, "target"), evaluation(data, spec.train))


def loader(data: TaskData, recipe: Recipe, seed: int, role: Role) -> DataLoader[Any]:
    return _loader(data.inputs, data.labels, recipe, EpochOrder(data, recipe, seed, role))


def evaluation(data: TaskData, recipe: Recipe) -> list[DataLoader[Any]]:
    """The test set and the train set in their own order."""
    return [_loader(data.test_inputs, data.test_labels, recipe), _loader(data.inputs, data.labels, recipe)]


def _loader(images: Tensor, labels: Tensor, recipe: Recipe, order: Sampler[int] | None = None) -> DataLoader[Any]:
    """As in Ray's example: one batch size for training and validation, new worker processes in every epoch.

    It has four of these; torch warns of more than there are cores.
    """
    workers = min(4, os.cpu_count() or 1)
    return DataLoader(TensorDataset(images, labels), recipe.batch_size, sampler=order, num_workers=workers)


def main(sweep: str, out: str, every: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        plan = make_plan(read(sweep), Ledger(Path(folder) / "none"))
        specs = {id: job.spec.model_dump_json() for id, job in list(plan.runs.items())[::every]}
        ray.init(include_dashboard=False, runtime_env={"env_vars": {"PYTHONPATH": str(ROOT)}}, log_to_driver=False)
        tuner = tune.Tuner(
            tune.with_resources(train, {"cpu": 1}),
            param_space={"run": tune.grid_search([{"id": id, "spec": spec} for id, spec in specs.items()])},
            run_config=tune.RunConfig(storage_path=folder, verbose=0),
        )
        began = time.perf_counter()
        results = tuner.fit()
        seconds = time.perf_counter() - began
        errors = final_errors(results)
    Path(out).write_text(json.dumps({"seconds": seconds, "errors": errors}))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]))
