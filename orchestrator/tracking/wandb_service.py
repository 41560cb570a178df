"""This process's side of W&B: one thread that makes every call, one wandb-core process, however many runs."""

from __future__ import annotations

import atexit
import contextlib
import math
import os
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from orchestrator.tracking.call_thread import SerialCalls
from orchestrator.tracking.environment import only_ours
from orchestrator.tracking.read_back import Reader

INIT_TIMEOUT = 15.0
"""Seconds for the server to take a new run, wandb's own tries included."""
UPLOAD_TIMEOUT = 30.0
"""Seconds for the rest of the data to arrive once a run has ended."""
CLEANUP = 5.0
"""Seconds to wait, after a failure, for what is left of wandb to go away."""
FAILURES_IN_A_ROW = 3
REST = 600.0
"""Seconds without W&B after so many failures in a row, so that an unreachable server costs a sweep little."""
SAMPLED_EACH = 5.0
"""Seconds between two samples of the machine's load."""


@dataclass(frozen=True)
class RunSettings:
    """Of one W&B run. commit: of the code that computed it. system: the machine's load is sampled while it is open.

    patience: seconds for the rest of the data to arrive once it has ended; None: UPLOAD_TIMEOUT.
    """

    mode: str
    project: str
    folder: Path
    commit: str | None = None
    system: bool = False
    patience: float | None = None


class WandbService:
    """Opens W&B runs, and starts afresh after a failure. `load` imports wandb: not before it is needed."""

    def __init__(self, load: Callable[[], Any]) -> None:
        self.pid = os.getpid()
        self.lane = SerialCalls("wandb")
        self._load = load
        self._session: Any = None
        self._run: Any = None
        self._complaints = _Complaints()
        self._reader = Reader()
        self._failures = 0
        self._rest_until = -math.inf

    def resting(self) -> bool:
        """Whether W&B is left alone for a while, after several failures in a row."""
        return time.monotonic() < self._rest_until

    def open(self, settings: RunSettings, described: Mapping[str, Any], axes: Mapping[str, str]) -> Any:
        """A new W&B run, in a folder that has to be called `wandb`. axes: pattern of metrics -> their x-axis.

        Called in the lane. Raises whatever wandb raises, and OSError where the folder cannot be written.
        """
        folder = settings.folder
        folder.mkdir(parents=True, exist_ok=True)
        if not os.access(folder, os.W_OK | os.X_OK):
            # wandb would go on in a temporary folder instead.
            raise PermissionError(f"cannot write to {folder}")
        with only_ours():
            return self._open(_settings(settings), described, axes)

    def _open(self, settings: Mapping[str, Any], described: Mapping[str, Any], axes: Mapping[str, str]) -> Any:
        wandb = self._load()
        if self._session is None:
            self._start(wandb, settings)
        if self._run is not None:
            # Of an attempt that was broken off: W&B would show it as running for as long as this process lives.
            with contextlib.suppress(Exception):
                self._run.finish(exit_code=1)
        self._complaints.last = None
        self._run = wandb.init(settings=wandb.Settings(**settings), **described)
        for pattern, axis in axes.items():
            self._run.define_metric(pattern, step_metric=axis or None)
        return self._run

    def add(self, media: Callable[[Any, Any], None]) -> None:
        """Lets `media` add to the W&B run that is open; it is given wandb and the run. Called in the lane."""
        with only_ours():
            media(self._load(), self._run)

    def close(self, exit_code: int) -> None:
        """Ends the W&B run that is open. Called in the lane; ConnectionError where the server refused its data."""
        self._run.finish(exit_code=exit_code)
        self._run = None
        if self._complaints.last is not None:
            # wandb says so in a message and then ends the run as if all were well.
            raise ConnectionError(self._complaints.last)

    def ask(self, settings: RunSettings, call: Callable[[], object]) -> None:
        """Makes a call into wandb outside of a run, with nothing printed. Called in the lane."""
        with only_ours():
            if self._session is None:
                self._start(self._load(), _settings(settings))
            call()

    def check_arrived(self, path: str, rows: Sequence[Collection[str]]) -> None:
        """Reads back the run at entity/project/id. Called in the lane; ConnectionError where rows are missing.

        rows: the metrics of each row that was sent.
        """
        with only_ours():
            self._reader.check_arrived(self._load(), path, rows)

    def restart(self) -> None:
        """Ends wandb-core, and with it every call that waits for it. The next run starts a new one.

        Waits at most twice `CLEANUP` seconds; raises nothing.
        """
        session, self._session, self._run = self._session, None, None
        if session is not None:
            _end_core(session)
        if self.lane.is_current():
            self._forget()
            return
        try:
            self.lane.submit(self._forget).result(timeout=CLEANUP)
        except TimeoutError:
            self.lane.renew()

    def count_success(self) -> None:
        """Ends a series of failures."""
        self._failures = 0

    def count_failure(self) -> None:
        """After several in a row W&B is left alone for a while."""
        self._failures += 1
        if self._failures >= FAILURES_IN_A_ROW:
            self._failures, self._rest_until = 0, time.monotonic() + REST

    def leave(self) -> None:
        """Ends wandb-core: in good order, or after `CLEANUP` seconds by force. Done at exit."""
        session = self._session
        if session is None or os.getpid() != self.pid:
            return
        self._session = self._run = None
        with contextlib.suppress(TimeoutError):
            self.lane.submit(self._forget).result(timeout=CLEANUP)
        _end_core(session)

    def _start(self, wandb: Any, settings: Mapping[str, Any]) -> None:
        # Each process has a service of its own, so that the end of one is not the end of another's runs.
        os.environ.pop("WANDB_SERVICE", None)
        _without_telemetry(wandb)
        self._session = wandb.setup(settings=wandb.Settings(**settings))
        os.environ.pop("WANDB_SERVICE", None)
        wandb.termsetup(wandb.Settings(**settings), self._complaints)
        # wandb's own hook, just registered, would wait for ever for a service that hangs. The last one in runs first.
        atexit.unregister(self.leave)
        atexit.register(self.leave)

    def _forget(self) -> None:
        # Without this wandb would go on writing to the process that was ended, in every later run and at exit.
        # Twice, since the first fails on the connection to a dead process before it comes to forget the key.
        for _ in range(2):
            with contextlib.suppress(Exception, SystemExit):
                self._load().teardown()
        self._reader.forget()


class _Complaints:
    """Takes what wandb would print, and keeps what it says about data that it gave up on."""

    def __init__(self) -> None:
        self.last: str | None = None

    def warning(self, text: str) -> None:
        if "fatal error" in text.lower():
            self.last = text.removeprefix("wandb: WARNING ").partition(".")[0]

    error = warning

    def info(self, text: str) -> None:
        """Keeps nothing of it."""


def _without_telemetry(wandb: Any) -> None:
    """Keeps wandb 0.31 from reporting that its core would not start: to do so it waits for a lock that it holds."""
    with contextlib.suppress(AttributeError):  # other versions keep it elsewhere
        wandb.analytics.opentelemetry.opentelemetry_proxy.disable()


def _end_core(session: Any) -> None:
    # The handle is private to wandb, which offers no way out of a service that does not answer.
    connection = getattr(session, "_connection", None)
    process: Any = getattr(getattr(connection, "_proc", None), "_process", None)
    with contextlib.suppress(Exception):
        process.kill()
        process.wait(timeout=CLEANUP)


def _settings(of: RunSettings) -> dict[str, Any]:
    """Nothing printed, nothing captured, nothing about the machine, the code or its paths, but for its commit."""
    return {
        "mode": of.mode,
        "project": of.project,
        "root_dir": str(of.folder.parent),
        "use_dot_wandb": False,
        "reinit": "create_new",
        "silent": True,
        "console": "off",
        "symlink": False,
        "disable_git": True,
        "git_commit": of.commit,
        "disable_code": True,
        "save_code": False,
        "disable_job_creation": True,
        "sagemaker_disable": True,
        "label_disable": True,
        "host": "",
        "x_disable_meta": True,
        "x_disable_stats": not of.system,
        "x_stats_sampling_interval": SAMPLED_EACH,
        "x_disable_machine_info": not of.system,  # without it nothing is sampled
        "x_save_requirements": False,
        # A stop asked for on W&B's page would interrupt the process and whatever it runs by then.
        "stop_fn": _ignore,
        "x_service_wait": 20.0,
        "init_timeout": INIT_TIMEOUT,
        "finish_timeout": UPLOAD_TIMEOUT if of.patience is None else of.patience,
        "finish_timeout_raises": True,
    }


def _ignore() -> None:
    """Does nothing: W&B is a window, it does not steer."""
