"""Networks as ladders of units that can be frozen, inherited and cut: timm's, and any other of `families`.

FAMILIES, family_of                       the table of families, and the rules of one
ladder_length, check_frozen, unit_names   what can be frozen
exact_prefix                              whether a frozen prefix needs to be computed once only
has_batch_norm, uses_batch_statistics     whether a network has batch norm; whether batch norm looks at training batches
fixes_batch_norm                          whether one keeps its statistics, since its unit does not train
canonical_model                           a ModelSpec with the digest of its pre-trained weights
build                                     a network from a ModelSpec, its weights from one seed
inherit, take_body                        weights of a source network; of another network, for a head that stays
Mask, mask_of                             which part of them, where it is a part
freeze, trainable_parameters              which units train
hold_inherited                            filters that keep what they inherited
Network                                   forward, prefix, suffix

What a plan needs is light; the rest imports torch and timm, and only when it is first asked for.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from architectures.families import FAMILIES, family_of
from architectures.shapes import (
    check_frozen,
    exact_prefix,
    fixes_batch_norm,
    has_batch_norm,
    ladder_length,
    unit_names,
    uses_batch_statistics,
)
from architectures.weight_files import canonical_model
from sweeps.contents import lazy

if TYPE_CHECKING:
    from architectures.construction import build
    from architectures.freezing import freeze, hold_inherited, trainable_parameters
    from architectures.inheritance import inherit, take_body
    from architectures.masks import Mask, mask_of
    from architectures.network import Network

__all__ = [
    "FAMILIES",
    "Mask",
    "Network",
    "build",
    "canonical_model",
    "check_frozen",
    "exact_prefix",
    "family_of",
    "fixes_batch_norm",
    "freeze",
    "has_batch_norm",
    "hold_inherited",
    "inherit",
    "ladder_length",
    "mask_of",
    "take_body",
    "trainable_parameters",
    "unit_names",
    "uses_batch_statistics",
]

_NEEDS_TORCH = {
    "Mask": "masks",
    "Network": "network",
    "build": "construction",
    "freeze": "freezing",
    "hold_inherited": "freezing",
    "inherit": "inheritance",
    "mask_of": "masks",
    "take_body": "inheritance",
    "trainable_parameters": "freezing",
}

__getattr__ = lazy(__name__, _NEEDS_TORCH)
