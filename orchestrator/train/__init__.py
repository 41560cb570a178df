"""One job, from its claim to its commit.

run_trial     one job from top to bottom
TrialOptions  where and how a job runs
WorkerState   what a worker process keeps from job to job
Inputs        activations of a frozen prefix, or the images

How weights are found is the room `methods`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sweeps.contents import lazy

if TYPE_CHECKING:
    from orchestrator.train.inputs import Inputs as Inputs
    from orchestrator.train.options import TrialOptions as TrialOptions
    from orchestrator.train.trial import run_trial as run_trial
    from orchestrator.train.worker_state import WorkerState as WorkerState

OFFERED = {
    "Inputs": "inputs",
    "TrialOptions": "options",
    "WorkerState": "worker_state",
    "run_trial": "trial",
}
__getattr__ = lazy(__name__, OFFERED)
