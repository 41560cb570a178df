"""Networks as ladders of units that can be frozen, inherited and cut: timm's, and any other of `families`.

FAMILIES, family_of                       the table of families, and the rules of one
ladder_length, check_frozen, unit_names   what can be frozen
exact_prefix                              whether a frozen prefix needs to be computed once only
uses_batch_statistics                     whether batch norm looks at training batches
canonical_model                           a ModelSpec with the digest of its pre-trained weights
build                                     a network from a ModelSpec, its weights from one seed
inherit, take_body                        weights of a source network; of another network, for a head that stays
freeze, trainable_parameters              which units train
Network                                   forward, prefix, suffix

What a plan needs is light; the rest imports torch and timm, and only when it is first asked for.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from architectures.families import FAMILIES, family_of
from architectures.shapes import check_frozen, exact_prefix, ladder_length, unit_names, uses_batch_statistics
from architectures.weight_files import canonical_model
from sweeps.contents import lazy

if TYPE_CHECKING:
    from architectures.construction import build
    from architectures.freezing import freeze, trainable_parameters
    from architectures.inheritance import inherit, take_body
    from architectures.network import Network

__all__ = [
    "FAMILIES",
    "Network",
    "build",
    "canonical_model",
    "check_frozen",
    "exact_prefix",
    "family_of",
    "freeze",
    "inherit",
    "ladder_length",
    "take_body",
    "trainable_parameters",
    "unit_names",
    "uses_batch_statistics",
]

_NEEDS_TORCH = {
    "Network": "network",
    "build": "construction",
    "freeze": "freezing",
    "inherit": "inheritance",
    "take_body": "inheritance",
    "trainable_parameters": "freezing",
}

__getattr__ = lazy(__name__, _NEEDS_TORCH)
