"""Train the source models that pairs need, before any run of the sweep: in this process, one after the other."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from orchestrator.store.jobs import Job
from orchestrator.train.options import TrialOptions
from orchestrator.train.stopping import handle_stop_signals
from orchestrator.train.trial import run_trial
from orchestrator.train.worker_state import WorkerState


def train_sources(
    jobs: Iterable[Job], options: TrialOptions, state: WorkerState, say: Callable[[str], None]
) -> list[Job]:
    """Those that have no result afterwards: failed, or held by another process. Raises KeyboardInterrupt when asked to
    stop; the epochs so far are saved."""
    left = []
    with handle_stop_signals(state.stop):
        for job in jobs:
            ending = run_trial(job, options, state)
            if state.stop.signalled:
                raise KeyboardInterrupt
            say(f"{job.name}: {ending}")
            if ending != "done":
                left.append(job)
    return left
