"""Learning-rate schedules as closed forms of the step, so that a resumed run needs no state of theirs."""

from __future__ import annotations

import math
from bisect import bisect_right

from sweeps.language.list_text import numbers_of
from sweeps.spec import DEFAULT_DECAY, Recipe
from tasks.steps import Budget


def schedule_factor(recipe: Recipe, step: int, length: Budget) -> float:
    """The learning rate of a step, counted from 0, over the recipe's.

    `inverse_sqrt` is Nakkiran et al. 2019: 1/sqrt(1 + step // 512). `cosine` falls to 0 at the end of the budget.
    `step` multiplies by the recipe's `decay` after each of its `milestones`. Warm-up multiplies any of them by
    (step + 1) / warmup until that is 1.

    Example: with `cosine`, step 5 of 10 gives 0.5.
    """
    factor = 1.0
    match recipe.schedule:
        case "cosine":
            factor = 0.5 * (1 + math.cos(math.pi * step / length.steps))
        case "inverse_sqrt":
            factor = 1 / math.sqrt(1 + step // 512)
        case "step":
            assert recipe.milestones is not None
            passed = bisect_right(numbers_of(recipe.milestones), step // length.steps_per_epoch)
            factor = (recipe.decay or DEFAULT_DECAY) ** passed
        case "constant":
            pass
    if recipe.warmup is not None and step < recipe.warmup:
        factor *= (step + 1) / recipe.warmup
    return factor
