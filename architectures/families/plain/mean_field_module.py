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

    def base(self) -> tuple[Tensor, Tensor]:
        return self.get_buffer("start").clone(), self.get_buffer("scale").clone()

    @torch.no_grad()
    def rebase(self, base: tuple[Tensor, Tensor] | None = None) -> None:
        """Write the weights as they are as a difference from another start. None: they are the start of what follows,
        at this network's own richness."""
        start, scale = self.get_buffer("start"), self.get_buffer("scale")
        now = start + scale * self.weight
        own = torch.tensor(self.richness * math.sqrt(len(self.weight)))
        new_start, new_scale = (now, own) if base is None else base
        self.weight.copy_((now - new_start) / new_scale)
        start.copy_(new_start)
        scale.copy_(new_scale)


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
        start = self.readout.get_buffer("start")  # in float64 where the readout was solved for
        moved = linear((features - reference).to(start.dtype), start) / self.scale
        return self.readout(features) + moved

    def forward(self, x: Tensor) -> Tensor:
        return self.read(*self.hidden(x))
