"""The in-process runner: one job after the other, in this process. For debugging, for small sweeps, and as the
reference that the cluster must equal."""

from __future__ import annotations

import signal
import threading
import time
from types import FrameType

from orchestrator.agenda import Agenda
from orchestrator.fit import STOP
from orchestrator.options import TrialOptions
from orchestrator.trial import run_trial


def run(agenda: Agenda, options: TrialOptions) -> None:
    """Work the agenda off. On SIGINT, SIGTERM or SIGUSR1 the epoch under way is saved, then KeyboardInterrupt."""
    STOP.clear()
    before = _on_signals()
    try:
        while not agenda.finished():
            job = agenda.take()
            if job is None:
                time.sleep(0.2)
                continue
            agenda.end(job, run_trial(job, options))
            if STOP.is_set():
                raise KeyboardInterrupt
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _on_signals() -> dict[int, signal._HANDLER]:
    def stop(number: int, frame: FrameType | None) -> None:
        if STOP.is_set():
            raise KeyboardInterrupt
        STOP.set()

    if threading.current_thread() is not threading.main_thread():
        return {}
    return {number: signal.signal(number, stop) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGUSR1)}
