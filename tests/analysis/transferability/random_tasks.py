"""Small tasks of Gaussian classes for the tests of scores."""

from __future__ import annotations

import numpy as np

from analysis.transferability import Pair, Samples


def gaussian(classes: int, per_class: int, dimensions: int, apart: float, seed: int) -> Samples:
    """Classes around random means at a distance of about `apart` from the origin, unit noise; labels take turns."""
    rng = np.random.default_rng(seed)
    means = rng.normal(size=(classes, dimensions))
    means *= apart / np.linalg.norm(means, axis=1, keepdims=True)
    labels = np.arange(classes * per_class) % classes
    return Samples(means[labels] + rng.normal(size=(len(labels), dimensions)), labels, classes)


def pair(source_classes: int, target_classes: int, seed: int, dimensions: int = 6) -> Pair:
    source = gaussian(source_classes, 20, dimensions, 3.0, seed)
    return Pair(gaussian(target_classes, 18, dimensions, 2.0, seed + 1000), source)
