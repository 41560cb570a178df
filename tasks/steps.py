"""The optimiser steps of a training: how many there are, how many samples each takes, after which epochs both sets are
evaluated. Arithmetic alone, for a plan that imports no torch."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

from sweeps.spec import Batching, Recipe

GRID_PER_DECADE = 20
"""Evaluations while the number of epochs grows tenfold, where they are on a logarithmic grid."""


def batch_sizes(samples: int, batch_size: int, batches: Batching | None = None) -> list[int]:
    """Samples of each batch of an epoch, in the order of its steps: ceil(samples / batch_size) of them.

    `batches` None: full batches, and what is left over in a smaller last one. `even`: sizes that differ by 1 at most,
    the larger ones first, so that no batch says less of the data than the others.

    Batch norm has no variance to take over one sample: a lone last one joins the batch before it. Raises ValueError
    if there is nothing to cut.

    >>> batch_sizes(584, 64)
    [64, 64, 64, 64, 64, 64, 64, 64, 64, 8]
    >>> batch_sizes(584, 64, "even")
    [59, 59, 59, 59, 58, 58, 58, 58, 58, 58]
    """
    if samples < 1 or batch_size < 1:
        raise ValueError(f"samples {samples} and batch_size {batch_size} must both be at least 1")
    number = -(-samples // batch_size)
    if batches == "even":
        least, longer = divmod(samples, number)
        if least == 1 < batch_size and number > 1:  # of an odd number of samples in twos
            return [3, *[2] * (number - 2)]
        return [least + 1] * longer + [least] * (number - longer)
    if samples % batch_size == 1 and number > 1:
        number -= 1
    return [*[batch_size] * (number - 1), samples - batch_size * (number - 1)]


class Budget(NamedTuple):
    """The length of a training: optimiser steps, and epochs, the last of which may end early."""

    steps_per_epoch: int
    steps: int
    epochs: int


def budget(recipe: Recipe, samples: int) -> Budget:
    """The length of a training on so many samples.

    >>> budget(Recipe(steps=25, batch_size=10), samples=100)
    Budget(steps_per_epoch=10, steps=25, epochs=3)
    """
    each = len(batch_sizes(samples, recipe.batch_size, recipe.batches))
    steps = recipe.epochs * each if recipe.steps is None else recipe.steps
    return Budget(each, steps, -(-steps // each))


def evaluated_epochs(recipe: Recipe, epochs: int) -> Sequence[int]:
    """After which epochs, counted from 1, both sets are evaluated: ascending, the last one always among them.

    >>> list(evaluated_epochs(Recipe(evaluate="log"), epochs=15))
    [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 13, 14, 15]
    """
    if recipe.evaluate is None or epochs == 0:
        return range(1, epochs + 1)
    points = range(math.ceil(GRID_PER_DECADE * math.log10(epochs)) + 1)
    grid = {round(10 ** (point / GRID_PER_DECADE)) for point in points}
    return sorted({epoch for epoch in grid if epoch < epochs} | {epochs})
