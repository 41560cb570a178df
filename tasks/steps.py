"""The optimiser steps of an epoch: how many samples each takes. Arithmetic alone, for a plan that imports no torch."""

from __future__ import annotations

from sweeps.spec import Batching


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
