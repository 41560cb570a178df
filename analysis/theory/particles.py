"""Infinitely wide two-layer networks that learn features, as particles (Lauditi, Bordelon & Pehlevan 2025).

A network f(x) = <z phi(w.x/sqrt(D))> / gamma, averages over infinitely many hidden units, is a distribution of (w, z)
that moves by gradient descent on the mean squared error (arXiv:2507.04448; the mean-field limit). Here S draws of
(w, z) stand for it. Every w comes twice, with z and with -z, as the initial distribution is symmetric in z: f starts
at 0 exactly, as it does at infinite width, at every x.

The force on a unit is gamma times that on the network's function, so that gamma -> 0 leaves the features as they are
(the lazy limit, kernel regression) and a large gamma is rich.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Activation = Literal["relu", "linear"]


class Particles(NamedTuple):
    """Hidden weights (S, r) and readouts (S,)."""

    weights: Array
    readouts: Array

    def with_fresh_readouts(self, rng: np.random.Generator) -> Particles:
        """Twice as many: each w with a new z ~ N(0, 1) and with -z. The start of a second stage."""
        fresh = rng.standard_normal(len(self.weights))
        return Particles(np.concatenate([self.weights] * 2), np.concatenate([fresh, -fresh]))


class Step(NamedTuple):
    """Gradient descent on the mean over samples of (f - y)^2 / 2: `size` in units of the flow's time, and how many."""

    size: float
    number: int


_FUNCTIONS: dict[Activation, tuple[Callable[[Array], Array], Callable[[Array], Array]]] = {
    "relu": (lambda h: np.maximum(h, 0.0), lambda h: (h > 0).astype(np.float64)),
    "linear": (lambda h: h, np.ones_like),
}
"""phi and its derivative."""


def drawn_particles(number: int, dims: int, rng: np.random.Generator) -> Particles:
    """`number` particles, an even one: w ~ N(0, I), z ~ N(0, 1), in pairs (w, z), (w, -z)."""
    if number < 2 or number % 2:
        raise ValueError(f"number = {number}: allowed: even, from 2 on")
    half = Particles(rng.standard_normal((number // 2, dims)), np.empty(0))
    return half.with_fresh_readouts(rng)


def input_factor(inputs: Array) -> Array:
    """F (P, r) with F F' = K_x = X X'/D for inputs (P, D), r at most min(P, D): hidden fields are h = F w.

    More dimensions than samples carry nothing: with D > P the columns are the principal axes of the P samples.
    """
    scaled = inputs / np.sqrt(inputs.shape[1])
    if inputs.shape[1] <= inputs.shape[0]:
        return scaled
    u, s, _ = np.linalg.svd(scaled, full_matrices=False)
    return u * s


def features(particles: Particles, factor: Array, activation: Activation = "relu") -> Array:
    """phi(h)/sqrt(S), (P, S): the kernel <phi phi'> is this times its transpose."""
    return _FUNCTIONS[activation][0](factor @ particles.weights.T) / np.sqrt(len(particles.weights))


def outputs(particles: Particles, factor: Array, gamma: float, activation: Activation = "relu") -> Array:
    """f (P,)."""
    scale = gamma * np.sqrt(len(particles.weights))
    return features(particles, factor, activation) @ particles.readouts / scale


def descended(
    particles: Particles,
    factor: Array,
    labels: Array,
    gamma: float,
    steps: Step,
    activation: Activation = "relu",
    pull: float = 0.0,
) -> Particles:
    """Particles after full-batch gradient descent on labels (P,) at factor (P, r).

    h' = gamma sum (y - f) z phi'(h) K_x / P, z' = gamma sum (y - f) phi(h) / P. pull: the elastic coupling
    -pull (w - w0) to the weights that this stage starts from, which is L2-SP's. Raises ValueError where the
    steps are too long.
    """
    phi, slope = _FUNCTIONS[activation]
    weights, readouts = particles.weights.copy(), particles.readouts.copy()
    start, number, samples = particles.weights, len(particles.weights), len(labels)
    for _ in range(steps.number):
        fields = weights @ factor.T
        active = phi(fields)
        error = (labels - readouts @ active / (gamma * number)) * (steps.size * gamma / samples)
        if pull:
            weights += (steps.size * pull) * (start - weights)
        weights += readouts[:, None] * ((slope(fields) * error) @ factor)
        readouts = readouts + active @ error
    if not (np.isfinite(readouts).all() and np.isfinite(weights).all()):
        raise ValueError(f"step size {steps.size:g}: the descent diverges; allowed: smaller")
    return Particles(weights, readouts)


def stable_step(particles: Particles, factor: Array, gamma: float, activation: Activation = "relu") -> float:
    """A step size well below the limit of stability: half of P / lambda_max of the tangent kernel at the start, over
    sqrt(1 + gamma^2) for its growth (exactly so in linear networks with a unit predictor)."""
    phi, slope = _FUNCTIONS[activation]
    fields = factor @ particles.weights.T
    active, slopes = phi(fields), slope(fields) * particles.readouts
    kernel = (active @ active.T + (slopes @ slopes.T) * (factor @ factor.T)) / len(particles.weights)
    return 0.5 * len(factor) / (float(np.linalg.norm(kernel, 2)) * np.hypot(1.0, gamma))
