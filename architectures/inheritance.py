"""What a target network takes over from its source: everything but the head, everything, or what a mask says."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol, runtime_checkable

import torch
from torch import Tensor

from architectures.masks import Entries, Mask
from architectures.network import Network

Base = tuple[Tensor, Tensor]


@runtime_checkable
class Rebasing(Protocol):
    """A module that computes from where its training starts, which weights that are copied into it move."""

    def base(self) -> Base:
        """A copy of where its training started."""
        ...

    def rebase(self, base: Base | None = None) -> None:
        """Let the weights as they are be seen from `base`; None makes them the start of what follows."""
        ...


def inherit(
    network: Network, weights: Mapping[str, Tensor], mask: Mask | None = None, *, head_too: bool = False
) -> None:
    """Copy parameters and buffers of all units but the head from the state dict of a source network.

    mask: what is copied, and remembered as `network.inherited`; None copies all. The rest stays as it was drawn. The
    source may have had another number of classes: its head is ignored, unless `head_too`. Raises ValueError, before
    anything is copied, naming the first tensor that is missing, unexpected or of another shape or dtype.
    """
    head = network.units[-1]
    own = {key: tensor for key, tensor in network.state_dict().items() if head_too or not head.holds(key)}
    for key in weights:
        if key not in own and not head.holds(key):
            raise ValueError(f"source weights: tensor {key!r} is unexpected, the target has no such name")
    for key, tensor in own.items():
        if key not in weights:
            raise ValueError(f"source weights: tensor {key!r} is missing")
        if (found := _kind(weights[key])) != (wanted := _kind(tensor)):
            raise ValueError(f"source weights: tensor {key!r} is {found}, the target network needs {wanted}")
    network.inherited = mask
    with torch.no_grad():
        for key, tensor in own.items():
            if mask is None or head.holds(key):
                tensor.copy_(weights[key])
            elif key in mask.tensors:
                _copy(tensor, weights[key], mask.tensors[key])
    for module in () if head_too else network.modules():
        if isinstance(module, Rebasing):
            module.rebase()


def _copy(tensor: Tensor, source: Tensor, entries: Entries | None) -> None:
    """All of it, or some entries."""
    if entries is None:
        tensor.copy_(source)
    else:
        tensor.index_copy_(entries.axis, entries.index, source.index_select(entries.axis, entries.index))


@torch.no_grad()
def take_body(network: Network, other: Network) -> None:
    """Give all units of `network` but the head the weights that those of `other` have now, its own head left as it is.

    Both are of one ModelSpec, but for the number of outputs and `richness`. With the head of a source model, `network`
    then says what is left of the source's task in a network that goes on from it.
    """
    bases = [(module, module.base()) for module in network.modules() if isinstance(module, Rebasing)]
    head, weights = network.units[-1], other.state_dict()
    for key, tensor in network.state_dict().items():
        if not head.holds(key):
            tensor.copy_(weights[key])
    for module, base in bases:
        module.rebase(base)


def _kind(tensor: Tensor) -> str:
    return f"{tuple(tensor.shape)} {str(tensor.dtype).removeprefix('torch.')}"
