"""Kernel regression: what a readout trained to its end on fixed features predicts."""

from __future__ import annotations

from typing import NamedTuple

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


class Score(NamedTuple):
    """On a test set: `loss`, the mean squared error over samples and outputs, and `error`: of several outputs the share
    of samples whose largest is not that of the truth, of one the share of the truth's variance that is left unexplained
    (1: no better than predicting its mean)."""

    error: float
    loss: float


def score(predictions: Array, truth: Array) -> Score:
    """Of predictions (Q, C) for the true targets (Q, C)."""
    loss = float(np.mean((predictions - truth) ** 2))
    if truth.shape[1] > 1:
        return Score(float(np.mean(predictions.argmax(1) != truth.argmax(1))), loss)
    return Score(loss / float(np.var(truth)), loss)


def readout_score(train: Array, labels: Array, test: Array, truth: Array, ridge: float = RIDGE) -> Score:
    """Of kernel regression on features train (P, S) and test (Q, S)."""
    return score(kernel_predictions(train @ train.T, test @ train.T, labels, ridge), truth)
