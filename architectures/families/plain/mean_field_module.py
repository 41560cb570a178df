"""The modules of the mean-field perceptron. Its mathematics is in `mean_field_mlp`."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn.functional import linear


class Hidden(nn.Module):
    """Hidden weights as start + scale * weight: `weight` (N, D), which trains, is 0 where training starts.

    Gives phi(h)/sqrt(N) of the weights as they are, and of the start, each (samples, N).
    """

    def __init__(self, inputs: int, width: int, richness: float, rectified: bool) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(width, inputs))
        self.register_buffer("start", torch.randn(width, inputs))
        self.register_buffer("scale", torch.tensor(richness * math.sqrt(width)))
        self.richness = richness
        self.rectified = rectified

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        x = x.flatten(1) / math.sqrt(self.weight.shape[1])
        start = self.get_buffer("start")
        return self._features(x, start + self.get_buffer("scale") * self.weight), self._features(x, start)

    def _features(self, x: Tensor, weights: Tensor) -> Tensor:
        fields = x @ weights.T
        return (fields.relu() if self.rectified else fields) / math.sqrt(len(weights))

    @torch.no_grad()
    def rebase(self) -> None:
        """Let the weights as they are be the start of what follows, at this network's own richness."""
        scale = self.get_buffer("scale")
        self.get_buffer("start").add_(scale * self.weight)
        self.weight.zero_()
        scale.fill_(self.richness * math.sqrt(len(self.weight)))


class MeanFieldMLP(nn.Module):
    """Hidden units, and a readout once `add_readout` has been called.

    The readout's weights (outputs, N) are start + gamma sqrt(N) * weight: `readout.weight`, which trains, is 0 where
    training starts, and what the network gives there is taken off. Where the hidden units are at their start too, the
    network is `readout`, a linear layer like any other, on their features.
    """

    def __init__(self, inputs: int, width: int, richness: float, rectified: bool) -> None:
        super().__init__()
        self.hidden = Hidden(inputs, width, richness, rectified)
        self.scale = richness * math.sqrt(width)

    def add_readout(self, outputs: int) -> None:
        width = len(self.hidden.weight)
        self.readout = nn.Linear(width, outputs, bias=False)
        nn.init.zeros_(self.readout.weight)
        self.readout.register_buffer("start", torch.randn(outputs, width))

    def read(self, features: Tensor, reference: Tensor) -> Tensor:
        """Outputs (samples, outputs) of features as they are and at the start."""
        moved = linear(features - reference, self.readout.get_buffer("start")) / self.scale
        return self.readout(features) + moved

    def forward(self, x: Tensor) -> Tensor:
        return self.read(*self.hidden(x))
