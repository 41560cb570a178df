"""The Ray runner: Tune places the agenda's jobs on persistent workers. The only file that imports ray.

Tune decides where a job runs, not which: a Searcher gives it the ready jobs, and a worker reports one word for each. A
Tune trial is a batch of jobs (one, if it is long), so that Tune's own time and memory per trial are paid once per few
seconds of computing, however small the runs. Tune's state is kept in a temporary folder and deleted; the ledger is the
record.
"""

from __future__ import annotations

import contextlib
import json
import logging
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from orchestrator.runners.limits import usable_cores
from orchestrator.runners.watchdog import killing_the_hung
from orchestrator.schedule.agenda import Agenda
from orchestrator.store.jobs import Job
from orchestrator.store.ledger import MOST_ATTEMPTS, Ledger
from orchestrator.train.options import Ending, OutOfMemory, TrialOptions
from orchestrator.train.provenance import ROOT
from orchestrator.train.stopping import StopRequest, handle_stop_signals
from orchestrator.train.worker_state import WorkerState

QUIET = {
    # One snapshot of Tune's state at most: it is not what a sweep is resumed from.
    "TUNE_GLOBAL_CHECKPOINT_S": "86400",
    "TUNE_DISABLE_AUTO_CALLBACK_LOGGERS": "1",
    # We handle Ctrl-C: the workers save their epochs first.
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
from ray.actor import exit_actor  # noqa: E402
from ray.tune.search import Searcher  # noqa: E402

# It warns that it has no results of its own, and prints why workers died: both are in the ledger.
logging.getLogger("ray.tune").setLevel(logging.CRITICAL)


BATCH_SECONDS = 5.0
"""Runs that are expected to take less are handed out together, as many as fill this time."""

LEFT_BEHIND = ["/.venv", "/store", "/results", "/.git"]
"""What of the checkout does not travel to a cluster's nodes. Rooted: packages are called `store` too."""


class WorkerDied(RuntimeError):
    """The process that ran a job ended without reporting (killed, out of memory, machine lost)."""


class ReadyJobs(Searcher):
    """Gives Tune batches of the agenda's ready jobs and receives how they ended."""

    def __init__(self, agenda: Agenda, ledger: Ledger) -> None:
        super().__init__(metric="ended", mode="max")
        self._agenda = agenda
        self._ledger = ledger
        self._batches: dict[str, list[Job]] = {}
        self._unexplained = 0

    def __getstate__(self) -> dict[str, Any]:
        """Tune writes its searcher to its temporary folder; the agenda cannot be written there."""
        return {}

    def suggest(self, trial_id: str) -> dict[str, Any] | str | None:  # pyright: ignore[reportIncompatibleMethodOverride]
        batch = self._agenda.take_batch(BATCH_SECONDS)
        if not batch:
            return Searcher.FINISHED if self._agenda.finished() else None
        self._batches[trial_id] = batch
        return {"jobs": _to_text(batch)}

    def on_trial_complete(self, trial_id: str, result: dict[str, Any] | None = None, error: bool = False) -> None:
        if result is not None and "endings" in result:
            for job, ending in zip(self._batches.pop(trial_id), result["endings"], strict=True):
                self._agenda.end(job, ending)

    def died(self, trial_id: str, reason: str) -> None:
        """The worker of a trial ended without reporting. `reason`: what Ray says of it."""
        batch = self._batches.pop(trial_id, [])
        for job, ending in zip(batch, self._after_death(batch, "low on memory" in reason), strict=True):
            self._agenda.end(job, ending)

    def _after_death(self, batch: list[Job], for_memory: bool) -> Iterator[Ending]:
        """The endings of a batch whose worker died: the first job begun without a result is counted as failed.

        A worker that was about to exit may have begun none. If that happens again and again, the first job without a
        result is counted as failed nevertheless.
        """
        open_jobs = [job for job in batch if self._ledger.status(job) not in ("done", "diverged")]
        blamed = next((job for job in open_jobs if self._ledger.begun(job)), None)
        self._unexplained = 0 if blamed is not None else self._unexplained + 1
        if self._unexplained >= MOST_ATTEMPTS and open_jobs:
            blamed = open_jobs[0]
        for job in batch:
            if job not in open_jobs:
                yield "done"
            elif job is not blamed:
                yield "not run"
            elif for_memory:
                self._ledger.fail(job, OutOfMemory("Ray ended its worker, the machine being low on memory"))
                yield "memory"
            else:
                self._ledger.fail(job, WorkerDied("the worker process ended while it ran this"))
                yield "failed"

    def save(self, checkpoint_path: str) -> None:
        """Nothing: the ledger knows."""

    def restore(self, checkpoint_path: str) -> None:
        raise NotImplementedError("a sweep is resumed from the store, by the same command")


def _to_text(batch: list[Job]) -> str:
    """[[kind, id, spec], ...] as JSON."""
    return json.dumps([[job.kind, job.id, job.spec.model_dump(mode="json")] for job in batch])


class WorkerDeathCallback(tune.Callback):
    """Tells the searcher what Tune does not: why a trial's worker ended."""

    def __init__(self, jobs: ReadyJobs, heed: Callable[[], None]) -> None:
        self._jobs = jobs
        self._heed = heed

    def __getstate__(self) -> dict[str, Any]:
        """Tune writes its callbacks to its temporary folder; a driver's signal handlers cannot be written there."""
        return {}

    def on_step_begin(self, iteration: int, trials: list[Any], **info: Any) -> None:
        self._heed()  # Tune takes SIGUSR1 for itself when it starts

    def on_trial_error(self, iteration: int, trials: list[Any], trial: Any, **info: Any) -> None:
        self._jobs.died(trial.trial_id, str(trial.get_pickled_error()))


class Worker(tune.Trainable):
    """A worker process. A trial is one step in its main thread, the only one to which Python delivers signals."""

    def setup(self, config: dict[str, Any], options: TrialOptions | None = None) -> None:
        assert options is not None
        self._jobs: str = config["jobs"]
        self._options = options
        self._state = WorkerState(options)

    def reset_config(self, new_config: dict[str, Any]) -> bool:
        self._jobs = new_config["jobs"]
        return True

    def step(self) -> dict[str, Any]:
        if self._state.stop.signalled:  # told to end in the trial before: this one is for another worker
            exit_actor()
        from orchestrator.runners.remote import run_remote  # imports torch, which the driver does not need

        with handle_stop_signals(self._state.stop):
            return {"endings": run_remote(self._jobs, self._options, self._state), "ended": 1, "done": True}


def run(agenda: Agenda, options: TrialOptions, *, address: str = "local", workers: int | None = None) -> None:
    """Run the agenda's jobs to its end on a Ray cluster.

    `address` is `local` (a cluster of this machine's cores, gone afterwards) or that of a running one (`auto`, say),
    whose nodes must share the store's file system. `workers` bounds the runs at a time. On SIGINT, SIGTERM or SIGUSR1
    the workers save their epochs, then KeyboardInterrupt.
    """
    stop, stop_key = StopRequest(), options.stop_key
    assert stop_key is not None
    ledger = Ledger(options.store, options.settings)

    def stop_workers() -> None:
        agenda.stopping = True
        with contextlib.suppress(OSError):
            ledger.store.create(stop_key, b"")

    scratch = Path(tempfile.mkdtemp(prefix="frostline-tune-"))
    try:
        _connect(address, workers)
        agenda.workers = min(workers or _slots(options), _slots(options))
        with handle_stop_signals(stop, stop_workers) as heed, killing_the_hung(agenda, ledger, options.launch):
            _fit(agenda, ledger, options, scratch, workers, heed)
    finally:
        ray.shutdown()
        shutil.rmtree(scratch, ignore_errors=True)
        with contextlib.suppress(OSError):
            ledger.store.remove(stop_key)
    if stop.signalled:
        raise KeyboardInterrupt


def _connect(address: str, workers: int | None) -> None:
    # Workers import this tree, wherever they run, and this tree alone.
    ours = {name: value for name, value in os.environ.items() if name.startswith("FROSTLINE_")}
    environment = {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1", **ours}
    common: dict[str, Any] = {"logging_level": "ERROR", "log_to_driver": False, "configure_logging": False}
    if address == "local":
        ray.init(
            address="local",
            num_cpus=max(workers or 0, usable_cores()),
            include_dashboard=False,
            runtime_env={"env_vars": environment},
            **common,
        )
    else:
        tree = {"working_dir": str(ROOT), "excludes": LEFT_BEHIND}
        ray.init(address=address, runtime_env={**tree, "env_vars": {"OMP_NUM_THREADS": "1", **ours}}, **common)


def _slots(options: TrialOptions) -> int:
    """How many runs the cluster has room for at a time, now."""
    resources = ray.cluster_resources()
    by_cores = resources.get("CPU", 1.0) / options.threads
    by_gpus = resources.get("GPU", 0.0) / options.gpus_per_run if options.gpus_per_run > 0 else by_cores
    return max(1, int(min(by_cores, by_gpus)))


def _fit(
    agenda: Agenda,
    ledger: Ledger,
    options: TrialOptions,
    scratch: Path,
    workers: int | None,
    heed: Callable[[], None],
) -> None:
    jobs = ReadyJobs(agenda, ledger)
    worker = tune.with_parameters(Worker, options=options)
    tuner = tune.Tuner(
        tune.with_resources(worker, {"cpu": options.threads, "gpu": options.gpus_per_run}),
        tune_config=tune.TuneConfig(
            search_alg=jobs,
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
            callbacks=[WorkerDeathCallback(jobs, heed)],
            failure_config=tune.FailureConfig(max_failures=0),
            checkpoint_config=tune.CheckpointConfig(checkpoint_at_end=False),
        ),
    )
    tuner.fit()
