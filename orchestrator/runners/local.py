"""The in-process runner: one job after the other, in this process. For debugging, for small sweeps, and as the
reference that the cluster must equal."""

from __future__ import annotations

import time

from orchestrator.runners.watchdog import watching_leases
from orchestrator.schedule.agenda import Agenda
from orchestrator.train.options import TrialOptions
from orchestrator.train.stopping import handle_stop_signals
from orchestrator.train.trial import run_trial
from orchestrator.train.worker_state import WorkerState


def run(agenda: Agenda, options: TrialOptions) -> None:
    """Run the agenda's jobs to its end.

    On SIGINT, SIGTERM or SIGUSR1 the current epoch is trained and saved, then KeyboardInterrupt is raised.
    """
    state = WorkerState(options)
    with handle_stop_signals(state.stop), watching_leases(agenda, state.ledger, options.launch, kills=False):
        while not agenda.finished():
            job = agenda.take()
            if job is None:
                time.sleep(0.2)
            else:
                agenda.end(job, run_trial(job, options, state))
            if state.stop.signalled:
                raise KeyboardInterrupt
