"""One job from top to bottom: claim, prepare, train, commit."""

from __future__ import annotations

import contextlib
import re
import time
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from safetensors.torch import save

import architectures
from orchestrator.store.epoch_file import to_parquet
from orchestrator.store.folder import store_at
from orchestrator.store.jobs import Job, source_job
from orchestrator.store.lease import Fenced, Held, Lease
from orchestrator.store.ledger import Damaged, Ledger, one_line
from orchestrator.tracking.copies import remove_all
from orchestrator.tracking.description import describe
from orchestrator.tracking.metrics import summary
from orchestrator.tracking.published import unmark
from orchestrator.tracking.tracker import Tracker
from orchestrator.train import out_of_memory, provenance
from orchestrator.train.device import prepare
from orchestrator.train.methods.reports import EpochReports
from orchestrator.train.methods.table import method_of
from orchestrator.train.options import Ending, OutOfMemory, TrialOptions
from orchestrator.train.start import setting_of
from orchestrator.train.stopping import Stopped
from orchestrator.train.worker_state import WorkerState
from sweeps.identity import SCHEMA
from sweeps.records import EpochRecord, RunRecord
from sweeps.self_digest import sha256_of

NOT_COMMITTED = "not_committed"
"""In the summary of a W&B run whose result the store has not taken: why."""


def run_trial(job: Job, options: TrialOptions, state: WorkerState | None = None) -> Ending:
    """Compute one job and commit it. An error of the job itself is written to the ledger, not raised.

    `state` is what the worker process keeps from job to job; without it nothing is kept.
    """
    state = state or WorkerState(options)
    ledger = state.ledger
    try:
        lease = ledger.claim(job, options.launch)
    except Held:
        return "held"
    except OSError as error:  # the disk is full, say
        ledger.fail(job, error)
        return "failed"
    try:
        done = ledger.verified_result(job)
        return done.status if done is not None else _computed_from_whole(job, lease, ledger, options, state)
    except Fenced:
        return "held"
    except Stopped:
        return "stopped"
    except Exception as error:
        if not out_of_memory.is_out_of_memory(error):
            ledger.fail(job, error)
            return "failed"
        ledger.fail(job, OutOfMemory(f"{one_line(error)}; such a run is tried once more, alone"))
        error.__traceback__ = None  # it refers to the tensors
    finally:
        lease.release()
    out_of_memory.free_memory(state)
    return "memory"


def _computed_from_whole(job: Job, lease: Lease, ledger: Ledger, options: TrialOptions, state: WorkerState) -> Ending:
    """Compute the job. A source model that is found altered goes to quarantine and is trained again first."""
    try:
        return _computed(job, lease, ledger, options, state)
    except Damaged:
        source = source_job(job.spec, job.varied) if job.kind == "run" else None
        if source is None:
            raise
        ending = run_trial(source, options, state)
        if ending in ("held", "stopped"):
            return ending
        return _computed(job, lease, ledger, options, state)


def _computed(job: Job, lease: Lease, ledger: Ledger, options: TrialOptions, state: WorkerState) -> Ending:
    """Prepare, train, commit.

    W&B comes before the commit: what went wrong there is noted in the record. Where the commit is then refused, the W&B
    run is written again, as failed (`_show_refused`).
    """
    began = time.perf_counter()
    stage = job.stage()
    device = prepare(options.device, options.threads, stage.recipe.precision, options.gpus_per_run)
    setting, note = setting_of(job, stage, device, ledger, state, options.use_prefix_cache)
    tracker = _tracker(job, lease.token, options)
    reports = EpochReports(lease, tracker, state.stop)

    curve, diverged, notes, measures = method_of(stage.recipe).train(setting, reports)

    status = "diverged" if diverged else "done"
    compute_seconds = sum(row.seconds for row in curve)
    epochs = to_parquet(curve)
    weights = save(_plain(setting.network)) if job.kind == "source" else None
    shown = summary(curve[-1] if curve else None, time.perf_counter() - began, compute_seconds)
    if tracker is not None:
        tracker.finish(status, shown)
        notes = (*notes, tracker.problem) if tracker.problem else notes
    inherited = None if setting.transfer.inherit is None else setting.network.inherited
    record = RunRecord(
        schema_version=SCHEMA,
        **stage.described,
        status=status,
        epochs=len(curve),
        ladder=architectures.unit_names(job.spec.model),
        trainable_params=architectures.trainable_parameters(setting.network),
        total_params=sum(parameter.numel() for parameter in setting.network.parameters()),
        epochs_sha256=sha256_of(epochs),
        weights_sha256=None if weights is None else sha256_of(weights),
        data_sha256=setting.data.digest,
        test_samples=None if setting.data.is_regression else len(setting.data.test_labels),
        wall_seconds=time.perf_counter() - began,
        compute_seconds=compute_seconds,
        attempts=lease.attempt,
        device=device.name,
        notes=(note, *notes),
        measures={name: tuple(values) for name, values in measures.items()} or None,
        inherited_share=None if inherited is None else inherited.share,
        inherited_digest=None if inherited is None else inherited.digest,
        provenance={**options.code, **provenance.machine(), "threads": options.threads},
    )
    refused = None
    try:
        if not ledger.commit(lease, record, epochs, weights):
            refused = "another process had committed a result"
    except Exception as error:
        refused = _without_path(error)
        raise
    finally:
        if tracker is not None and refused is not None:
            _show_refused(job, tracker, lease.token, options, curve, {**shown, NOT_COMMITTED: refused})
    return status


def _show_refused(
    job: Job, done: Tracker, attempt: int, options: TrialOptions, curve: Sequence[EpochRecord], shown: Mapping[str, Any]
) -> None:
    """Writes the W&B run `done` of an attempt, which says that it is done, once more, as failed.

    The old one goes first: where the disk is full, none is left that says so. A process that ends before this leaves
    it; the next attempt has a W&B run of its own.
    """
    assert options.tracking is not None
    with contextlib.suppress(OSError):  # of a mark: that of the next attempt replaces it
        remove_all(options.tracking.runs, re.escape(done.wandb_id))
        unmark(store_at(options.tracking.store), job.id, done.wandb_id)
    again = _tracker(job, attempt, options)
    assert again is not None
    for row in curve:
        again.log(row)
    again.finish("failed", shown)


def _without_path(error: Exception) -> str:
    """What went wrong, as W&B is told: no path of this machine."""
    if isinstance(error, Fenced):
        return "taken over by another process"
    reason = error.strerror if isinstance(error, OSError) else None
    return f"{type(error).__name__}: {reason}" if reason else type(error).__name__


def _tracker(job: Job, attempt: int, options: TrialOptions) -> Tracker | None:
    if options.tracking is None or options.tracking.mode == "disabled":
        return None
    return Tracker(
        options.tracking,
        **describe(job.kind, job.id, job.name, job.value, options.differ, options.sweep or None),
        attempt=attempt,
        sweeps=[options.sweep] if options.sweep else [],
        commit=options.code.get("git_sha"),
    )


def _plain(network: architectures.Network) -> dict[str, torch.Tensor]:
    return {name: tensor.detach().cpu().contiguous() for name, tensor in network.state_dict().items()}
