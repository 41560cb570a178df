"""What scores are computed from: the features of a source's and a target's training samples under one network."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Labels = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Samples:
    """Labelled features. features: (n, p) float64, finite; labels: (n,) int64 in 0..classes-1."""

    features: Array
    labels: Labels
    classes: int

    def __post_init__(self) -> None:
        """Raises ValueError, in one line, where the parts do not fit together."""
        n = len(self.labels)
        if self.features.ndim != 2 or len(self.features) != n:
            raise ValueError(f"features: shape {self.features.shape}; ({n}, features) fits the labels")
        if not np.isfinite(self.features).all():
            raise ValueError("features: some are not finite")
        if n and not 0 <= int(self.labels.min()) <= int(self.labels.max()) < self.classes:
            raise ValueError(f"labels: {self.labels.min()} to {self.labels.max()}; allowed: 0 to {self.classes - 1}")

    def prior(self) -> Array:
        """Shares of the classes: (classes,), summing to 1."""
        return np.bincount(self.labels, minlength=self.classes) / len(self.labels)

    def at_most(self, most: int, seed: int = 0) -> Samples:
        """At most `most` samples, drawn without replacement, each class keeping its share up to rounding."""
        if len(self.labels) <= most:
            return self
        rng = np.random.default_rng(seed)
        # Random order within a class; then the place of a sample as a share of its class orders all of them.
        place = np.empty(len(self.labels))
        for label in range(self.classes):
            rows = np.flatnonzero(self.labels == label)
            place[rows] = (rng.permutation(len(rows)) + rng.random()) / max(len(rows), 1)
        rows = np.sort(np.argsort(place, kind="stable")[:most])
        return Samples(self.features[rows], self.labels[rows], self.classes)

    def of_each_class(self, most: int, seed: int = 0) -> Samples:
        """At most `most` samples of each class, drawn without replacement."""
        rng = np.random.default_rng(seed)
        rows = [rng.permutation(np.flatnonzero(self.labels == label))[:most] for label in range(self.classes)]
        chosen = np.sort(np.concatenate(rows))
        return Samples(self.features[chosen], self.labels[chosen], self.classes)


@dataclass(frozen=True, eq=False)
class Pair:
    """A source and a target under the source's network. Training samples alone: no test sample may choose a source.

    `source` and `target_logits` are None where the network comes from a file of weights: its source's samples are not
    at hand. target_logits: (n, source classes), of the source's own head on the target's samples.
    """

    target: Samples
    source: Samples | None = None
    target_logits: Array | None = None

    def __post_init__(self) -> None:
        n = len(self.target.labels)
        if self.target_logits is not None and (self.target_logits.ndim != 2 or len(self.target_logits) != n):
            raise ValueError(f"target_logits: shape {self.target_logits.shape}; ({n}, source classes) fits the target")
        if self.source is not None and self.source.features.shape[1] != self.target.features.shape[1]:
            raise ValueError(
                f"features: {self.source.features.shape[1]} of the source, {self.target.features.shape[1]} of the "
                "target; one network gives both as many"
            )

    @property
    def target_probabilities(self) -> Array | None:
        """(n, source classes): the softmax of the source's head on the target's samples."""
        if self.target_logits is None:
            return None
        shifted = np.exp(self.target_logits - self.target_logits.max(axis=1, keepdims=True))
        return shifted / shifted.sum(axis=1, keepdims=True)
