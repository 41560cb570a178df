"""What an infinitely wide network that has learnt its source does on the target (Lauditi, Bordelon & Pehlevan 2025).

Two ways: the readout alone is trained on the adapted features (fine-tuning: kernel regression), or everything goes on
in the rich regime from the source's features (jointly rich), which forgets the source.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from analysis.theory.kernel_regression import RIDGE, Score, readout_score, score
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

    train (P, r), labels (P, C), test (Q, r), truth (Q, C).
    """

    train: Array
    labels: Array
    test: Array
    truth: Array


class Joint(NamedTuple):
    """Scores on test sets after the second stage."""

    target: Score
    source_before: Score
    """Of the source, after its own stage."""
    source_after: Score
    """Of the source's readout on the hidden units as the target has left them."""
    source_refitted: Score
    """Of a new readout on them, trained on the source's samples (kernel regression)."""

    @property
    def forgetting(self) -> float:
        """How much larger the error of the source's readout has become."""
        return self.source_after.error - self.source_before.error

    @property
    def total(self) -> float:
        """The errors of both tasks: least where the target's gain and the source's loss balance."""
        return self.target.error + self.source_after.error


def trained_source(
    source: Samples, stage: Stage, number: int, rng: np.random.Generator, activation: Activation = "relu"
) -> Particles:
    """`number` particles, drawn and trained on the source."""
    drawn = drawn_particles(number, source.train.shape[1], rng, source.labels.shape[1])
    return descended(drawn, source.train, source.labels, stage, activation)


def fine_tuned(particles: Particles, task: Samples, activation: Activation = "relu", ridge: float = RIDGE) -> Score:
    """Of a readout trained to its end on the particles' features."""
    train, test = (features(particles, rows, activation) for rows in (task.train, task.test))
    return readout_score(train, task.labels, test, task.truth, ridge)


def trained(particles: Particles, task: Samples, stage: Stage, activation: Activation = "relu") -> Score:
    """Of particles that are trained on a task as they are."""
    after = descended(particles, task.train, task.labels, stage, activation)
    return score(outputs(after, task.test, stage.gamma, activation), task.truth)


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
    before = score(outputs(learnt, source.test, source_gamma, activation), source.truth)
    start = learnt.with_fresh_readouts(rng, target.labels.shape[1])
    after = descended(start, target.train, target.labels, stage, activation)
    kept = learnt._replace(weights=after.weights)
    return Joint(
        score(outputs(after, target.test, stage.gamma, activation), target.truth),
        before,
        score(outputs(kept, source.test, source_gamma, activation), source.truth),
        fine_tuned(after, source, activation),
    )
