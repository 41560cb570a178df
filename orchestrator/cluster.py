"""The Ray runner: Tune places the agenda's jobs on persistent workers. The only file that imports ray.

Tune decides where, not what: a Searcher hands it whatever is ready, and it reports one word per job. Its state is kept
in a scratch folder and thrown away; the ledger is the record.
"""

from __future__ import annotations

import json
import logging
import os
import shutil
import tempfile
from pathlib import Path
from typing import Any

from orchestrator.agenda import Agenda
from orchestrator.jobs import Job
from orchestrator.ledger import Ledger
from orchestrator.provenance import ROOT
from orchestrator.trial import TrialOptions

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


class WorkerDied(RuntimeError):
    """The process that ran a job ended without a word (killed, out of memory, machine lost)."""


class ReadyJobs(Searcher):
    """Hands Tune the agenda's ready jobs and hears how they ended."""

    def __init__(self, agenda: Agenda, ledger: Ledger) -> None:
        super().__init__(metric="ended", mode="max")
        self._agenda = agenda
        self._ledger = ledger
        self._jobs: dict[str, Job] = {}

    def __getstate__(self) -> dict[str, Any]:
        """Tune writes its searcher to its scratch folder; the agenda is not for that."""
        return {}

    def suggest(self, trial_id: str) -> dict[str, Any] | str | None:  # pyright: ignore[reportIncompatibleMethodOverride]
        job = self._agenda.take()
        if job is None:
            return Searcher.FINISHED if self._agenda.finished() else None
        self._jobs[trial_id] = job
        return {"job": json.dumps([job.kind, job.id, job.spec.model_dump(mode="json")])}

    def on_trial_complete(self, trial_id: str, result: dict[str, Any] | None = None, error: bool = False) -> None:
        job = self._jobs.pop(trial_id)
        ending = None if error or result is None else result.get("ending")
        if ending is None:
            self._ledger.fail(job, WorkerDied("the worker process ended while it ran this"))
            ending = "failed"
        self._agenda.end(job, ending)

    def save(self, checkpoint_path: str) -> None:
        """Nothing: the ledger knows."""

    def restore(self, checkpoint_path: str) -> None:
        raise NotImplementedError("a sweep is resumed from the store, by the same command")


def run(
    agenda: Agenda,
    options: TrialOptions,
    *,
    address: str = "local",
    workers: int | None = None,
    gpus_per_run: float = 0.0,
) -> None:
    """Work the agenda off on a Ray cluster.

    `address` is `local` (a cluster of this machine's cores, gone afterwards) or that of a running one (`auto`, say),
    whose nodes must share the store's file system. `workers` bounds the runs at a time.
    """
    _connect(address, workers)
    scratch = Path(tempfile.mkdtemp(prefix="frostline-tune-"))
    try:
        _fit(agenda, options, scratch, workers, gpus_per_run)
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


def _fit(agenda: Agenda, options: TrialOptions, scratch: Path, workers: int | None, gpus_per_run: float) -> None:
    def trainable(config: dict[str, Any]) -> None:
        from orchestrator.remote import run_remote

        tune.report({"ending": run_remote(config["job"], options), "ended": 1})

    tuner = tune.Tuner(
        tune.with_resources(trainable, {"cpu": options.threads, "gpu": gpus_per_run}),
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
