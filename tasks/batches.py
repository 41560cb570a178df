"""Batches as index tensors. The data lie on the device as one tensor, so there is nothing to load."""

from __future__ import annotations

import torch
from torch import Tensor

from sweeps.seeds import Role
from sweeps.spec import Batching
from tasks.steps import batch_sizes
from tasks.streams import stream


class Batches:
    """The order in which one role's samples are visited: a fresh permutation every epoch, cut into batches.

    It depends on (seed, role, epoch) alone, so training resumed at an epoch sees what uninterrupted training would, and
    samples come in the same order however they are cut (`batches`, as tasks/steps.py has it).
    """

    def __init__(
        self,
        samples: int,
        batch_size: int,
        seed: int,
        role: Role,
        device: torch.device | str = "cpu",
        batches: Batching | None = None,
    ) -> None:
        self.sizes = batch_sizes(samples, batch_size, batches)
        self.samples = samples
        self.seed = seed
        self.role: Role = role
        self.device = torch.device(device)

    def __len__(self) -> int:
        """Batches, i.e. optimiser steps, per epoch."""
        return len(self.sizes)

    def epoch(self, epoch: int) -> tuple[Tensor, ...]:
        """The epoch's batches: int64 tensors of sample indices on the device, together each index once."""
        order = stream(self.seed, self.role, "order", epoch).permutation(self.samples)
        return torch.from_numpy(order).to(self.device).split(self.sizes)
