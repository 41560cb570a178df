"""The worker's side of the Ray runner, imported once per worker process."""

from __future__ import annotations

from orchestrator.runners.batch import from_text
from orchestrator.train.options import Ending, TrialOptions
from orchestrator.train.trial import run_trial
from orchestrator.train.worker_state import WorkerState


def run_remote(text: str, options: TrialOptions, state: WorkerState) -> list[Ending]:
    """Run a batch, as text (batch.py), one job after the other. Returns how each ended.

    Once asked to stop, or to begin nothing more, it does not begin the remaining jobs.
    """
    endings: list[Ending] = []
    nothing = state.stop_waiting.asked(afresh=True)  # the batch may have waited for a worker since then
    for job in from_text(text, options.varied, state.ledger.watch):
        stopped = nothing or "stopped" in endings or state.stop.asked() or state.stop_waiting.asked()
        endings.append("not run" if stopped else run_trial(job, options, state))
    return endings
