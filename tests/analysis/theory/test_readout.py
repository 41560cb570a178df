"""Learning curves from a spectrum, the readout's gradient-descent filter, the alignment."""

from __future__ import annotations

import math

import numpy as np
import pytest

from analysis.theory.alignment import kernel_target_alignment
from analysis.theory.gradient_filter import Descent, Readout, readout_curve, readout_limit
from analysis.theory.kernel_regression import kernel_predictions, readout_score
from analysis.theory.learning_curve import Spectrum, effective_ridge, expected_error, spectrum
from analysis.theory.linear_transfer import target_loss


def random_task(samples: int = 40, width: int = 12, outputs: int = 3, start: bool = True) -> Readout:
    rng = np.random.default_rng(1)
    x, t = (rng.standard_normal((n, width)) * np.geomspace(1, 0.1, width) for n in (samples, 25))
    y, truth = (np.eye(outputs)[rng.integers(0, outputs, n)] for n in (samples, 25))
    return Readout(x, y, t, truth, 0.1 * rng.standard_normal((width, outputs)) if start else None)


def descended(task: Readout, rate: float, momentum: float, steps: int) -> list[tuple[float, ...]]:
    """The same by steps of gradient descent as torch's SGD has them."""
    assert task.start is not None
    weights, velocity = task.start.copy(), np.zeros_like(task.start)
    rows = []
    for _ in range(steps):
        error = task.features @ weights - task.targets
        velocity = momentum * velocity + 2 * task.features.T @ error / task.targets.size
        weights = weights - rate * velocity
        predicted = [
            (x @ weights, y) for x, y in ((task.features, task.targets), (task.test_features, task.test_targets))
        ]
        losses = [float(((p - y) ** 2).mean()) for p, y in predicted]
        errors = [float((p.argmax(1) != y.argmax(1)).mean()) for p, y in predicted]
        rows.append((*losses, *errors))
    return rows


@pytest.mark.parametrize("momentum", [0.0, 0.9])
def test_the_filter_is_gradient_descent(momentum: float) -> None:
    task = random_task()
    epochs = np.array([1, 2, 5, 30])
    found = readout_curve(task, Descent(0.8, momentum, steps_per_epoch=2), epochs)
    rows = descended(task, 0.8, momentum, 60)
    for place, epoch in enumerate(epochs):
        got = [values[place] for values in found[1:]]
        np.testing.assert_allclose(got, rows[2 * epoch - 1], rtol=1e-9)


def test_the_limit_is_least_squares_from_the_start() -> None:
    for task in (random_task(samples=40), random_task(samples=8)):
        assert task.start is not None
        weights = task.start + np.linalg.lstsq(task.features, task.targets - task.features @ task.start)[0]
        loss, error = readout_limit(task)
        predicted = task.test_features @ weights
        assert loss == pytest.approx(((predicted - task.test_targets) ** 2).mean())
        assert error == np.mean(predicted.argmax(1) != task.test_targets.argmax(1))
        late = readout_curve(task, Descent(1.5), np.array([200_000]))
        assert late.test_loss[0] == pytest.approx(loss, rel=1e-6)


def test_the_example_and_a_rate_that_diverges() -> None:
    one = Readout(*(np.ones((1, 1)) for _ in range(4)))
    found = readout_curve(one, Descent(0.25), np.array([1, 2]))
    np.testing.assert_allclose(found.train_loss, [0.25, 0.0625])
    assert np.isnan(found.test_error).all()
    with pytest.raises(ValueError, match=r"^learning rate 1\.1: the descent diverges; allowed: at most 1$"):
        readout_curve(one, Descent(1.1), np.array([1]))
    with pytest.raises(ValueError, match=r"^features: all are zero; one that is not is needed$"):
        readout_curve(one._replace(features=np.zeros((1, 1))), Descent(0.25), np.array([1]))


def test_double_descent_over_epochs_of_a_linear_readout() -> None:
    """Strong directions fit what they see of noise and of the weak directions' signal, which is learnt later."""
    rng = np.random.default_rng(0)
    scales = np.concatenate([np.full(40, 1.0), np.full(5, 0.05)])
    teacher = rng.standard_normal((45, 1)) / scales[:, None] / np.sqrt(np.where(scales == 1, 40, 5))[:, None]
    x, t = rng.standard_normal((60, 45)) * scales, rng.standard_normal((1000, 45)) * scales
    y = x @ (2 * teacher) + 0.5 * rng.standard_normal((60, 1))
    epochs = np.unique(np.geomspace(1, 1e6, 300).astype(np.int64))
    task = Readout(x, y, t, 2 * t @ teacher)
    loss = readout_curve(task, Descent(0.1), epochs).test_loss
    middle = int(np.searchsorted(epochs, 300))
    first = int(loss[:middle].argmin())
    peak = first + int(loss[first:].argmax())
    assert 0 < first < peak < len(loss) - 1
    assert loss[peak] > 1.1 * loss[first] and loss[-1] < 0.9 * loss[peak]
    assert readout_limit(task)[0] == pytest.approx(loss[-1], rel=0.05)


@pytest.mark.parametrize(("nu", "noise"), [(0.25, 0.0), (0.5, 0.4), (1.5, 0.4)])
def test_a_spiked_spectrum_gives_the_closed_form(nu: float, noise: float) -> None:
    """Eigenvalues 1, ..., 1, 1 + chi with all power along the last: the linear network's kernel."""
    dims, chi, alignment = 4000, 2.162, 0.8
    power = np.zeros(dims)
    power[-1], power[0] = alignment**2, 1 - alignment**2
    found = Spectrum(np.append(np.ones(dims - 1), 1 + chi), power, 0.0)
    assert expected_error(found, round(nu * dims), noise) == pytest.approx(
        target_loss(nu, chi, alignment, noise), rel=2e-3, abs=1e-12
    )


@pytest.mark.parametrize("samples", [20, 40, 90, 160])
def test_the_learning_curve_of_drawn_features(samples: int) -> None:
    """A power-law spectrum of 60 features with power outside their span, ridge and noise: 40 draws."""
    rng = np.random.default_rng(samples)
    scales = np.arange(1, 61) ** -0.6
    teacher = rng.standard_normal((60, 2))

    def drawn(number: int) -> tuple[np.ndarray, np.ndarray]:
        x = rng.standard_normal((number, 60)) * scales
        return x, x @ teacher

    pool = spectrum(*drawn(6000))
    predicted = expected_error(pool, samples, noise=0.5 * math.sqrt(2), ridge=0.3)
    measured = []
    for _ in range(40):
        (x, y), (t, truth) = drawn(samples), drawn(400)
        noisy = y + 0.5 * rng.standard_normal(y.shape)
        kernel = x @ x.T
        found = kernel_predictions(kernel, t @ x.T, noisy, ridge=0.3 * samples / np.trace(kernel))
        measured.append(((found - truth) ** 2).sum(1).mean())
    spread = np.std(measured, ddof=1) / math.sqrt(len(measured))
    assert abs(np.mean(measured) - predicted) <= 3 * spread + 0.05 * predicted


def test_the_effective_ridge_solves_its_equation() -> None:
    values = np.geomspace(1e-6, 10, 50)
    for samples, ridge in ((10, 0.0), (49, 0.0), (10, 0.5), (200, 0.5)):
        kappa = effective_ridge(values, samples, ridge)
        assert (values / (values + kappa)).sum() + ridge / kappa == pytest.approx(samples, rel=1e-6)
    assert effective_ridge(values, 50) == 0.0


def test_a_rank_that_is_met_diverges_and_power_outside_counts() -> None:
    found = Spectrum(np.ones(10), np.full(10, 0.1), 0.5)
    assert expected_error(found, 10) == math.inf
    assert expected_error(found, 20) == pytest.approx(0.5 / (1 - 0.5))
    with pytest.raises(ValueError, match=r"^samples = 0: allowed: 1 or more$"):
        expected_error(found, 0)


def test_the_spectrum_of_a_pool() -> None:
    rng = np.random.default_rng(2)
    z = rng.standard_normal((500, 4)) @ rng.standard_normal((4, 7))
    y = rng.standard_normal((500, 2))
    found = spectrum(z, y)
    assert len(found.eigenvalues) == 4
    assert found.power.sum() + found.outside == pytest.approx((y**2).sum() / 500)
    fitted = z @ np.linalg.lstsq(z, y)[0]
    assert found.outside == pytest.approx(((y - fitted) ** 2).sum() / 500)


def test_a_readout_s_score_is_that_of_least_squares() -> None:
    task = random_task(start=False)
    expected = task.test_features @ np.linalg.lstsq(task.features, task.targets)[0]
    found = readout_score(task.features, task.targets, task.test_features, task.test_targets)
    assert found.loss == pytest.approx(((expected - task.test_targets) ** 2).mean(), rel=1e-4)
    assert found.error == np.mean(expected.argmax(1) != task.test_targets.argmax(1))
    one = readout_score(task.features, task.targets[:, :1], task.test_features, task.test_targets[:, :1])
    assert one.error == pytest.approx(one.loss / task.test_targets[:, 0].var())  # 1 - R^2, as runs are measured


def test_alignment_is_the_correlation_of_centred_kernels() -> None:
    rng = np.random.default_rng(4)
    z, y = rng.standard_normal((30, 5)), rng.standard_normal((30, 2))
    centre = np.eye(30) - 1 / 30
    kernel, wanted = centre @ z @ z.T @ centre, centre @ y @ y.T @ centre
    assert kernel_target_alignment(z, y) == pytest.approx(
        (kernel * wanted).sum() / np.linalg.norm(kernel) / np.linalg.norm(wanted)
    )
    assert kernel_target_alignment(np.hstack([z, z]), y) == pytest.approx(kernel_target_alignment(z, y))
    assert kernel_target_alignment(y, y) == pytest.approx(1.0, abs=1e-12)
    assert math.isnan(kernel_target_alignment(np.ones((4, 2)), np.eye(4)))
