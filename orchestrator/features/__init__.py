"""What the head of a network reads, of a source's and a target's training samples.

TransferPair   a start and a target task that runs of a sweep have in common
pairs_of       the distinct ones of a plan
PairFeatures   arrays of one
features_of    computed once, kept in the store where that takes long
train_sources  train the source models that pairs need, in this process
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from orchestrator.features.pairs import TransferPair, pairs_of
from sweeps.contents import lazy

if TYPE_CHECKING:
    from orchestrator.features.extract import PairFeatures, features_of
    from orchestrator.features.sources import train_sources

__all__ = ["PairFeatures", "TransferPair", "features_of", "pairs_of", "train_sources"]

__getattr__ = lazy(__name__, {"PairFeatures": "extract", "features_of": "extract", "train_sources": "sources"})
