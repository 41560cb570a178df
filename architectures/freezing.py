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
    network.held = {}
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


def hold_inherited(network: Network) -> None:
    """Let what was inherited filter by filter keep its weights. To be called after `freeze`.

    Whole tensors do not train; of others some entries are put back after each step (`network.held`). With the frozen
    norms' behaviour `train` norms train all the same. A batch norm of which a part is held takes the batch's
    statistics, and its running ones follow the target's data: it has one mode for all of its channels.
    """
    assert network.inherited is not None
    norms = {id(p) for unit in network.units for norm in unit.norms(network.net) for p in norm.parameters()}
    for key, parameter in network.net.named_parameters():
        if key not in network.inherited.tensors or (network.frozen_norm == "train" and id(parameter) in norms):
            continue
        entries = network.inherited.tensors[key]
        if entries is None:
            parameter.requires_grad_(False)
        elif len(entries.index) and parameter.requires_grad:
            network.held[key] = entries


def trainable_parameters(network: Network) -> int:
    """Number of scalar parameters that train."""
    held = 0
    for key, entries in network.held.items():
        parameter = network.net.get_parameter(key)
        held += parameter.numel() // parameter.shape[entries.axis] * len(entries.index)
    return sum(parameter.numel() for parameter in network.parameters() if parameter.requires_grad) - held
