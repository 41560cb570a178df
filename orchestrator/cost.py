"""What a job costs, in relative units: enough to run the longest first and to say how much time is left."""

from __future__ import annotations

import math

from architectures import ladder_length
from orchestrator.jobs import Job

UNIT_STEP = {"resnet": 1.0, "densenet": 3.0, "vit": 5.0}
"""Relative time of one trained unit in one step of 64 images of 8x8 pixels, from the families' own timings."""


def cost(job: Job) -> float:
    """Epochs x steps x units that are passed through, in arbitrary units."""
    part = job.spec.source if job.kind == "source" else job.spec.target
    assert part is not None
    recipe, model = job.recipe, job.spec.model
    steps = math.ceil(part.size / recipe.batch_size)
    transfer = job.spec.transfer
    spared = transfer.frozen if job.kind == "run" and transfer.norm == "eval" and recipe.augment == "none" else 0
    units = ladder_length(model) - spared + 1
    pixels = (model.image_size / 8) ** 2 * recipe.batch_size / 64
    # Small networks cost by the call, large ones by the multiplication.
    arithmetic = 1 + pixels * (model.width / 32) ** 2 if model.family != "densenet" else 1 + pixels * model.width / 16
    return 1 + recipe.epochs * steps * units * UNIT_STEP[model.family] * arithmetic
