"""Particles: against the linear closed form, against the moments of a Gaussian, and what a second stage does."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.polynomial.hermite_e import hermeval

from analysis.theory.kernel_regression import score
from analysis.theory.linear_transfer import richness_gain
from analysis.theory.particles import (
    Stage,
    descended,
    drawn_particles,
    features,
    input_factor,
    outputs,
)
from analysis.theory.second_stage import Samples, fine_tuned, jointly_rich, trained_source

D = 10


def task(rng: np.random.Generator, degree: int, samples: int, tested: int = 400) -> Samples:
    """He_1 or He_2 of the first of D inputs, of variance 1."""
    train, test = (rng.standard_normal((n, D)) for n in (samples, tested))
    scale = [1.0, 1.0, np.sqrt(2.0)][degree]
    labels = [hermeval(x[:, 0], np.eye(degree + 1)[degree]) / scale for x in (train, test)]
    return Samples(input_factor(train), labels[0][:, None], input_factor(test), labels[1][:, None])


def test_a_network_starts_at_zero_with_the_kernel_of_its_inputs() -> None:
    rng = np.random.default_rng(0)
    factor = input_factor(rng.standard_normal((30, D)))
    particles = drawn_particles(10_000, D, rng)
    np.testing.assert_allclose(outputs(particles, factor, 0.1), 0.0, atol=1e-12)
    z = features(particles, factor, "linear")
    np.testing.assert_allclose(z @ z.T, factor @ factor.T, atol=0.05)
    z = features(particles, factor, "relu")
    norms = np.linalg.norm(factor, axis=1)
    # <relu(h)^2> = |x|^2/2, of which one unit has the relative spread sqrt(5)
    np.testing.assert_allclose(np.diag(z @ z.T), norms**2 / 2, rtol=3.5 * np.sqrt(5 / 10_000))


def test_the_factor_is_one_of_the_kernel_of_inputs() -> None:
    rng = np.random.default_rng(1)
    for samples in (5, 50):
        x = rng.standard_normal((samples, D))
        factor = input_factor(x)
        assert factor.shape == (samples, min(samples, D))
        np.testing.assert_allclose(factor @ factor.T, x @ x.T / D, atol=1e-12)


@pytest.mark.parametrize("gamma", [0.3, 1.0])
def test_linear_particles_meet_the_closed_form(gamma: float) -> None:
    """On a source that determines the teacher the kernel grows by chi along it. Inputs are over sqrt(5), so that a
    teacher of unit length is a predictor of norm sqrt(5)."""
    rng = np.random.default_rng(2)
    inputs = rng.standard_normal((30, 5))
    factor, labels = input_factor(inputs), inputs[:, :1]
    particles = drawn_particles(8000, 5, rng)
    found = descended(particles, factor, labels, Stage(gamma, 40.0), "linear")
    np.testing.assert_allclose(outputs(found, factor, gamma, "linear"), labels, atol=0.02)
    # Along the teacher w -> cosh(t/2) w + sinh(t/2) z, with cosh t = 1 + chi. Of the moments M, q that
    # were drawn <wz> = sinh(t) (M + q)/2 is what the predictor fixes; the <wz> that was drawn adds sinh(t) to M.
    z = particles.readouts[:, 0]
    drawn, q = (particles.weights[:, 0] ** 2).mean(), (z**2).mean()
    chi = richness_gain(gamma, np.sqrt(5) / ((drawn + q) / 2))
    sinh = gamma * np.sqrt(5) / ((drawn + q) / 2)
    expected = (1 + chi / 2) * drawn + chi / 2 * q + sinh * (particles.weights[:, 0] * z).mean()
    assert (found.weights[:, 0] ** 2).mean() - 1 == pytest.approx(expected - 1, rel=0.02)
    np.testing.assert_allclose((found.weights[:, 1:] ** 2).mean(0), (particles.weights[:, 1:] ** 2).mean(0), rtol=0.01)


def test_a_lazy_network_leaves_its_features() -> None:
    rng = np.random.default_rng(3)
    source, target = task(rng, 1, 40), task(rng, 2, 30)
    start = drawn_particles(400, D, np.random.default_rng(7))
    learnt = trained_source(source, Stage(0.01, 60.0), 400, np.random.default_rng(7))
    assert np.linalg.norm(learnt.weights - start.weights) < 0.02 * np.linalg.norm(start.weights)
    np.testing.assert_allclose(outputs(learnt, source.train, 0.01), source.labels, atol=0.3)
    assert fine_tuned(learnt, target).error == pytest.approx(fine_tuned(start, target).error, rel=0.05)


def test_given_steps_and_the_flow_come_to_the_same() -> None:
    rng = np.random.default_rng(8)
    source = task(rng, 1, 60)
    start = drawn_particles(400, D, rng)
    steps, flow = (descended(start, source.train, source.labels, Stage(1.0, 20.0, step)) for step in (0.01, None))
    found = [outputs(each, source.test, 1.0) for each in (steps, flow)]
    np.testing.assert_allclose(found[0], found[1], atol=0.02)


def test_a_strong_pull_keeps_the_weights() -> None:
    rng = np.random.default_rng(4)
    source = task(rng, 1, 60)
    start = drawn_particles(400, D, rng)
    free, held = (descended(start, source.train, source.labels, Stage(2.0, 100.0, 0.1, pull)) for pull in (0.0, 5.0))
    moved = [np.linalg.norm(found.weights - start.weights) for found in (free, held)]
    assert moved[1] < 0.1 * moved[0]


def test_a_step_that_is_too_long_is_told() -> None:
    rng = np.random.default_rng(5)
    source = task(rng, 1, 30)
    with (
        pytest.raises(ValueError, match=r"^step 1000\.0: the descent diverges; allowed: smaller$"),
        np.errstate(all="ignore"),
    ):
        descended(drawn_particles(100, D, rng), source.train, source.labels, Stage(1.0, 2e5, 1000.0))


def test_a_jointly_rich_stage_trades_the_target_against_the_source() -> None:
    """Richer: the target's error falls and the source's rises, so that their sum is least in between."""
    rng = np.random.default_rng(6)
    source, target = task(rng, 1, 80), task(rng, 2, 80)
    learnt = trained_source(source, Stage(1.0, 60.0), 400, rng)
    grid = [0.03, 0.3, 1.0, 3.0, 10.0]
    found = [jointly_rich(learnt, source, target, 1.0, Stage(gamma, 40.0), rng) for gamma in grid]
    assert found[0].forgetting == pytest.approx(0.0, abs=0.02)
    assert found[-1].forgetting > 0.1
    assert min(joint.target.error for joint in found[1:]) < found[0].target.error
    assert all(joint.source_refitted.error < joint.source_after.error + 0.05 for joint in found[2:])
    best = int(np.argmin([joint.total for joint in found]))
    assert 0 < best < len(grid) - 1


def test_several_outputs_are_several_networks_where_features_do_not_move() -> None:
    """Lazy: each output is learnt as if it were alone; and errors are shares of wrong largest outputs."""
    rng = np.random.default_rng(9)
    source = task(rng, 1, 40)
    both = np.hstack([source.labels, -source.labels])
    start = drawn_particles(4000, D, rng, 2)
    found = descended(start, source.train, both, Stage(1e-3, 5.0, 0.05))
    for column in range(2):
        alone = start._replace(readouts=start.readouts[:, [column]], first_readouts=start.first_readouts[:, [column]])
        one = descended(alone, source.train, both[:, [column]], Stage(1e-3, 5.0, 0.05))
        expected = outputs(one, source.test, 1e-3)
        np.testing.assert_allclose(outputs(found, source.test, 1e-3)[:, [column]], expected, atol=2e-2)
    truth = np.eye(2)[[0, 1, 1]]
    assert score(np.array([[2.0, 1.0], [2.0, 1.0], [0.0, 1.0]]), truth) == (1 / 3, 1.0)
