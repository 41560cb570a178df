"""Least squares for a layer: NumPy's solution, leave-one-out by leaving out, and nothing to change where nothing is
left."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch import Tensor

from orchestrator.train.methods.analytic.solve import PENALTIES, Change, ridge_change, smallest_change

SHAPES = [(40, 6), (6, 40), (12, 12)]


def problem(samples: int, columns: int, outputs: int = 3) -> tuple[Tensor, Tensor]:
    drawn = torch.Generator().manual_seed(samples)
    features = torch.randn(samples, columns, generator=drawn, dtype=torch.float64)
    true = torch.randn(columns, outputs, generator=drawn, dtype=torch.float64)
    noise = torch.randn(samples, outputs, generator=drawn, dtype=torch.float64)
    return features, features @ true + 0.5 + 0.3 * noise


def with_ones(features: Tensor) -> Tensor:
    return torch.cat([features, torch.ones(len(features), 1, dtype=torch.float64)], 1)


@pytest.mark.parametrize("bias", [False, True])
@pytest.mark.parametrize("shape", SHAPES)
def test_the_smallest_change_is_that_of_numpy(shape: tuple[int, int], bias: bool) -> None:
    features, residuals = problem(*shape)
    found = smallest_change(features, residuals, bias)
    z = (with_ones(features) if bias else features).numpy()
    expected, _, rank, _ = np.linalg.lstsq(z, residuals.numpy(), rcond=None)
    np.testing.assert_allclose(found.weights.numpy(), expected, rtol=1e-9, atol=1e-10)
    assert (found.rank, found.penalty) == (rank, 0.0)


def test_of_features_that_depend_on_one_another_the_smallest_change_is_taken() -> None:
    features, residuals = problem(40, 6)
    twice = torch.cat([features, features], 1)
    found, once = smallest_change(twice, residuals, False), smallest_change(features, residuals, False)
    torch.testing.assert_close(found.weights, torch.cat([once.weights, once.weights]) / 2)
    assert found.rank == once.rank == 6


@pytest.mark.parametrize("solve", [smallest_change, ridge_change])
@pytest.mark.parametrize("shape", SHAPES)
def test_where_nothing_is_left_nothing_changes(shape: tuple[int, int], solve: Callable[..., Change]) -> None:
    features, residuals = problem(*shape)
    changed = solve(features, torch.zeros_like(residuals), True).weights
    assert torch.equal(changed, torch.zeros(shape[1] + 1, 3, dtype=torch.float64))


def ridge(features: Tensor, residuals: Tensor, penalty: float, bias: bool) -> Tensor:
    """The textbook's solution, the bias free of the penalty. `penalty`: on the sum of squares."""
    z = with_ones(features) if bias else features
    matrix = penalty * torch.eye(z.shape[1], dtype=z.dtype)
    if bias:
        matrix[-1, -1] = 0
    return torch.linalg.solve(z.T @ z + matrix, z.T @ residuals)


def left_out_by_hand(features: Tensor, residuals: Tensor, penalty: float, bias: bool) -> float:
    total = 0.0
    for row in range(len(features)):
        kept = torch.arange(len(features)) != row
        weights = ridge(features[kept], residuals[kept], penalty, bias)
        z = with_ones(features) if bias else features
        total += (residuals[row] - z[row] @ weights).square().sum().item()
    return total


@pytest.mark.parametrize("bias", [False, True])
@pytest.mark.parametrize("shape", SHAPES)
def test_ridge_takes_the_penalty_that_leaving_out_finds(shape: tuple[int, int], bias: bool) -> None:
    features, residuals = problem(*shape)
    found = ridge_change(features, residuals, bias)
    center = features.mean(0) if bias else 0.0
    scale = (features - center).square().sum().item() / shape[1]
    by_hand = {each: left_out_by_hand(features, residuals, each * scale, bias) for each in PENALTIES}
    best = min(PENALTIES, key=lambda each: by_hand[each])
    assert found.penalty == pytest.approx(best * scale, rel=1e-9)
    assert found.left_out == pytest.approx(by_hand[best], rel=1e-6)
    torch.testing.assert_close(found.weights, ridge(features, residuals, found.penalty, bias), rtol=1e-7, atol=1e-9)


@pytest.mark.parametrize("bias", [False, True])
@pytest.mark.parametrize("shape", SHAPES)
def test_the_rank_is_the_trace_of_the_hat_matrix(shape: tuple[int, int], bias: bool) -> None:
    features, residuals = problem(*shape)
    found = ridge_change(features, residuals, bias)
    z = with_ones(features) if bias else features
    hat = z @ ridge(features, torch.eye(shape[0], dtype=torch.float64), found.penalty, bias)
    assert found.rank == pytest.approx(hat.trace().item(), rel=1e-7)


def test_features_that_are_all_zero_give_no_change_but_the_bias() -> None:
    residuals = torch.tensor([[1.0], [3.0], [5.0]], dtype=torch.float64)
    found = ridge_change(torch.zeros(3, 4, dtype=torch.float64), residuals, True)
    torch.testing.assert_close(found.weights, torch.tensor([[0.0]] * 4 + [[3.0]], dtype=torch.float64))
