"""Networks: timm's ResNet, DenseNet and ViT as ladders of units that can be frozen, inherited and cut.

build            a network from a ModelSpec, its weights from one seed
ladder_length, check_frozen               what can be frozen, without torch
uses_batch_statistics                     whether batch norm looks at training batches, without torch
unit_names                                the ladder's names, without building anything
inherit                                   weights of a source network
freeze, trainable_parameters              which units train
Network                                   forward, prefix, suffix

What a plan needs is light; the rest imports torch and timm, and only when it is first asked for.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from architectures.shapes import check_frozen, ladder_length, uses_batch_statistics
from sweeps.contents import lazy

if TYPE_CHECKING:
    from architectures.families import build, unit_names
    from architectures.freezing import freeze, trainable_parameters
    from architectures.inheritance import inherit
    from architectures.network import Network

__all__ = [
    "Network",
    "build",
    "check_frozen",
    "freeze",
    "inherit",
    "ladder_length",
    "trainable_parameters",
    "unit_names",
    "uses_batch_statistics",
]

_NEEDS_TORCH = {
    "Network": "network",
    "build": "families",
    "freeze": "freezing",
    "inherit": "inheritance",
    "trainable_parameters": "freezing",
    "unit_names": "families",
}

__getattr__ = lazy(__name__, _NEEDS_TORCH)
