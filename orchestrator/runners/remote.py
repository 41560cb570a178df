"""The worker's side of the Ray runner, imported once per worker process."""

from __future__ import annotations

import json

from orchestrator.store.jobs import Job
from orchestrator.train.options import Ending, TrialOptions
from orchestrator.train.trial import run_trial
from orchestrator.train.worker_state import WorkerState
from sweeps.spec import RunSpec


def run_remote(text: str, options: TrialOptions, state: WorkerState) -> list[Ending]:
    """Run a batch, [[kind, id, spec], ...] as JSON, one job after the other. Returns how each ended.

    Once asked to stop, or to begin nothing more, it does not begin the remaining jobs.
    """
    endings: list[Ending] = []
    nothing = state.stop_waiting.asked(afresh=True)  # the batch may have waited for a worker since then
    for kind, id, spec in json.loads(text):
        stopped = nothing or "stopped" in endings or state.stop.asked() or state.stop_waiting.asked()
        job = Job(kind, id, RunSpec.model_validate(spec), options.varied)
        endings.append("not run" if stopped else run_trial(job, options, state))
    return endings
