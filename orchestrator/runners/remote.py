"""The worker's side of the Ray runner, imported there once per process."""

from __future__ import annotations

import json

from orchestrator.store.jobs import Job
from orchestrator.train.options import Ending, TrialOptions
from orchestrator.train.stopping import StopFile
from orchestrator.train.trial import run_trial
from sweeps.spec import RunSpec


def run_remote(text: str, options: TrialOptions) -> list[Ending]:
    """Run a batch, [[kind, id, spec], ...] as JSON, one job after the other; how each ended.

    Once asked to stop, the rest is not begun.
    """
    stop = StopFile(options.stop_file)
    endings: list[Ending] = []
    for kind, id, spec in json.loads(text):
        stopped = "stopped" in endings or stop.asked()
        endings.append("not run" if stopped else run_trial(Job(kind, id, RunSpec.model_validate(spec)), options))
    return endings
