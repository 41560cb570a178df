"""What a target network takes over from its source: everything but the head, or what a mask says."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from architectures.masks import Mask
from architectures.network import Network


def inherit(network: Network, weights: Mapping[str, Tensor], mask: Mask | None = None) -> None:
    """Copy parameters and buffers of all units but the head from the state dict of a source network.

    mask: what is copied, and remembered as `network.inherited`; None copies all. The rest stays as it was drawn. The
    source may have had another number of classes: its head is ignored. Raises ValueError, before anything
    is copied, naming the first tensor that is missing, unexpected or of another shape or dtype.
    """
    head = network.units[-1]
    own = {key: tensor for key, tensor in network.state_dict().items() if not head.holds(key)}
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
        for key in own if mask is None else mask.tensors:
            entries = None if mask is None else mask.tensors[key]
            if entries is None:
                own[key].copy_(weights[key])
            else:
                axis, index = entries.axis, entries.index
                own[key].index_copy_(axis, index, weights[key].index_select(axis, index))


def _kind(tensor: Tensor) -> str:
    return f"{tuple(tensor.shape)} {str(tensor.dtype).removeprefix('torch.')}"
