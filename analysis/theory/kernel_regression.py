"""Kernel regression: what a readout trained to its end on fixed features predicts."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

RIDGE = 1e-8
"""Over the mean of the kernel's diagonal. It keeps a kernel of finitely many units invertible."""


def kernel_predictions(kernel: Array, cross: Array, labels: Array, ridge: float = RIDGE) -> Array:
    """k (K + ridge t I)^-1 y, t the mean of K's diagonal.

    kernel (P, P) of the training set, symmetric; cross (Q, P), test against training samples; labels (P,) or (P, C).
    Returns (Q,) or (Q, C).
    """
    samples = len(kernel)
    lifted = kernel + ridge * np.trace(kernel) / samples * np.eye(samples)
    return cross @ np.linalg.solve(lifted, labels)


def squared_error(predictions: Array, truth: Array) -> float:
    """Mean squared error as a share of the truth's mean square: 1 is that of predicting 0."""
    return float(np.mean((predictions - truth) ** 2) / np.mean(truth**2))


def readout_error(train: Array, labels: Array, test: Array, truth: Array, ridge: float = RIDGE) -> float:
    """`squared_error` of kernel regression on features train (P, S) and test (Q, S)."""
    return squared_error(kernel_predictions(train @ train.T, test @ train.T, labels, ridge), truth)
