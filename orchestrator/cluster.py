"""The Ray runner: Tune places the agenda's jobs on persistent workers. The only file that imports ray.

Tune decides where, not what: a Searcher hands it whatever is ready, and it reports one word per job. A Tune trial is a
batch of jobs (one, if it is long): Tune's own time and memory per trial are then paid once per few seconds of
computing, however small the runs. Its state is kept in a scratch folder and thrown away; the ledger is the record.
"""

from __future__ import annotations

import json
import logging
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from orchestrator.agenda import Agenda
from orchestrator.jobs import Job
from orchestrator.ledger import Ledger
from orchestrator.options import Ending, TrialOptions
from orchestrator.provenance import ROOT

QUIET = {
    # One snapshot of Tune's state at most: it is not what a sweep is resumed from.
    "TUNE_GLOBAL_CHECKPOINT_S": "86400",
    "TUNE_DISABLE_AUTO_CALLBACK_LOGGERS": "1",
    # Ctrl-C ends the sweep at once; it goes on from its checkpoints.
    "TUNE_DISABLE_SIGINT_HANDLER": "1",
    "TUNE_DISABLE_STRICT_METRIC_CHECKING": "1",
    "TUNE_MAX_PENDING_TRIALS_PG": "4",
    "TUNE_WARN_EXCESSIVE_EXPERIMENT_CHECKPOINT_SYNC_THRESHOLD_S": "0",
    "RAY_CHDIR_TO_TRIAL_DIR": "0",
    "RAY_AIR_NEW_OUTPUT": "0",
    "RAY_DEDUP_LOGS": "0",
    "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0",
}
os.environ.update({key: value for key, value in QUIET.items() if key not in os.environ})

import ray  # noqa: E402 - reads the environment when it is imported
from ray import tune  # noqa: E402
from ray.tune.search import Searcher  # noqa: E402

# It complains that it has no results of its own to show: they are in the ledger.
logging.getLogger("ray.tune").setLevel(logging.ERROR)


BATCH_SECONDS = 5.0
"""Runs that are expected to take less are handed out together, as many as fill this time."""


class WorkerDied(RuntimeError):
    """The process that ran a job ended without a word (killed, out of memory, machine lost)."""


class ReadyJobs(Searcher):
    """Hands Tune batches of the agenda's ready jobs and hears how they ended."""

    def __init__(self, agenda: Agenda, ledger: Ledger) -> None:
        super().__init__(metric="ended", mode="max")
        self._agenda = agenda
        self._ledger = ledger
        self._batches: dict[str, list[Job]] = {}

    def __getstate__(self) -> dict[str, Any]:
        """Tune writes its searcher to its scratch folder; the agenda is not for that."""
        return {}

    def suggest(self, trial_id: str) -> dict[str, Any] | str | None:  # pyright: ignore[reportIncompatibleMethodOverride]
        batch = self._agenda.take_batch(BATCH_SECONDS)
        if not batch:
            return Searcher.FINISHED if self._agenda.finished() else None
        self._batches[trial_id] = batch
        return {"jobs": _to_text(batch)}

    def on_trial_complete(self, trial_id: str, result: dict[str, Any] | None = None, error: bool = False) -> None:
        batch = self._batches.pop(trial_id)
        endings = None if error or result is None else result.get("endings")
        for job, ending in zip(batch, endings or self._after_death(batch), strict=True):
            self._agenda.end(job, ending)

    def _after_death(self, batch: list[Job]) -> Iterator[Ending]:
        """How far a batch had come when its worker died: the first job without a result is the one that ran."""
        blamed = False
        for job in batch:
            status = self._ledger.status(job)
            if status == "done" or status == "diverged":
                yield status
            elif blamed:
                yield "not run"
            else:
                blamed = True
                self._ledger.fail(job, WorkerDied("the worker process ended while it ran this"))
                yield "failed"

    def save(self, checkpoint_path: str) -> None:
        """Nothing: the ledger knows."""

    def restore(self, checkpoint_path: str) -> None:
        raise NotImplementedError("a sweep is resumed from the store, by the same command")


def _to_text(batch: list[Job]) -> str:
    """[[kind, id, spec], ...] as JSON."""
    return json.dumps([[job.kind, job.id, job.spec.model_dump(mode="json")] for job in batch])


def run(agenda: Agenda, options: TrialOptions, *, address: str = "local", workers: int | None = None) -> None:
    """Work the agenda off on a Ray cluster.

    `address` is `local` (a cluster of this machine's cores, gone afterwards) or that of a running one (`auto`, say),
    whose nodes must share the store's file system. `workers` bounds the runs at a time.
    """
    _connect(address, workers)
    agenda.workers = min(workers or _slots(options), _slots(options))
    scratch = Path(tempfile.mkdtemp(prefix="frostline-tune-"))
    try:
        _fit(agenda, options, scratch, workers)
    finally:
        ray.shutdown()
        shutil.rmtree(scratch, ignore_errors=True)


def _connect(address: str, workers: int | None) -> None:
    # Workers import this tree, wherever they run, and this tree alone.
    environment = {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    common: dict[str, Any] = {"logging_level": "ERROR", "log_to_driver": False, "configure_logging": False}
    if address == "local":
        ray.init(
            address="local",
            num_cpus=max(workers or 0, os.cpu_count() or 1),
            include_dashboard=False,
            runtime_env={"env_vars": environment},
            **common,
        )
    else:
        tree = {"working_dir": str(ROOT), "excludes": [".venv", "store", "results", ".git"]}
        ray.init(address=address, runtime_env={**tree, "env_vars": {"OMP_NUM_THREADS": "1"}}, **common)


def _slots(options: TrialOptions) -> int:
    """How many runs the cluster has room for at a time, now."""
    resources = ray.cluster_resources()
    by_cores = resources.get("CPU", 1.0) / options.threads
    by_gpus = resources.get("GPU", 0.0) / options.gpus_per_run if options.gpus_per_run > 0 else by_cores
    return max(1, int(min(by_cores, by_gpus)))


def _fit(agenda: Agenda, options: TrialOptions, scratch: Path, workers: int | None) -> None:
    def trainable(config: dict[str, Any]) -> None:
        from orchestrator.remote import run_remote

        tune.report({"endings": run_remote(config["jobs"], options), "ended": 1})

    tuner = tune.Tuner(
        tune.with_resources(trainable, {"cpu": options.threads, "gpu": options.gpus_per_run}),
        tune_config=tune.TuneConfig(
            search_alg=ReadyJobs(agenda, Ledger(options.store)),
            num_samples=-1,
            max_concurrent_trials=workers,
            reuse_actors=True,
            trial_dirname_creator=lambda trial: trial.trial_id,
            trial_name_creator=lambda trial: trial.trial_id,
        ),
        run_config=tune.RunConfig(
            name="sweep",
            storage_path=str(scratch),
            verbose=0,
            failure_config=tune.FailureConfig(max_failures=0),
            checkpoint_config=tune.CheckpointConfig(num_to_keep=1),
        ),
    )
    tuner.fit()
