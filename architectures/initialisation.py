"""Weights drawn from named random streams, apart from the process's own random state."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch


@contextmanager
def random_stream(seed: int) -> Iterator[None]:
    """Inside, the CPU's generator starts from `seed` and tensors are made on the CPU; then all is as before.

    `seed` is at least 0 and below 2^64. Weights are always drawn on the CPU, so a seed means the same bytes
    on every device.
    """
    # torch.manual_seed would also re-seed every accelerator, which an empty list of devices does not restore.
    with torch.random.fork_rng(devices=[]), torch.device("cpu"):
        torch.default_generator.manual_seed(seed)
        yield
