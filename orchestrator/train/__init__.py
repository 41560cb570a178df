"""One job, from its claim to its commit.

run_trial     one job from top to bottom
TrialOptions  where and how a job runs
Training      Lightning's module: an epoch is one step
Inputs        activations of a frozen prefix, or the images
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sweeps.contents import lazy

if TYPE_CHECKING:
    from orchestrator.train.options import TrialOptions as TrialOptions
    from orchestrator.train.prefix import Inputs as Inputs
    from orchestrator.train.training import Training as Training
    from orchestrator.train.trial import run_trial as run_trial

OFFERED = {
    "Inputs": "prefix",
    "Training": "training",
    "TrialOptions": "options",
    "run_trial": "trial",
}
__getattr__ = lazy(__name__, OFFERED)
