"""A path of relatedness with a known end on either side: from the source's own task to one its features cannot see.

Inputs are Gaussian around class means. The target's means are the source's, turned by an angle out of the directions
that the source's task has: at 0 the tasks are the same, at 90 degrees they share no direction. The features are those
of a network with one hidden layer of ReLUs that is trained on the source from a small initialisation, so that its
neurons turn towards the source's directions.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from scipy.special import log_softmax

from analysis.transferability.pair import Array, Labels, Pair, Samples
from analysis.transferability.softmax_head import fit

CLASSES, INPUTS, NEURONS = 4, 20, 8
RADIUS = 3.0
"""Of the class means, in standard deviations of the noise."""
ANGLES = tuple(float(angle) for angle in np.linspace(0.0, 90.0, 11))


class Network(NamedTuple):
    """weights: (neurons, inputs); bias: (neurons,)."""

    weights: Array
    bias: Array

    def features(self, inputs: Array) -> Array:
        return np.maximum(inputs @ self.weights.T + self.bias, 0.0)


class Path(NamedTuple):
    """One seed: the source's directions (classes, inputs), others orthogonal to them, and a network of the source."""

    seed: int
    shared: Array
    foreign: Array
    network: Network
    source: Samples

    def pair(self, degrees: float, size: int = 600) -> Pair:
        """The source and the target at an angle, `size` samples of the target, its labels in another order."""
        return Pair(self.samples(degrees, size, 1), self.source)

    def samples(self, degrees: float, size: int, stream: int) -> Samples:
        """Features of target samples. Streams with other numbers are other samples of the same task."""
        angle = np.deg2rad(degrees)
        means = RADIUS * (np.cos(angle) * self.shared + np.sin(angle) * self.foreign)
        rng = np.random.default_rng((self.seed, stream))
        inputs, labels = _drawn(means, size, rng)
        order = np.random.default_rng((self.seed, 99)).permutation(CLASSES)
        return Samples(self.network.features(inputs), order[labels], CLASSES)

    def probe_accuracy(self, degrees: float) -> float:
        """Of a head that nothing limits, trained on 600 target samples, on 2,000 others."""
        head, test = fit(self.samples(degrees, 600, 1), ridge=1e-4), self.samples(degrees, 2000, 2)
        return float((head.log_probabilities(test.features).argmax(axis=1) == test.labels).mean())


def path(seed: int, size: int = 600) -> Path:
    """The path of one seed, its network trained on `size` source samples."""
    rng = np.random.default_rng((seed, 0))
    basis = np.linalg.qr(rng.normal(size=(INPUTS, 2 * CLASSES)))[0].T
    shared, foreign = basis[:CLASSES], basis[CLASSES:]
    inputs, labels = _drawn(RADIUS * shared, size, rng)
    network = trained(inputs, labels, rng)
    return Path(seed, shared, foreign, network, Samples(network.features(inputs), labels, CLASSES))


def trained(inputs: Array, labels: Labels, rng: np.random.Generator, steps: int = 400, rate: float = 0.5) -> Network:
    """Full-batch gradient descent on cross-entropy, both layers, from weights of size 1e-2."""
    n = len(labels)
    weights, bias = 1e-2 * rng.normal(size=(NEURONS, INPUTS)), np.zeros(NEURONS)
    head = 1e-2 * rng.normal(size=(CLASSES, NEURONS))
    wanted = np.eye(CLASSES)[labels]
    for _ in range(steps):
        before = inputs @ weights.T + bias
        hidden = np.maximum(before, 0.0)
        slopes = (np.exp(log_softmax(hidden @ head.T, axis=1)) - wanted) / n
        back = slopes @ head * (before > 0.0)
        head = head - rate * slopes.T @ hidden
        weights, bias = weights - rate * back.T @ inputs, bias - rate * back.sum(axis=0)
    return Network(weights, bias)


def _drawn(means: Array, size: int, rng: np.random.Generator) -> tuple[Array, Labels]:
    labels = np.arange(size) % CLASSES
    return means[labels] + rng.normal(size=(size, INPUTS)), labels
