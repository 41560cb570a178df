"""Networks: timm's ResNet, DenseNet and ViT as ladders of units that can be frozen, inherited and cut.

build            a network from a ModelSpec, its weights from one seed
unit_names, ladder_length, check_frozen   what can be frozen, without building anything
inherit, fresh_head                       weights of a source network, a new head
freeze, trainable_parameters              which units train
Network                                   forward, prefix, suffix
"""

from architectures.build import build, ladder_length, unit_names
from architectures.freezing import check_frozen, freeze, trainable_parameters
from architectures.inheritance import inherit
from architectures.initialisation import fresh_head
from architectures.network import Network

__all__ = [
    "Network",
    "build",
    "check_frozen",
    "freeze",
    "fresh_head",
    "inherit",
    "ladder_length",
    "trainable_parameters",
    "unit_names",
]
