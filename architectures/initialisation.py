"""Weights drawn from named random streams, apart from the process's own random state."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import nn

from architectures.network import Network


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


def fresh_head(network: Network, seed: int) -> None:
    """Draw the head's weights anew from `seed`, as `build` would, on whichever device the head is."""
    head = network.head
    with random_stream(seed):
        drawn = nn.Linear(head.in_features, head.out_features)
        network.draw_head(drawn)
    head.load_state_dict(drawn.state_dict())
