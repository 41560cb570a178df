"""From a ModelSpec to a network, and to the names of its ladder."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import NamedTuple

from timm.models.densenet import DenseNet
from timm.models.resnet import ResNet
from timm.models.vision_transformer import VisionTransformer
from torch import nn

from architectures import densenet, resnet, vit
from architectures.initialisation import random_stream
from architectures.ladder import Unit
from architectures.network import Network
from sweeps.spec import Family, ModelSpec


class Architecture(NamedTuple):
    """What a family brings: a body without a head, the ladder of a depth, and how a head is drawn."""

    construct: Callable[[ModelSpec], ResNet | DenseNet | VisionTransformer]
    ladder: Callable[[int], tuple[Unit, ...]]
    draw_head: Callable[[nn.Linear], None]


FAMILIES: dict[Family, Architecture] = {
    "resnet": Architecture(resnet.construct, resnet.ladder, resnet.draw_head),
    "densenet": Architecture(densenet.construct, densenet.ladder, densenet.draw_head),
    "vit": Architecture(vit.construct, vit.ladder, vit.draw_head),
}


def build(model: ModelSpec, classes: int, seed: int) -> Network:
    """A network on the CPU in training mode, nothing frozen, its weights drawn from `seed` alone.

    The head is drawn last: equal seeds give equal bodies, whatever the number of classes. torch's global
    random state is left as it was. Raises ValueError if `classes` is below 2.
    """
    if classes < 2:
        raise ValueError(f"classes = {classes}: allowed 2 or more")
    family = FAMILIES[model.family]
    with random_stream(seed):
        net = family.construct(model)
        net.reset_classifier(classes)
        network = Network(net, _ladder(model.family, model.depth))
        family.draw_head(network.head)
    return network


def unit_names(model: ModelSpec) -> tuple[str, ...]:
    """Names of the ladder's units in forward order, stem first, head last. Builds no network."""
    return tuple(unit.name for unit in _ladder(model.family, model.depth))


@cache
def _ladder(family: Family, depth: int) -> tuple[Unit, ...]:
    return FAMILIES[family].ladder(depth)
