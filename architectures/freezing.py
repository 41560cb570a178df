"""Which parameters train: the first `frozen` units keep theirs, and their norms do as they are told."""

from __future__ import annotations

from collections.abc import Collection

from architectures.network import Network
from architectures.shapes import check_depth
from sweeps.spec import FrozenNorm


def freeze(network: Network, frozen: int, norm: FrozenNorm, still: Collection[int] = ()) -> None:
    """Let all but the first `frozen` units train, whatever was frozen before.

    `still`: places in the ladder of later units, the head not among them, that keep theirs too; gradients pass through.

    A frozen normalisation layer keeps all it has (`eval`), lets its running statistics follow the training
    data (`stats`), or also trains scale and shift (`train`). LayerNorm has no statistics, so that `eval` and
    `stats` coincide. Raises ValueError if `frozen` is not in 0..L-1.
    """
    check_depth(frozen, len(network.units))
    network.frozen = frozen
    network.still = tuple(sorted(still))
    network.frozen_norm = norm
    network.requires_grad_(True)
    for unit in network.frozen_units():
        for parameter in unit.parameters(network.net):
            parameter.requires_grad_(False)
            parameter.grad = None  # a gradient left over would let an optimizer move the parameter once more
        if norm == "train":
            for layer in unit.norms(network.net):
                layer.requires_grad_(True)
    network.train(network.training)


def trainable_parameters(network: Network) -> int:
    """Number of scalar parameters that train."""
    return sum(parameter.numel() for parameter in network.parameters() if parameter.requires_grad)
