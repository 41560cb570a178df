"""One job from top to bottom: claim, prepare, train, commit."""

from __future__ import annotations

import time
from typing import Any, Literal

import torch
from safetensors.torch import save

import architectures
from orchestrator.store.epoch_file import to_parquet
from orchestrator.store.jobs import Job, source_job
from orchestrator.store.lease import Fenced, Held, Lease
from orchestrator.store.ledger import Damaged, Ledger, one_line
from orchestrator.tracking.tracker import Tracker
from orchestrator.train import checkpoint, out_of_memory, provenance
from orchestrator.train.device import device_name, prepare
from orchestrator.train.fit import EachEpoch, Stopped, fit
from orchestrator.train.inputs import data_of, inputs_of, network_of
from orchestrator.train.options import Ending, OutOfMemory, TrialOptions
from orchestrator.train.training import Training
from sweeps.identity import SCHEMA, cell_id
from sweeps.records import EpochRecord, RunRecord
from sweeps.self_digest import sha256_of


def run_trial(job: Job, options: TrialOptions, ledger: Ledger | None = None) -> Ending:
    """Compute one job and commit it. An error of the job itself is written to the ledger, not raised.

    `ledger`: that of the process, which remembers the heartbeats that it saw; without it a new one is made.
    """
    ledger = ledger or Ledger(options.store, options.settings)
    try:
        lease = ledger.claim(job, options.launch)
    except Held:
        return "held"
    except OSError as error:  # the disk is full, say
        ledger.fail(job, error)
        return "failed"
    try:
        done = ledger.verified_result(job)
        return done.status if done is not None else _computed_from_whole(job, lease, ledger, options)
    except Fenced:
        return "held"
    except Stopped:
        return "stopped"
    except Exception as error:
        if not out_of_memory.is_out_of_memory(error):
            ledger.fail(job, error)
            return "failed"
        ledger.fail(job, OutOfMemory(f"{one_line(error)}; such a run is tried once more, alone"))
        error.__traceback__ = None  # it holds on to the tensors
    finally:
        lease.release()
    out_of_memory.give_back()
    return "memory"


def _computed_from_whole(job: Job, lease: Lease, ledger: Ledger, options: TrialOptions) -> Ending:
    """Compute the job; a source model that is found altered on the way is put in quarantine and trained anew first."""
    try:
        return _computed(job, lease, ledger, options)
    except Damaged:
        source = source_job(job.spec) if job.kind == "run" else None
        if source is None:
            raise
        ending = run_trial(source, options, ledger)
        if ending in ("held", "stopped"):
            return ending
        return _computed(job, lease, ledger, options)


def _computed(job: Job, lease: Lease, ledger: Ledger, options: TrialOptions) -> Ending:
    began = time.perf_counter()
    device = prepare(options.device, options.threads, job.recipe.precision, options.gpus_per_run)
    data = data_of(job, device)
    network = network_of(job, ledger, data.classes, device)
    inputs, note = inputs_of(job, network, data, ledger, options.use_prefix_cache)
    training = Training(network, data, inputs, job.recipe, job.role, job.spec.seed)
    resume, damage = checkpoint.newest(lease.store, lease.place)
    tracker = _tracker(job, lease, options)
    each_epoch = EachEpoch(lease, tracker, options.checkpoint_every_epoch, options.stop_key)
    if job.recipe.epochs > 0:
        fit(training, each_epoch, resume, device)
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
        epochs_sha256=sha256_of(epochs),
        weights_sha256=None if weights is None else sha256_of(weights),
        data_sha256=data.digest,
        wall_seconds=time.perf_counter() - began,
        compute_seconds=sum(row.seconds for row in training.curve),
        attempts=lease.token,
        device=device_name(device),
        notes=tuple(
            [
                note,
                *damage,
                *each_epoch.checkpoints.warnings,
                *([tracker.problem] if tracker and tracker.problem else []),
            ]
        ),
        provenance={**options.code, **provenance.machine(), "threads": options.threads},
    )
    ledger.commit(lease, record, epochs, weights)
    return status


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
