"""The worker's side of the Ray runner, imported there once per process."""

from __future__ import annotations

import json

from orchestrator.store.jobs import Job
from orchestrator.store.ledger import Ledger
from orchestrator.train.options import Ending, TrialOptions
from orchestrator.train.stopping import StopKey
from orchestrator.train.trial import run_trial
from sweeps.spec import RunSpec


def run_remote(text: str, options: TrialOptions, ledger: Ledger) -> list[Ending]:
    """Run a batch, [[kind, id, spec], ...] as JSON, one job after the other; how each ended. `ledger`: the worker's.

    Once asked to stop, the rest is not begun.
    """
    stop = StopKey(ledger.store, options.stop_key)
    endings: list[Ending] = []
    for kind, id, spec in json.loads(text):
        stopped = "stopped" in endings or stop.asked()
        job = Job(kind, id, RunSpec.model_validate(spec))
        endings.append("not run" if stopped else run_trial(job, options, ledger))
    return endings
