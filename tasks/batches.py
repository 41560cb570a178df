"""Batches as index tensors. The data lie on the device as one tensor, so there is nothing to load."""

from __future__ import annotations

import torch
from torch import Tensor

from sweeps.seeds import Role
from tasks.streams import stream


class Batches:
    """The order in which one role's samples are visited: a fresh permutation every epoch, cut into batches.

    It depends on (seed, role, epoch) alone, so training resumed at an epoch sees what uninterrupted training
    would.
    """

    def __init__(
        self, samples: int, batch_size: int, seed: int, role: Role, device: torch.device | str = "cpu"
    ) -> None:
        if samples < 1 or batch_size < 1:
            raise ValueError(f"samples {samples} and batch_size {batch_size} must both be at least 1")
        self.samples = samples
        self.seed = seed
        self.role: Role = role
        self.device = torch.device(device)
        starts = list(range(0, samples, batch_size))
        # Batch norm has no variance to take over one sample: a lone last one joins the batch before it.
        if batch_size > 1 and len(starts) > 1 and samples - starts[-1] == 1:
            starts.pop()
        self.sizes = [stop - start for start, stop in zip(starts, [*starts[1:], samples], strict=True)]

    def __len__(self) -> int:
        """Batches, i.e. optimiser steps, per epoch."""
        return len(self.sizes)

    def epoch(self, epoch: int) -> tuple[Tensor, ...]:
        """The epoch's batches: int64 tensors of sample indices on the device, together each index once."""
        order = stream(self.seed, self.role, "order", epoch).permutation(self.samples)
        return torch.from_numpy(order).to(self.device).split(self.sizes)
