"""A head as a least-squares problem: rows of features, the weights that multiply them, and the targets' rows.

A linear layer has one row a sample. A convolution is unfolded: one row for each pixel that it writes, with the patch
that it reads there (im2col), so that its kernel is a matrix as well. Where its pixels are averaged to one output a
channel, so are the patches, and there is one row a sample again.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeGuard

import torch
from torch import Tensor, nn
from torch.nn.functional import one_hot, pad, unfold

from architectures import Network
from orchestrator.train.inputs import Inputs, passes
from tasks import TaskData

Layer = nn.Linear | nn.Conv2d


class HeadLayer:
    """The last layer of a network of so many outputs. Raises ValueError where that is neither a linear layer nor a
    plain convolution."""

    def __init__(self, network: Network, outputs: int) -> None:
        owned = network.units[-1].owns
        layer = network.net.get_submodule(owned[0]) if len(owned) == 1 else None
        if not is_plain(layer):
            raise ValueError(
                f"the head of this network ({', '.join(owned)}) is neither a linear layer nor a convolution: "
                "it has no least-squares solution in closed form"
            )
        self.layer: Layer = layer
        self.network = network
        self._averaged = isinstance(layer, nn.Conv2d) and layer.out_channels == outputs

    @property
    def bias(self) -> bool:
        return self.layer.bias is not None

    def rows(self, features: Tensor) -> Tensor:
        """What multiplies the weights, float64 (rows, p), of what the layer reads."""
        layer = self.layer
        if isinstance(layer, nn.Linear):
            return features.flatten(1).double()
        assert not isinstance(layer.padding, str)
        patches = unfold(features.double(), layer.kernel_size, layer.dilation, layer.padding, layer.stride)
        return patches.mean(2) if self._averaged else patches.transpose(1, 2).flatten(0, 1)

    def target_rows(self, targets: Tensor) -> Tensor:
        """Targets or outputs of the network (N, T) as the layer writes them, float64 (rows, C)."""
        if isinstance(self.layer, nn.Linear) or self._averaged:
            return targets.double()
        return targets.double().unflatten(1, (self.layer.out_channels, -1)).transpose(1, 2).flatten(0, 1)

    def weights(self) -> Tensor:
        """The weights, float64 (p, C); with a bias (p + 1, C), the bias last."""
        matrix = self.layer.weight.detach().flatten(1).T.double()
        return matrix if self.layer.bias is None else torch.cat([matrix, self.layer.bias.detach().double()[None]])

    def compute_in_float64(self) -> None:
        """Let the layer have and use float64 from now on: least squares may have weights so large that float32 would
        lose the small differences that are left of them."""
        self.layer.double()
        self.layer.register_forward_pre_hook(lambda _, given: (given[0].double(),))

    @torch.no_grad()
    def write(self, weights: Tensor) -> None:
        """Set the weights, as `weights` gives them."""
        matrix = weights if self.layer.bias is None else weights[:-1]
        self.layer.weight.copy_(matrix.T.reshape(self.layer.weight.shape))
        if self.layer.bias is not None:
            self.layer.bias.copy_(weights[-1])

    def outputs(self, rows: Tensor, weights: Tensor) -> Tensor:
        """(rows, C): what weights make of rows of features."""
        return (pad(rows, (0, 1), value=1.0) if self.bias else rows) @ weights

    @torch.no_grad()
    def features(self, inputs: Inputs) -> tuple[Tensor, Tensor]:
        """What the layer reads of all training samples, and the network's outputs (N, T), in evaluation mode."""
        samples, device = len(inputs.train[0]), inputs.train[0].device
        indices = (torch.arange(part.start, part.stop, device=device) for part in passes(samples, inputs.most))
        return self._seen(lambda: [inputs.train_logits(self.network, index) for index in indices])

    @torch.no_grad()
    def features_of(self, images: Tensor, most: int) -> tuple[Tensor, Tensor]:
        """The same of any inputs, read in passes of at most `most`."""
        return self._seen(lambda: [self.network(images[part]) for part in passes(len(images), most)])

    def _seen(self, forward: Callable[[], list[Tensor]]) -> tuple[Tensor, Tensor]:
        """What the layer reads while the network is passed, and the network's outputs."""
        seen: list[Tensor] = []
        self.network.eval()
        handle = self.layer.register_forward_pre_hook(lambda _, given: seen.append(given[0]))
        outputs = forward()
        handle.remove()
        return torch.cat(seen), torch.cat(outputs)


def is_plain(layer: nn.Module | None) -> TypeGuard[Layer]:
    """Whether a layer is linear in its weights in the way that is known here. A subclass of torch's may do more."""
    if isinstance(layer, nn.Conv2d):
        return layer.groups == 1 and layer.padding_mode == "zeros" and not isinstance(layer.padding, str)
    return type(layer) is nn.Linear


def targets_of(data: TaskData) -> Tensor:
    """(N, T): the targets of a regression, or the one-hot vectors of the labels as given."""
    return data.labels if data.is_regression else one_hot(data.labels, data.classes).to(torch.float32)
