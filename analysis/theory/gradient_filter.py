"""A linear readout trained by gradient descent, in closed form: its curve over epochs from one decomposition.

Full-batch descent on the mean over samples and outputs of the squared error acts on each singular direction of the
features Z = U S V' alone (Advani, Saxe & Sompolinsky 2020, arXiv:1710.03667):

    W_t = W_0 + V diag((1 - (1 - 2 eta s^2/(n C))^t)/s) U'(Y - Z W_0)

A direction of a small s that carries label noise is learnt late and undone never: with n near the rank of Z the test
error falls, rises and, where larger directions still settle, falls again. Momentum turns each power into a linear
recurrence of order two (Polyak 1964), which is carried out.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

CHUNK = 2**24
"""Predictions (epochs x samples x outputs) that are held at a time."""


class Readout(NamedTuple):
    """What is to be learnt: features (n, p) and targets (n, C) of the training set, the same of the test set.

    A bias is a column of ones. start: W_0 (p, C), None for zeros.
    """

    features: Array
    targets: Array
    test_features: Array
    test_targets: Array
    start: Array | None = None


class Descent(NamedTuple):
    """The recipe: eta per step, momentum as torch's SGD has it, optimizer steps per epoch."""

    rate: float
    momentum: float = 0.0
    steps_per_epoch: int = 1


class ReadoutCurve(NamedTuple):
    """Of each epoch asked for (E,): mean squared errors over samples and outputs, and shares of samples whose largest
    output is not that of the targets (NaN where there is one output)."""

    epochs: NDArray[np.int64]
    train_loss: Array
    test_loss: Array
    train_error: Array
    test_error: Array


def readout_curve(task: Readout, descent: Descent, epochs: NDArray[np.int64]) -> ReadoutCurve:
    """The curve after each of `epochs` (E,), ascending and counted from 1.

    Raises ValueError where the rate is above the limit of stability 2 (1 + momentum)/lambda_max, or all features are 0.

    Example: one feature 1 on one sample with target 1, rate 0.25: W is 0.5, 0.75, ... and the loss 0.25, 0.0625, ...
    """
    directions = _Directions(task)
    lag = directions.residual_factors(descent, epochs)
    sets = ((task.features, task.targets), (task.test_features, task.test_targets))
    (train_loss, train_error), (test_loss, test_error) = (directions.along(x, y, lag) for x, y in sets)
    return ReadoutCurve(epochs, train_loss, test_loss, train_error, test_error)


def readout_limit(task: Readout) -> tuple[float, float]:
    """(test loss, test error) that the curve tends to: the interpolator nearest to W_0, or least squares."""
    directions = _Directions(task)
    loss, error = directions.along(task.test_features, task.test_targets, np.zeros((1, len(directions.scale))))
    return float(loss[0]), float(error[0])


class _Directions:
    """The singular directions of the training features that can be learnt. Raises ValueError where there is none."""

    def __init__(self, task: Readout) -> None:
        width, outputs = task.features.shape[1], task.targets.shape[1]
        self.start = task.start if task.start is not None else np.zeros((width, outputs))
        u, s, self.axes = np.linalg.svd(task.features, full_matrices=False)
        kept = s > s[0] * max(task.features.shape) * np.finfo(np.float64).eps
        if not kept.any():
            raise ValueError("features: all are zero; one that is not is needed")
        self.axes, s, u = self.axes[kept], s[kept], u[:, kept]
        self.wanted = (u.T @ (task.targets - task.features @ self.start)) / s[:, None]
        """(r, C): the step from W_0 to the limit along each axis."""
        self.scale = s**2 * 2 / (len(task.features) * outputs)
        """(r,): eigenvalues of the Hessian of the mean squared error."""

    def residual_factors(self, descent: Descent, epochs: NDArray[np.int64]) -> Array:
        """(E, r): the share of each direction that is still to be learnt after so many epochs."""
        limit = 2 * (1 + descent.momentum) / float(self.scale.max())
        if descent.rate > limit:
            raise ValueError(f"learning rate {descent.rate:g}: the descent diverges; allowed: at most {limit:.3g}")
        steps = epochs * descent.steps_per_epoch
        if descent.momentum == 0:
            return (1 - descent.rate * self.scale) ** steps[:, None]
        found = np.empty((len(epochs), len(self.scale)))
        before = now = np.ones(len(self.scale))
        at, pull = 0, 1 + descent.momentum - descent.rate * self.scale
        for row, step in enumerate(steps):
            for _ in range(at, int(step)):
                before, now = now, pull * now - descent.momentum * before
            at, found[row] = int(step), now
        return found

    def along(self, features: Array, targets: Array, lag: Array) -> tuple[Array, Array]:
        """(losses, errors) (E,) of a set of samples, for the shares `lag` (E, r) that are still to be learnt."""
        base = features @ self.start
        seen = features @ self.axes.T
        losses, errors = np.empty(len(lag)), np.full(len(lag), np.nan)
        rows = max(1, CHUNK // max(1, targets.size))
        for begin in range(0, len(lag), rows):
            part = slice(begin, begin + rows)
            learnt = (1 - lag[part])[:, :, None] * self.wanted
            predicted = base + seen @ learnt
            losses[part] = ((predicted - targets) ** 2).mean((1, 2))
            if targets.shape[1] > 1:
                errors[part] = (predicted.argmax(2) != targets.argmax(1)).mean(1)
        return losses, errors
