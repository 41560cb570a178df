"""The Ray runner: Tune places the agenda's jobs on persistent workers. The only file that imports ray.

Tune decides where a job runs, not which: a Searcher gives it the ready jobs, and a worker reports one word for each. A
Tune trial is a batch of jobs (one, if it is long), so that Tune's own time and memory per trial are paid once per few
seconds of computing, however small the runs. Tune's state is kept in a temporary folder and deleted; the ledger is the
record.
"""

from __future__ import annotations

import contextlib
import logging
import os
import shutil
import tempfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from orchestrator.runners.limits import usable_cores
from orchestrator.runners.resources import ON_CPU, ON_GPU, CannotStart
from orchestrator.runners.watchdog import watching_leases
from orchestrator.schedule.agenda import Agenda
from orchestrator.store.ledger import Ledger
from orchestrator.train.options import TrialOptions
from orchestrator.train.stopping import StopKeys, StopRequest, handle_stop_signals
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
    # Under `uv run` Ray would start workers by `uv run` too, in an environment made anew without ray.
    "RAY_ENABLE_UV_RUN_RUNTIME_ENV": "0",
}
os.environ.update(QUIET)
for _name in ("RAY_RUNTIME_ENV_HOOK", "RAY_JOB_CONFIG_JSON_ENV_VAR", "RAY_NAMESPACE", "TUNE_RESULT_DIR"):
    os.environ.pop(_name, None)  # of another job or tool

import ray  # noqa: E402 - reads the environment when it is imported
from ray import tune  # noqa: E402
from ray.actor import exit_actor  # noqa: E402
from ray.tune.execution import class_cache, tune_controller  # noqa: E402
from ray.util import get_node_ip_address  # noqa: E402

from orchestrator.runners.growth import Growth  # noqa: E402 - it imports ray
from orchestrator.runners.node_health import NodeHealth  # noqa: E402
from orchestrator.runners.placement import Groups, Nodes, Placement, Share  # noqa: E402 - it imports ray
from orchestrator.runners.ray_start import (  # noqa: E402 - it imports ray
    StartWatch,
    connect,
    libraries_write_to_a_file,
    start_timeout,
)
from orchestrator.runners.searcher import ReadyJobs  # noqa: E402
from orchestrator.runners.shared_store import check_shared, nonce  # noqa: E402
from orchestrator.runners.turns import Turns  # noqa: E402

# Tune would send the driver's keys of AWS to the workers in a runtime environment, which Ray writes to its logs. Each
# host has keys, or a role, of its own (docs/store.md).
class_cache.ENV_VARS_TO_PROPAGATE = {name for name in class_cache.ENV_VARS_TO_PROPAGATE if not name.startswith("AWS_")}
# Tune's Tuner takes no other than its own.
tune_controller.PlacementGroupResourceManager = Groups  # pyright: ignore[reportPrivateImportUsage]
# It warns that it has no results of its own, and prints why workers died: both are in the ledger.
logging.getLogger("ray.tune").setLevel(logging.CRITICAL)


class NothingRuns(Exception):
    """The launch is to stop, and no worker is there that would save an epoch and end."""


class WorkerDeathCallback(tune.Callback):
    """Watches that some worker is up, and tells the searcher what Tune does not: why a trial's worker ended."""

    def __init__(
        self, jobs: ReadyJobs, heed: Callable[[], None], start: StartWatch, look: Callable[[], None] = lambda: None
    ) -> None:
        """`look` is called at every step of Tune's, some ten times a second."""
        self._jobs = jobs
        self._look = look
        self._heed = heed
        self._start = start
        self._problem: CannotStart | None = None

    def __getstate__(self) -> dict[str, Any]:
        """Tune writes its callbacks to its temporary folder; a driver's signal handlers cannot be written there."""
        return {}

    def on_step_begin(self, iteration: int, trials: list[Any], **info: Any) -> None:
        if self._problem is not None:
            raise self._problem
        self._heed()  # Tune takes SIGUSR1 for itself when it starts
        # The last ones first: of thousands of trials those before have ended, most of the time.
        running = any(trial.status == "RUNNING" for trial in reversed(trials))
        if self._jobs.stopping and not running:
            raise NothingRuns
        self._start.look(running, not running and any(trial.status == "PENDING" for trial in reversed(trials)))
        self._look()

    def on_trial_start(self, iteration: int, trials: list[Any], trial: Any, **info: Any) -> None:
        self._jobs.turns.started(trial.trial_id)

    def on_trial_error(self, iteration: int, trials: list[Any], trial: Any, **info: Any) -> None:
        try:
            self._jobs.died(trial.trial_id, _reason(trial))
        except CannotStart as problem:  # from here it would come as Ray's error about an error, with both traces
            self._problem = problem


def _reason(trial: Any) -> str:
    """What Ray says of a trial's end; where it kept no error, its text."""
    if (error := trial.get_pickled_error()) is not None:
        return str(error)
    with contextlib.suppress(OSError, TypeError):
        return Path(trial.error_file).read_text(errors="replace")
    return "Ray does not say why"


class Worker(tune.Trainable):
    """A worker process. A trial is one step in its main thread, the only one to which Python delivers signals."""

    def setup(self, config: dict[str, Any], options: TrialOptions | None = None, nonce: str | None = None) -> None:
        """`nonce`: a key of the store that the driver has written; None where it could not."""
        assert options is not None
        self._jobs: str = config["jobs"]
        self._avoided: list[str] = config["avoided"]
        self._options = options if config["place"] == ON_GPU else replace(options, device="cpu", gpus_per_run=0.0)
        self._nonce = nonce
        self._state = WorkerState(self._options)
        self._address = get_node_ip_address()

    def reset_config(self, new_config: dict[str, Any]) -> bool:
        self._jobs, self._avoided = new_config["jobs"], new_config["avoided"]
        return True

    def step(self) -> dict[str, Any]:
        # Told to end in the trial before, or on a host that is to get no runs: this one is for another worker.
        if self._state.stop.signalled or self._address in self._avoided:
            exit_actor()
        if self._nonce is not None:
            check_shared(self._state.ledger.store, self._nonce, f"{self._options.store}", self._address)
        from orchestrator.runners.remote import run_remote  # imports torch, which the driver does not need

        with handle_stop_signals(self._state.stop):
            endings = run_remote(self._jobs, self._options, self._state)
        return {"endings": endings, "address": self._address, "ended": 1, "done": True}


def run(
    agenda: Agenda,
    options: TrialOptions,
    *,
    address: str = "local",
    workers: int | None = None,
    say: Callable[[str], None] = print,
) -> None:
    """Run the agenda's jobs to its end on a Ray cluster.

    `address` is `local` (a cluster of this machine's cores, gone afterwards) or that of a running one (`auto`, say),
    whose nodes must share the store's file system. `workers` bounds the runs at a time. `say` is told which hosts get
    no runs, and what is waited for where no worker comes up, which is the agenda's `notice` too. On SIGINT, SIGTERM or
    SIGUSR1 the workers save their epochs, then KeyboardInterrupt. Raises CannotStart where Ray or its workers do not
    start.
    """
    stop, ledger = StopRequest(), Ledger(options.store, options.settings)
    keys = StopKeys(ledger.store, say)

    def hand_out_nothing() -> None:
        agenda.stopping = True

    def tell() -> None:  # not in the signal's handler: a store that refuses is asked again
        if agenda.stopping:
            keys.tell(options.stop_key if stop.signalled else options.stop_waiting_key)

    scratch = Path(tempfile.mkdtemp(prefix="frostline-tune-"))

    def notice(text: str) -> None:
        agenda.notice = text
        if text:
            say(text)

    with libraries_write_to_a_file():
        try:
            agenda.starting = "starting Ray" if address == "local" else f"joining the Ray cluster at {address}"
            connect(address, max(workers or 0, usable_cores()))
            agenda.starting = "Ray is up; its workers load PyTorch"
            with handle_stop_signals(stop, hand_out_nothing) as heed, watching_leases(agenda, ledger, options.launch):
                _fit(agenda, ledger, options, scratch, workers, heed, tell, say, notice, grows=address != "local")
        finally:
            ray.shutdown()
            shutil.rmtree(scratch, ignore_errors=True)
            keys.remove()
    if stop.signalled:
        raise KeyboardInterrupt


def _fit(
    agenda: Agenda,
    ledger: Ledger,
    options: TrialOptions,
    scratch: Path,
    workers: int | None,
    heed: Callable[[], None],
    tell: Callable[[], None],
    say: Callable[[str], None],
    notice: Callable[[str], None],
    grows: bool,
) -> None:
    health = NodeHealth()
    shares = {ON_GPU: Share(options.threads, options.gpus_per_run), ON_CPU: Share(options.threads)}
    Placement.nodes = nodes = Nodes(health, {place: shares[place] for place in agenda.places})
    growth = Growth(agenda, nodes, workers, grows, lambda: turns.out())
    turns = Turns(agenda, growth.slots, lambda: growth.total, workers)
    growth.look()
    jobs = ReadyJobs(agenda, ledger, options.launch, health, nodes.healthy, say, turns)

    def look() -> None:
        tell()
        growth.look()

    placements = {place: Placement(place, share) for place, share in nodes.shares.items()}
    worker = tune.with_parameters(Worker, options=options, nonce=nonce(ledger.store, options.launch))
    tuner = tune.Tuner(
        tune.with_resources(worker, lambda config: placements[config["place"]]),
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
            callbacks=[WorkerDeathCallback(jobs, heed, StartWatch(notice, start_timeout()), look)],
            failure_config=tune.FailureConfig(max_failures=0),
            checkpoint_config=tune.CheckpointConfig(checkpoint_at_end=False),
        ),
    )
    with contextlib.suppress(NothingRuns):
        tuner.fit()
