"""How well a kernel's large directions are those of the labels."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


def kernel_target_alignment(features: Array, targets: Array) -> float:
    """Centred alignment of Z Z' and Y Y' (Cortes, Mohri & Rostamizadeh 2012, JMLR 13, equation 6), in [0, 1].

    features (n, p), targets (n, C). NaN where either is constant. Both kernels are centred; no n x n matrix is made.

    >>> round(kernel_target_alignment(np.array([[1.0], [-1.0]]), np.array([[2.0], [-2.0]])), 6)
    1.0
    """
    z, y = features - features.mean(0), targets - targets.mean(0)
    size = float(np.linalg.norm(_gram(z)) * np.linalg.norm(_gram(y)))
    return float(np.square(z.T @ y).sum()) / size if size > 0 else float("nan")


def _gram(rows: Array) -> Array:
    """The smaller of Z'Z and ZZ', whose Frobenius norms are equal."""
    return rows.T @ rows if rows.shape[1] <= rows.shape[0] else rows @ rows.T
