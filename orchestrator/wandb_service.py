"""This process's side of W&B: one thread that makes every call, one wandb-core process, however many runs."""

from __future__ import annotations

import contextlib
import math
import os
import time
from collections.abc import Callable, Mapping
from typing import Any

from orchestrator.lane import Lane

CLEANUP = 5.0
"""Seconds to wait, after a failure, for what is left of wandb to go away."""
FAILURES_IN_A_ROW = 3
REST = 600.0
"""Seconds without W&B after so many failures in a row, so that an unreachable server costs a sweep little."""


class WandbService:
    """Opens W&B runs, and starts afresh after a failure. `load` imports wandb: not before it is needed."""

    def __init__(self, load: Callable[[], Any]) -> None:
        self.pid = os.getpid()
        self.lane = Lane("wandb")
        self._load = load
        self._session: Any = None
        self._failures = 0
        self._rest_until = -math.inf

    def resting(self) -> bool:
        """Whether W&B is left alone for a while, after several failures in a row."""
        return time.monotonic() < self._rest_until

    def open(self, settings: Mapping[str, Any], described: Mapping[str, Any]) -> Any:
        """A new W&B run. Made in the lane; raises whatever wandb raises."""
        # Read when wandb is imported and when its service starts; there is no setting for it.
        os.environ.setdefault("WANDB_ERROR_REPORTING", "false")
        wandb = self._load()
        if self._session is None:
            # Each process has a service of its own, so that the end of one is not the end of another's runs.
            os.environ.pop("WANDB_SERVICE", None)
            self._session = wandb.setup(settings=wandb.Settings(**settings))
            os.environ.pop("WANDB_SERVICE", None)
        run = wandb.init(settings=wandb.Settings(**settings), **described)
        run.define_metric("epoch")
        run.define_metric("*", step_metric="epoch")
        return run

    def succeeded(self) -> None:
        """Ends a row of failures."""
        self._failures = 0

    def drop(self) -> None:
        """After a failure: ends wandb-core, and with it every call that waits for it. The next run starts afresh.

        Waits at most twice `CLEANUP` seconds; raises nothing.
        """
        self._failures += 1
        if self._failures >= FAILURES_IN_A_ROW:
            self._failures, self._rest_until = 0, time.monotonic() + REST
        session, self._session = self._session, None
        if session is not None:
            _end_core(session)
        if self.lane.is_current():
            self._forget()
            return
        try:
            self.lane.submit(self._forget).result(timeout=CLEANUP)
        except TimeoutError:
            self.lane.renew()

    def _forget(self) -> None:
        # Without this wandb would go on writing to the process that was ended, in every later run and at exit.
        with contextlib.suppress(Exception, SystemExit):
            self._load().teardown()


def _end_core(session: Any) -> None:
    # The handle is private to wandb, which offers no way out of a service that does not answer.
    connection = getattr(session, "_connection", None)
    process: Any = getattr(getattr(connection, "_proc", None), "_process", None)
    with contextlib.suppress(Exception):
        process.kill()
        process.wait(timeout=CLEANUP)
