"""Networks: timm's ResNet, DenseNet and ViT as ladders of units that can be frozen, inherited and cut.

build            a network from a ModelSpec, its weights from one seed
ladder_length, check_frozen               what can be frozen, without torch
unit_names                                the ladder's names, without building anything
inherit                                   weights of a source network
freeze, trainable_parameters              which units train
Network                                   forward, prefix, suffix

What a plan needs is light; the rest imports torch and timm, and only when it is first asked for.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from architectures.shapes import check_frozen, ladder_length

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
]

_NEEDS_TORCH = {
    "Network": "architectures.network",
    "build": "architectures.families",
    "freeze": "architectures.freezing",
    "inherit": "architectures.inheritance",
    "trainable_parameters": "architectures.freezing",
    "unit_names": "architectures.families",
}


def __getattr__(name: str) -> Any:
    if name not in _NEEDS_TORCH:
        raise AttributeError(f"module 'architectures' has no attribute {name!r}")
    return getattr(import_module(_NEEDS_TORCH[name]), name)
