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


class Readout(nn.Linear):
    """Readouts as start + scale * weight, less what the network gives at its start: `weight` (outputs, N) is 0 there.

    Where the hidden units are at their start it is the linear layer `weight`.
    """

    def __init__(self, width: int, outputs: int, richness: float) -> None:
        super().__init__(width, outputs, bias=False)
        nn.init.zeros_(self.weight)
        self.register_buffer("start", torch.randn(outputs, width))
        self.scale = richness * math.sqrt(width)

    def forward(self, features: Tensor, reference: Tensor) -> Tensor:  # pyright: ignore[reportIncompatibleMethodOverride]
        moved = linear(features - reference, self.get_buffer("start")) / self.scale
        return linear(features, self.weight) + moved


class MeanFieldMLP(nn.Module):
    """Hidden units, and a readout once `add_readout` has been called."""

    def __init__(self, inputs: int, width: int, richness: float, rectified: bool) -> None:
        super().__init__()
        self.hidden = Hidden(inputs, width, richness, rectified)

    def add_readout(self, outputs: int) -> None:
        self.readout = Readout(len(self.hidden.weight), outputs, self.hidden.richness)

    def forward(self, x: Tensor) -> Tensor:
        return self.readout(*self.hidden(x))
