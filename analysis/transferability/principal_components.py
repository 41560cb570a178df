"""Principal components of features, in units of their own."""

from __future__ import annotations

import numpy as np

from analysis.transferability.pair import Array


def leading_components(features: Array, most: int) -> Array:
    """The features (n, p), centred, on their `most` principal components of largest variance: (n, min(most, p))."""
    centred = features - features.mean(axis=0)
    return centred @ _basis(centred)[1][:, :most]


def whole_components(features: Array, variance: float) -> Array:
    """On as few as hold the share `variance` of the variance, at least one; in units of the largest deviation."""
    centred = features - features.mean(axis=0)
    sizes, basis = _basis(centred)
    shares = np.cumsum(sizes) / max(float(sizes.sum()), 1e-300)
    number = min(int(np.searchsorted(shares, variance)) + 1, len(sizes))
    return centred @ basis[:, :number] / np.sqrt(max(float(sizes[0]), 1e-300))


def _basis(centred: Array) -> tuple[Array, Array]:
    """Variances (p,), largest first, and directions (p, p)."""
    sizes, basis = np.linalg.eigh(centred.T @ centred / len(centred))
    return np.maximum(sizes[::-1], 0.0), basis[:, ::-1]
