"""The worker's side of the Ray runner, imported there once per process."""

from __future__ import annotations

import json

from orchestrator.jobs import Job
from orchestrator.trial import Ending, TrialOptions, run_trial
from sweeps.spec import RunSpec


def run_remote(text: str, options: TrialOptions) -> Ending:
    """Run the job that the driver wrote as JSON: [kind, id, spec]."""
    kind, id, spec = json.loads(text)
    return run_trial(Job(kind, id, RunSpec.model_validate(spec)), options)
