"""A linear softmax head in closed NumPy: its loss, its exact Lipschitz constant, two ways to fit it."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from scipy.optimize import minimize

from analysis.transferability.pair import Array, Labels, Samples

STEPS = 300
"""Gradient steps of a head whose Lipschitz constant is limited."""


class Head(NamedTuple):
    """weights: (classes, p); bias: (classes,)."""

    weights: Array
    bias: Array

    def log_probabilities(self, features: Array) -> Array:
        """(n, classes) of features (n, p)."""
        return log_softmax(self.weights @ features.T + self.bias[:, None]).T

    def loss(self, features: Array, labels: Labels, weights: Array | None = None) -> float:
        """Mean cross-entropy in nats; with `weights` (n,) their weighted mean."""
        losses = -self.log_probabilities(features)[np.arange(len(labels)), labels]
        return float(np.average(losses, weights=weights))


def lipschitz(weights: Array) -> float:
    """The exact Lipschitz constant, over all labels, of the cross-entropy of a softmax head in its features.

    weights: (classes, p). The gradient of -log softmax(Wz + c)_y in z is sum_k p_k (w_k - w_y), with p the softmax.
    Its norm is at most max over j and k of |w_j - w_k|, and comes near to it where p is sure of one class, y another.

    >>> lipschitz(np.array([[0.0, 0.0], [3.0, 4.0]]))
    5.0
    """
    squares = (weights**2).sum(axis=1)
    apart = squares[:, None] + squares[None, :] - 2.0 * weights @ weights.T
    return float(np.sqrt(max(float(apart.max()), 0.0)))


def log_softmax(scores: Array) -> Array:
    """Over the rows of scores (classes, n): few long rows are added up several times as fast as many short ones, and
    the steps of a fit do it hundreds of times."""
    shifted = scores - scores.max(axis=0)
    return shifted - np.log(np.exp(shifted).sum(axis=0))


def fit(samples: Samples, ridge: float = 1e-3, start: Head | None = None) -> Head:
    """The head that minimises mean cross-entropy plus ridge / 2 |W|^2, by L-BFGS. The bias is not penalised.

    start: where the search begins, by default at 0. The problem is convex: it tells how long the search takes alone.
    """
    z, y, k = samples.features, samples.labels, samples.classes
    n, p = z.shape
    columns = np.arange(n)

    def objective(flat: Array) -> tuple[float, Array]:
        head = _unpacked(flat, k, p)
        logs = log_softmax(head.weights @ z.T + head.bias[:, None])
        slopes = np.exp(logs)
        slopes[y, columns] -= 1.0
        slopes /= n
        value = -logs[y, columns].mean() + 0.5 * ridge * float((head.weights**2).sum())
        return float(value), np.concatenate([(slopes @ z + ridge * head.weights).ravel(), slopes.sum(axis=1)])

    begin = np.zeros(k * (p + 1)) if start is None else np.concatenate([start.weights.ravel(), start.bias])
    found = minimize(objective, begin, jac=True, method="L-BFGS-B", options={"maxiter": 500})
    return _unpacked(found.x, k, p)


def fit_within(samples: Samples, weights: Array, most_lipschitz: float) -> Head:
    """A head of Lipschitz constant `most_lipschitz` at most, trained on weighted cross-entropy.

    weights: (n,), of the samples. Accelerated gradient steps (Nesterov 1983); after each the weights are scaled back
    where their constant is too large. Rescaling is no projection, so that the head need not be the best of its
    constant; any head within it gives a valid bound.
    """
    z, y, k = samples.features, samples.labels, samples.classes
    share = weights / weights.sum()
    wanted = np.zeros((k, len(y)))
    wanted[y, np.arange(len(y))] = 1.0
    joined = np.hstack([z, np.ones((len(y), 1))])
    # The largest curvature of the loss: half the largest eigenvalue of the weighted second moment.
    step = 2.0 / float(np.linalg.eigvalsh((joined * share[:, None]).T @ joined)[-1])
    now = ahead = np.zeros((k, joined.shape[1]))
    for number in range(STEPS):
        slopes = (np.exp(log_softmax(ahead @ joined.T)) - wanted) * share
        moved = ahead - step * slopes @ joined
        constant = lipschitz(moved[:, :-1])
        if constant > most_lipschitz:
            moved[:, :-1] *= most_lipschitz / constant
        now, ahead = moved, moved + number / (number + 3.0) * (moved - now)
    return Head(now[:, :-1], now[:, -1])


def held_out_loss(samples: Samples, folds: int = 5, ridges: tuple[float, ...] = (1e-3, 1e-2, 1e-1, 1.0)) -> float:
    """Mean cross-entropy of a head on samples that it was not trained on, by cross-validation; the best of `ridges`.

    It estimates from above what the best head reaches on new samples of the task.
    """
    folds = min(folds, len(samples.labels))
    fold = np.empty(len(samples.labels), dtype=np.int64)
    order = np.argsort(samples.labels, kind="stable")  # each fold has its share of each class
    fold[order] = np.arange(len(order)) % folds
    # From the largest penalty on, each search from the head before: neighbours lie near each other.
    falling = sorted(ridges, reverse=True)
    losses = np.zeros(len(falling))
    for part in range(folds):
        kept, out = fold != part, fold == part
        train = Samples(samples.features[kept], samples.labels[kept], samples.classes)
        head = None
        for place, ridge in enumerate(falling):
            head = fit(train, ridge, head)
            losses[place] += head.loss(samples.features[out], samples.labels[out]) * int(out.sum())
    return float(losses.min() / len(fold))


def _unpacked(flat: Array, classes: int, features: int) -> Head:
    return Head(flat[: classes * features].reshape(classes, features), flat[classes * features :])
