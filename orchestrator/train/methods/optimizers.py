"""The optimizer of a recipe: torch's own, its parameters in groups that share a learning-rate factor and a decay.

L2-SP (Li, Grandvalet & Davoine 2018, arXiv:1802.01483) adds alpha/2 |w - w0|^2 + beta/2 |v|^2 to the loss: w, which
starts from w0, is all that trains but the head v. alpha is `transfer.l2_sp`, beta the recipe's `weight_decay`, which
then decays the head alone. The losses on record leave the penalty out.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import torch
from torch import nn

from architectures import Network
from sweeps.language.list_text import numbers_of
from sweeps.spec import Recipe, TransferSpec

FACTOR = "factor"
"""The key of a parameter group that holds its learning rate over the recipe's."""


def make_optimizer(network: Network, recipe: Recipe, transfer: TransferSpec) -> torch.optim.Optimizer:
    """Of all parameters that train. `transfer` gives factors of the learning rate, and moves the decay to the head."""
    groups = list(parameter_groups(network, recipe.weight_decay, transfer))
    rate = recipe.learning_rate
    if recipe.optimizer == "adam":
        return torch.optim.Adam(groups, rate, fused=True)
    if recipe.optimizer == "adamw":
        return torch.optim.AdamW(groups, rate, fused=True)
    return torch.optim.SGD(groups, rate, recipe.momentum, nesterov=bool(recipe.nesterov), fused=True)


def parameter_groups(network: Network, weight_decay: float, transfer: TransferSpec) -> Iterator[dict[str, Any]]:
    """Groups of parameters as torch takes them, each with its FACTOR; in each the network's own order."""
    factors = numbers_of(transfer.rate_factors) if transfer.rate_factors is not None else ()
    head = len(network.units) - 1
    groups: dict[tuple[float, float], list[nn.Parameter]] = {}
    unit_of = units_of_parameters(network)
    for parameter in network.parameters():
        if parameter.requires_grad:
            unit = unit_of[id(parameter)]
            factor = factors[unit] if unit < len(factors) else 1.0
            decay = weight_decay if transfer.l2_sp is None or unit == head else 0.0
            # A norm of a frozen unit that trains (`norm: train`) does so at the recipe's rate.
            groups.setdefault((factor or 1.0, decay), []).append(parameter)
    for (factor, decay), parameters in groups.items():
        yield {"params": parameters, "weight_decay": decay, FACTOR: factor}


def units_of_parameters(network: Network) -> Mapping[int, int]:
    """The place in the ladder of each parameter, by `id`."""
    return {id(parameter): n for n, unit in enumerate(network.units) for parameter in unit.parameters(network.net)}


def set_rate(optimizer: torch.optim.Optimizer, rate: float) -> None:
    """Give each group its learning rate: `rate` times the group's factor."""
    for group in optimizer.param_groups:
        group["lr"] = rate * group.get(FACTOR, 1.0)  # a checkpoint from before factors has none


class Hold:
    """Entries of parameters that keep what they inherited while the rest of their tensor trains (`network.held`).

    network: as training starts from it, on its device.
    """

    def __init__(self, network: Network) -> None:
        self._held = []
        for key, entries in network.held.items():
            parameter = network.net.get_parameter(key)
            index = entries.index.to(parameter.device)
            start = parameter.detach().index_select(entries.axis, index)
            self._held.append((parameter, entries.axis, index, start))

    @torch.no_grad()
    def clear_gradients(self) -> None:
        """To be called after the backward pass, before the gradient's norm is taken."""
        for parameter, axis, index, _ in self._held:
            assert parameter.grad is not None
            parameter.grad.index_fill_(axis, index, 0.0)

    @torch.no_grad()
    def put_back(self) -> None:
        """To be called after the optimizer's step: weight decay moves an entry without a gradient too."""
        for parameter, axis, index, start in self._held:
            parameter.index_copy_(axis, index, start)


class Pull:
    """The gradient of L2-SP's penalty on what trains of the units but the head: alpha (w - w0).

    network: as training starts from it: w0 are its weights now. Where nothing but the head trains it does nothing.
    """

    def __init__(self, network: Network, strength: float) -> None:
        unit_of = units_of_parameters(network)
        head = len(network.units) - 1
        self.strength = strength
        self._pulled = [p for p in network.parameters() if p.requires_grad and unit_of[id(p)] != head]
        self._starts = [parameter.detach().clone() for parameter in self._pulled]

    @torch.no_grad()
    def add_to_gradients(self) -> None:
        """To be called after the backward pass (and clipping), before the optimizer's step."""
        for parameter, start in zip(self._pulled, self._starts, strict=True):
            assert parameter.grad is not None
            parameter.grad.add_(parameter - start, alpha=self.strength)
