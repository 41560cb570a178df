"""The closed form of linear transfer: against the moment equations, and against kernel regression on drawn data."""

from __future__ import annotations

import math

import numpy as np
import pytest

from analysis.theory.kernel_regression import kernel_predictions
from analysis.theory.linear_transfer import (
    adapted_moment,
    least_norm_predictor,
    richness_gain,
    source_solution,
    target_loss,
    transfer_loss,
)
from analysis.theory.moment_dynamics import trained_moments

D = 200


def drawn(rng: np.random.Generator, samples: int, teacher: np.ndarray, noise: float = 0.0) -> tuple:
    """Inputs of unit variance and the labels x.teacher, of unit variance too, with noise."""
    inputs = rng.standard_normal((samples, len(teacher)))
    return inputs, inputs @ teacher + noise * rng.standard_normal(samples)


def regressed(moment: np.ndarray, teacher: np.ndarray, samples: int, rng: np.random.Generator, noise=0.0) -> float:
    """Test loss of kernel regression on X M X', exactly: inputs are isotropic, so it is |b - w*|^2."""
    inputs, labels = drawn(rng, samples, teacher, noise)
    kernel = inputs @ moment @ inputs.T
    predictor = kernel_predictions(kernel, moment @ inputs.T, labels, ridge=1e-10)
    return float(((predictor - teacher) ** 2).sum())


@pytest.mark.parametrize(("gamma", "chi"), [(0.1, 0.00499), (1.0, 0.4142), (3.0, 2.162), (10.0, 9.05)])
def test_the_kernel_of_a_whole_population_grows_along_the_teacher(gamma: float, chi: float) -> None:
    """The moment equations of ten dimensions, integrated."""
    teacher = np.eye(10)[0]
    found = trained_moments(np.eye(10), teacher, gamma)
    grown = found.weights[0, 0] - 1
    assert grown == pytest.approx(chi, rel=0.01)
    assert grown == pytest.approx(richness_gain(gamma), rel=0.01)
    assert found.readouts == pytest.approx(1 + grown, rel=1e-3)


@pytest.mark.parametrize(
    ("samples", "gamma", "noise"), [(12, 1.0, 0.0), (12, 3.0, 0.5), (80, 3.0, 0.5), (20, 0.3, 1.0)]
)
def test_the_kernel_of_finite_sources_is_that_of_the_interpolator_of_least_norm(
    samples: int, gamma: float, noise: float
) -> None:
    rng = np.random.default_rng(samples)
    inputs, labels = drawn(rng, samples, np.eye(30)[0], noise)
    predictor = least_norm_predictor(inputs, labels)
    found = trained_moments(inputs, labels, gamma, residual=1e-4)
    expected = adapted_moment(predictor, gamma)
    np.testing.assert_allclose(found.predictor(gamma), predictor, atol=0.01 * float(np.linalg.norm(predictor)))
    growth = np.linalg.norm(expected - np.eye(30))
    assert np.linalg.norm(found.weights - expected) <= 0.01 * growth


def test_a_second_stage_starts_from_the_adapted_moment() -> None:
    """Fresh readouts: a lazy second stage leaves the moment as it is and fits the target on its kernel."""
    first = trained_moments(np.eye(6), np.eye(6)[0], 3.0).with_fresh_readouts()
    assert first.readouts == 1.0 and not first.cross.any()
    second = trained_moments(np.eye(6), np.eye(6)[1], 0.01, first)
    np.testing.assert_allclose(second.weights, first.weights, atol=1e-3)
    np.testing.assert_allclose(second.predictor(0.01), np.eye(6)[1], atol=1e-3)


def test_moment_equations_that_do_not_come_to_rest_are_told() -> None:
    with pytest.raises(ValueError, match=r"moment equations: not at rest by time 0\.01"):
        trained_moments(np.eye(3), np.eye(3)[0], 1.0, longest=0.01)


@pytest.mark.parametrize("nu", [0.25, 0.4, 0.5, 0.65, 0.75])
@pytest.mark.parametrize(("gamma", "alignment", "noise"), [(3.0, 1.0, 0.0), (1.0, 0.7, 0.0), (3.0, 0.5, 0.3)])
def test_kernel_regression_meets_the_formula(nu: float, gamma: float, alignment: float, noise: float) -> None:
    """Within 3 standard errors of 12 draws and 5/D relative."""
    rng = np.random.default_rng([int(100 * nu), int(10 * gamma)])
    direction = np.eye(D)[0]
    teacher = alignment * direction + math.sqrt(1 - alignment**2) * np.eye(D)[1]
    moment = adapted_moment(direction, gamma)
    losses = [regressed(moment, teacher, round(nu * D), rng, noise) for _ in range(12)]
    predicted = target_loss(nu, richness_gain(gamma), alignment, noise)
    allowed = 3 * np.std(losses, ddof=1) / math.sqrt(len(losses)) + 5 / D * predicted
    assert abs(np.mean(losses) - predicted) <= allowed


def test_the_points_of_the_reference() -> None:
    found = [round(transfer_loss(3.0, nu, 1.0), 3) for nu in (0.25, 0.5, 0.75)]
    assert found == [0.316, 0.115, 0.036]


def test_source_noise_gives_double_descent_in_the_source_size() -> None:
    """Predicted and measured: the target's loss falls, peaks at nu1 = 1, where nothing is gained, and falls again."""
    grid = np.array([0.3, 0.6, 0.8, 1.0, 1.25, 2.0, 4.0])
    predicted = np.array([transfer_loss(3.0, 0.5, 1.0, nu, source_noise=0.5) for nu in grid])
    rng = np.random.default_rng(0)
    teacher = np.eye(D)[0]
    draws = np.empty((6, len(grid)))
    for row in draws:
        for place, nu in enumerate(grid):
            predictor = least_norm_predictor(*drawn(rng, round(nu * D), teacher, 0.5))
            row[place] = regressed(adapted_moment(predictor, 3.0), teacher, D // 2, rng)
    measured, error = draws.mean(0), draws.std(0, ddof=1) / math.sqrt(len(draws))
    for losses in (predicted, measured):
        assert losses.argmax() == 3
        assert losses[1] < min(losses[0] - 0.05, losses[3] - 0.1) and losses[-1] < losses[1]
    away = grid != 1.0  # there the norm of the predictor is of heavy tails
    assert (abs(measured - predicted) <= 3 * error + 5 / D * predicted)[away].all()
    assert predicted[3] == pytest.approx(0.5)
    assert measured[3] == pytest.approx(0.5, abs=0.05)


def test_what_is_learnt_of_a_noisy_source() -> None:
    norm, alignment = source_solution(0.5, 0.8, 0.4)
    assert norm**2 == pytest.approx(0.5 + 0.16)
    assert alignment == pytest.approx(0.4 / norm)
    assert source_solution(math.inf, 0.8, 0.4) == (1.0, 0.8)
    assert source_solution(1.0, 0.8) == (1.0, 0.8)
    rng = np.random.default_rng(3)
    for nu in (0.5, 2.0):
        norms = [
            float(np.linalg.norm(least_norm_predictor(*drawn(rng, round(nu * D), np.eye(D)[0], 0.4))) ** 2)
            for _ in range(10)
        ]
        expected = source_solution(nu, 1.0, 0.4).norm ** 2
        assert np.mean(norms) == pytest.approx(expected, rel=0.05)


def test_without_target_noise_transfer_never_hurts() -> None:
    for nu in (0.1, 0.5, 0.9):
        for alignment in (0.0, 0.5, 1.0):
            assert transfer_loss(5.0, nu, alignment, 0.7, source_noise=2.0) <= 1 - nu + 1e-12


def test_target_noise_alone_and_beyond_the_threshold() -> None:
    assert target_loss(0.5, 0.0, 1.0, noise=1.0) == pytest.approx(0.5 + 1.0)
    assert target_loss(2.0, 3.0, 1.0, noise=1.0) == pytest.approx(1.0)
    assert target_loss(2.0, 3.0, 1.0) == 0.0
    assert target_loss(1.0, 3.0, 1.0, noise=1.0) == math.inf


def test_bad_input_is_one_line() -> None:
    with pytest.raises(ValueError, match=r"^alignment = 1\.5: allowed: -1 to 1$"):
        target_loss(0.5, 1.0, 1.5)
    with pytest.raises(ValueError, match=r"^nu_target = 0: allowed: above 0$"):
        target_loss(0, 1.0, 1.0)
