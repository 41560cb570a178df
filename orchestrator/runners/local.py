"""The in-process runner: one job after the other, in this process. For debugging, for small sweeps, and as the
reference that the cluster must equal."""

from __future__ import annotations

import time

from orchestrator.schedule.agenda import Agenda
from orchestrator.store.ledger import Ledger
from orchestrator.train.options import TrialOptions
from orchestrator.train.stopping import STOP, handle_stop_signals
from orchestrator.train.trial import run_trial


def run(agenda: Agenda, options: TrialOptions) -> None:
    """Work the agenda off. On SIGINT, SIGTERM or SIGUSR1 the epoch under way is saved, then KeyboardInterrupt."""
    STOP.clear()
    ledger = Ledger(options.store, options.settings)
    with handle_stop_signals():
        while not agenda.finished():
            job = agenda.take()
            if job is None:
                time.sleep(0.2)
            else:
                agenda.end(job, run_trial(job, options, ledger))
            if STOP.is_set():
                raise KeyboardInterrupt
