"""Infinitely wide two-layer networks that learn features, as particles (Lauditi, Bordelon & Pehlevan 2025).

A network f(x) = <z phi(w.x/sqrt(D))> / gamma, averages over infinitely many hidden units, is a distribution of (w, z)
that moves by gradient descent on the mean squared error (arXiv:2507.04448; the mean-field limit). Here S draws of
(w, z) stand for it. At infinite width f starts at 0; of finitely many draws what they give at the start is taken off.

The force on a unit is gamma times that on the network's function, so that gamma -> 0 leaves the features as they are
(the lazy limit, kernel regression) and a large gamma is rich.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

CAUTION = 0.3
"""Steps that follow the flow, over its fastest time (an upper bound of it); 2 is the limit of stability."""
LOOKS = 5
"""Steps after which that time is looked at again: a rich kernel grows."""
Activation = Literal["relu", "linear"]


class Particles(NamedTuple):
    """Hidden weights (S, r) and readouts (S, C) of C outputs, as they are and as they started."""

    weights: Array
    readouts: Array
    first_weights: Array
    first_readouts: Array

    def with_fresh_readouts(self, rng: np.random.Generator, outputs: int = 1) -> Particles:
        """The same weights with z ~ N(0, 1) drawn anew: the start of a second stage."""
        fresh = rng.standard_normal((len(self.weights), outputs))
        return Particles(self.weights, fresh, self.weights, fresh)


class Stage(NamedTuple):
    """How particles are trained: gradient descent on the mean over samples of (f - y)^2 / 2, for so long.

    time: of the flow. step: of the descent, in that time; None follows the flow, in steps well below the limit of
    stability. pull: the elastic coupling -pull (w - w0) to the weights that the stage starts from, which is L2-SP's.
    """

    gamma: float
    time: float
    step: float | None = None
    pull: float = 0.0


_FUNCTIONS: dict[Activation, tuple[Callable[[Array], Array], Callable[[Array], Array]]] = {
    "relu": (lambda h: np.maximum(h, 0.0), lambda h: (h > 0).astype(np.float64)),
    "linear": (lambda h: h, np.ones_like),
}
"""phi and its derivative."""


def drawn_particles(number: int, dims: int, rng: np.random.Generator, outputs: int = 1) -> Particles:
    """`number` particles, w ~ N(0, I), z ~ N(0, 1)."""
    weights, readouts = rng.standard_normal((number, dims)), rng.standard_normal((number, outputs))
    return Particles(weights, readouts, weights, readouts)


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
    """f (P, C), less what it was at the start."""
    phi, _ = _FUNCTIONS[activation]
    weights, readouts, first_weights, first_readouts = particles
    now, first = phi(factor @ weights.T) @ readouts, phi(factor @ first_weights.T) @ first_readouts
    return (now - first) / (gamma * len(readouts))


def descended(
    particles: Particles, factor: Array, labels: Array, stage: Stage, activation: Activation = "relu"
) -> Particles:
    """Particles after training on labels (P, C) at factor (P, r).

    h' = gamma sum (y - f) z phi'(h) K_x / P, z' = gamma sum (y - f) phi(h) / P. Raises ValueError where given steps are
    too long.
    """
    phi, slope = _FUNCTIONS[activation]
    weights, readouts, start = particles.weights.copy(), particles.readouts, particles.weights
    number, samples, gamma = len(start), len(labels), stage.gamma
    aimed = labels + phi(factor @ particles.first_weights.T) @ particles.first_readouts / (gamma * number)
    number_of_steps = None if stage.step is None else max(1, round(stage.time / stage.step))
    left, count, size = stage.time, 0, stage.step or 0.0
    while count < number_of_steps if number_of_steps is not None else left > 0:
        fields = weights @ factor.T
        active, slopes = phi(fields), slope(fields)
        if number_of_steps is None and count % LOOKS == 0:
            size = CAUTION / _fastest(active, slopes, readouts, factor)
        taken = size if number_of_steps is not None else min(size, left)
        error = (aimed - active.T @ readouts / (gamma * number)) * (taken * gamma / samples)
        if stage.pull:
            weights += (taken * stage.pull) * (start - weights)
        weights += (slopes * (readouts @ error.T)) @ factor
        readouts = readouts + active @ error
        left, count = left - taken, count + 1
    if not (np.isfinite(readouts).all() and np.isfinite(weights).all()):
        raise ValueError(f"step {stage.step}: the descent diverges; allowed: smaller")
    return Particles(weights, readouts, particles.first_weights, particles.first_readouts)


def _fastest(active: Array, slopes: Array, readouts: Array, factor: Array) -> float:
    """An upper bound of the fastest rate of the flow: of the tangent kernel over P, by its largest row sum.

    active: phi(h), slopes: phi'(h), (S, P). Several outputs share their hidden units: their kernels are added up.
    """
    pushed = slopes * np.linalg.norm(readouts, axis=1)[:, None]
    kernel = (active.T @ active + (pushed.T @ pushed) * (factor @ factor.T)) / len(active)
    return float(np.abs(kernel).sum(1).max()) / len(factor)
