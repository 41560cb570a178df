"""The two-layer ReLU CNN as a torch module. Imported when one is made, never by a plan."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.functional import linear


class SignedSums(nn.Module):
    """The fixed second layer: activations (N, 2, 2 m) of both patches to logits (N, 2), the sums over patches and the m
    filters of each sign, divided by m."""

    def forward(self, x: Tensor) -> Tensor:
        return x.sum(1).unflatten(1, (2, -1)).mean(2)


class TwoLayerReLU(nn.Module):
    """`width` filters of each sign, those of the sign - first, on the two halves of an image's pixels.

    initial: standard deviation of the initial weights. Input (N, channels, S, S).
    """

    def __init__(self, patch: int, width: int, initial: float) -> None:
        super().__init__()
        self.patch = patch
        self.filters = nn.Linear(patch, 2 * width, bias=False)
        nn.init.normal_(self.filters.weight, 0.0, initial)
        self.head: nn.Module = nn.Identity()

    def activations(self, x: Tensor) -> Tensor:
        """(N, 2, 2 m): of both patches, relu(<w, x>) of every filter."""
        pixels, patch = x.flatten(1), self.patch
        halves = pixels[:, :patch], pixels[:, patch : 2 * patch]
        return torch.stack([linear(half, self.filters.weight) for half in halves], 1).relu()

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.activations(x))
