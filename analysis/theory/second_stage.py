"""What an infinitely wide network that has learnt its source does on the target (Lauditi, Bordelon & Pehlevan 2025).

Two ways: the readout alone is trained on the adapted features (fine-tuning: kernel regression), or everything goes on
in the rich regime from the source's features (jointly rich), which forgets the source.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from analysis.theory.kernel_regression import RIDGE, readout_error, squared_error
from analysis.theory.particles import (
    Activation,
    Particles,
    Stage,
    descended,
    drawn_particles,
    features,
    outputs,
)

Array = NDArray[np.float64]


class Samples(NamedTuple):
    """One task: rows of the factor F that it trains and is tested on, its labels as given, the test set's true ones.

    train (P, r), labels (P,), test (Q, r), truth (Q,).
    """

    train: Array
    labels: Array
    test: Array
    truth: Array


class Joint(NamedTuple):
    """After the second stage: mean squared test errors over the labels' mean square (0 is perfect)."""

    target: float
    """Of the target."""
    source_before: float
    """Of the source, after its own stage."""
    source_after: float
    """Of the source's readout on the hidden units as the target has left them."""
    source_refitted: float
    """Of a new readout on them, trained on the source's samples (kernel regression)."""

    @property
    def forgetting(self) -> float:
        """How much worse the source's readout has become."""
        return self.source_after - self.source_before

    @property
    def total(self) -> float:
        """Of both tasks: least where the target's gain and the source's loss balance."""
        return self.target + self.source_after


def trained_source(
    source: Samples,
    stage: Stage,
    number: int,
    rng: np.random.Generator,
    activation: Activation = "relu",
) -> Particles:
    """`number` particles, drawn and trained on the source."""
    return _trained(drawn_particles(number, source.train.shape[1], rng), source, stage, activation)


def fine_tuned_error(
    particles: Particles, target: Samples, activation: Activation = "relu", ridge: float = RIDGE
) -> float:
    """Relative test error on the target of a readout trained to its end on the particles' features."""
    train, test = (features(particles, rows, activation) for rows in (target.train, target.test))
    return readout_error(train, target.labels, test, target.truth, ridge)


def trained_error(particles: Particles, task: Samples, stage: Stage, activation: Activation = "relu") -> float:
    """Relative test error of particles that are trained on a task as they are."""
    after = _trained(particles, task, stage, activation)
    return squared_error(outputs(after, task.test, stage.gamma, activation), task.truth)


def jointly_rich(
    learnt: Particles,
    source: Samples,
    target: Samples,
    source_gamma: float,
    stage: Stage,
    rng: np.random.Generator,
    activation: Activation = "relu",
) -> Joint:
    """Train the source's particles on the target too, with fresh readouts, and look back at the source."""
    before = squared_error(outputs(learnt, source.test, source_gamma, activation), source.truth)
    after = _trained(learnt.with_fresh_readouts(rng), target, stage, activation)
    kept = learnt._replace(weights=after.weights)
    return Joint(
        squared_error(outputs(after, target.test, stage.gamma, activation), target.truth),
        before,
        squared_error(outputs(kept, source.test, source_gamma, activation), source.truth),
        fine_tuned_error(after, source, activation),
    )


def _trained(particles: Particles, task: Samples, stage: Stage, activation: Activation) -> Particles:
    return descended(particles, task.train, task.labels, stage, activation)
