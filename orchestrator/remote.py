"""Both ends of the wire between the Ray runner's driver and its workers: batches of jobs as JSON text."""

from __future__ import annotations

import json
from collections.abc import Sequence

from orchestrator.jobs import Job
from orchestrator.trial import Ending, TrialOptions, run_trial
from sweeps.spec import RunSpec


def to_text(batch: Sequence[Job]) -> str:
    """[[kind, id, spec], ...] as JSON."""
    return json.dumps([[job.kind, job.id, job.spec.model_dump(mode="json")] for job in batch])


def run_remote(text: str, options: TrialOptions) -> list[Ending]:
    """Run a batch, one job after the other; how each ended. After one was stopped the rest is not begun."""
    endings: list[Ending] = []
    for kind, id, spec in json.loads(text):
        stopped = "stopped" in endings
        endings.append("not run" if stopped else run_trial(Job(kind, id, RunSpec.model_validate(spec)), options))
    return endings
