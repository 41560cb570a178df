"""One job from top to bottom: claim, prepare, train, commit."""

from __future__ import annotations

import logging
import threading
import time
import warnings
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import pytorch_lightning as pl
import torch
from safetensors.torch import save

import architectures
from orchestrator import checkpoint, durable, provenance
from orchestrator.curve import to_parquet
from orchestrator.jobs import Job
from orchestrator.lease import Fenced, Held, Lease
from orchestrator.ledger import Ledger
from orchestrator.tracking import Tracker, TrackingOptions
from orchestrator.training import Training
from orchestrator.worker import data_of, inputs_of, network_of
from sweeps.identity import SCHEMA, cell_id
from sweeps.records import EpochRecord, RunRecord

# Its remarks on devices, tips and shared memory would stand between every two runs.
logging.getLogger("pytorch_lightning").setLevel(logging.ERROR)

Ending = Literal["done", "diverged", "failed", "held", "stopped"]
STOP = threading.Event()
"""Set by a signal: the run under way saves its epoch and gives its lease back."""


@dataclass(frozen=True)
class TrialOptions:
    """How runs are run; nothing here changes a result."""

    store: Path
    sweep: str = ""
    device: str = "cpu"
    threads: int = 1
    tracking: TrackingOptions | None = None
    use_prefix_cache: bool = True
    checkpoint_every_epoch: bool = False
    code: dict[str, Any] = field(default_factory=dict)


class Stopped(Exception):
    """The run was asked to stop; its last epoch is saved."""


def run_trial(job: Job, options: TrialOptions) -> Ending:
    """Compute one job and commit it. An error of the job itself is written to the ledger, not raised."""
    ledger = Ledger(options.store)
    try:
        lease = ledger.claim(job)
    except Held:
        return "held"
    try:
        done = ledger.result(job)
        return done.status if done is not None else _computed(job, lease, ledger, options)
    except Fenced:
        return "held"
    except Stopped:
        return "stopped"
    except Exception as error:
        ledger.fail(job, error)
        return "failed"
    finally:
        lease.release()


def _computed(job: Job, lease: Lease, ledger: Ledger, options: TrialOptions) -> Ending:
    began = time.perf_counter()
    device = _prepared(job, options)
    data = data_of(job, device)
    network = network_of(job, ledger, data.classes, device)
    inputs, note = inputs_of(job, network, data, options.use_prefix_cache)
    training = Training(network, data, inputs, job.recipe, job.role, job.spec.seed)
    resume, damage = checkpoint.newest(lease.place)
    tracker = _tracker(job, lease, options)
    each_epoch = EachEpoch(lease, tracker, options)
    if job.recipe.epochs > 0:
        _fit(training, each_epoch, resume, device, job.recipe.precision)
    status: Literal["done", "diverged"] = "diverged" if training.diverged() else "done"
    if tracker is not None:
        tracker.finish(status, _last(training.curve))
    epochs = to_parquet(training.curve)
    weights = save(_plain(network)) if job.kind == "source" else None
    record = RunRecord(
        schema_version=SCHEMA,
        kind=job.kind,
        id=job.id,
        name=job.name,
        spec=job.value,
        status=status,
        epochs=len(training.curve),
        ladder=architectures.unit_names(job.spec.model),
        trainable_params=architectures.trainable_parameters(network),
        total_params=sum(parameter.numel() for parameter in network.parameters()),
        epochs_sha256=durable.sha256(epochs),
        weights_sha256=None if weights is None else durable.sha256(weights),
        data_sha256=data.digest,
        wall_seconds=time.perf_counter() - began,
        compute_seconds=sum(row.seconds for row in training.curve),
        attempts=lease.token,
        device=_device_name(device),
        notes=tuple([note, *damage, *([tracker.problem] if tracker and tracker.problem else [])]),
        provenance={**options.code, **provenance.machine(), "threads": options.threads},
    )
    ledger.commit(lease, record, epochs, weights)
    return status


def _fit(training: Training, each_epoch: EachEpoch, resume: Path | None, device: torch.device, precision: str) -> None:
    with warnings.catch_warnings():
        # One batch an epoch is what this design is; the advice on worker processes does not apply to it.
        warnings.filterwarnings("ignore", category=UserWarning, module="pytorch_lightning")
        warnings.filterwarnings("ignore", message=".*LeafSpec.*is deprecated")
        trainer = pl.Trainer(
            accelerator="gpu" if device.type == "cuda" else "cpu",
            devices=[device.index or 0] if device.type == "cuda" else 1,
            max_epochs=training.recipe.epochs,
            precision="bf16-mixed" if precision == "bf16" else "32-true",
            callbacks=[each_epoch],
            plugins=[each_epoch.checkpoints],
            logger=False,
            enable_checkpointing=False,
            enable_progress_bar=False,
            enable_model_summary=False,
            use_distributed_sampler=False,
            inference_mode=False,
        )
        trainer.fit(training, OneStep(), ckpt_path=resume, weights_only=True)
    assert training.diverged() or len(training.curve) == training.recipe.epochs


class OneStep:
    """What Lightning iterates over: one step, which is a whole epoch."""

    def __iter__(self) -> Iterator[int]:
        return iter((0,))

    def __len__(self) -> int:
        return 1


class EachEpoch(pl.Callback):
    """After each epoch: show life, track, save when due, stop when the loss is no number or a signal came."""

    def __init__(self, lease: Lease, tracker: Tracker | None, options: TrialOptions) -> None:
        self.lease = lease
        self.tracker = tracker
        self.checkpoints = checkpoint.Checkpoints(lease, options.checkpoint_every_epoch)

    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        assert isinstance(pl_module, Training)
        self.lease.progress = len(pl_module.curve)
        for row in pl_module.curve:
            self._track(row)

    def on_train_epoch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        assert isinstance(pl_module, Training)
        epoch = len(pl_module.curve)
        self.lease.progress = epoch
        self._track(pl_module.curve[-1])
        if pl_module.diverged():
            trainer.should_stop = True
        elif epoch < pl_module.recipe.epochs and (STOP.is_set() or self.checkpoints.due()):
            self.checkpoints.save(trainer, epoch)
            if STOP.is_set():
                raise Stopped

    def _track(self, row: EpochRecord) -> None:
        if self.tracker is not None:
            self.tracker.log(row)


def _prepared(job: Job, options: TrialOptions) -> torch.device:
    torch.set_num_threads(options.threads)
    torch.set_float32_matmul_precision("high" if job.recipe.precision == "tf32" else "highest")
    return torch.device(options.device)


def _tracker(job: Job, lease: Lease, options: TrialOptions) -> Tracker | None:
    if options.tracking is None or options.tracking.mode == "disabled":
        return None
    return Tracker(
        options.tracking,
        kind=job.kind,
        id=job.id,
        cell=cell_id(job.spec) if job.kind == "run" else job.id,
        name=job.name,
        attempt=lease.token,
        spec=job.value,
        sweep=options.sweep or None,
    )


def _last(curve: list[EpochRecord]) -> dict[str, Any]:
    return curve[-1]._asdict() if curve else {}


def _plain(network: architectures.Network) -> dict[str, torch.Tensor]:
    return {name: tensor.detach().cpu().contiguous() for name, tensor in network.state_dict().items()}


def _device_name(device: torch.device) -> str:
    return torch.cuda.get_device_name(device) if device.type == "cuda" else "cpu"
