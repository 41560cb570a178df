"""The bound on a path of tasks whose relatedness is known: it holds everywhere, and it falls with relatedness."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest

from analysis.transferability import certified_bound
from analysis.transferability.agreement import spearman
from analysis.transferability.bound import Bound
from analysis.transferability.synthetic import ANGLES, path

SEEDS = (0, 1, 2)


@cache
def along(seed: int) -> tuple[list[Bound], list[float]]:
    """Bounds and probe accuracies at all angles."""
    made = path(seed)
    return [certified_bound(made.pair(angle)) for angle in ANGLES], [made.probe_accuracy(angle) for angle in ANGLES]


@pytest.mark.parametrize("seed", SEEDS)
def test_the_bound_holds_at_every_angle(seed: int) -> None:
    bounds, _ = along(seed)
    assert len(bounds) == 11
    assert [angle for angle, bound in zip(ANGLES, bounds, strict=True) if bound.violated] == []
    assert all(bound.transformed_loss <= bound.total for bound in bounds)


@pytest.mark.parametrize("seed", SEEDS)
def test_the_bound_orders_tasks_as_an_unlimited_probe_does(seed: int) -> None:
    bounds, accuracies = along(seed)
    assert accuracies[0] > 0.9 and accuracies[-1] < 0.6  # the path has two ends
    assert spearman(np.array([bound.total for bound in bounds]), np.array(accuracies)) <= -0.8


@pytest.mark.parametrize("seed", SEEDS)
def test_identical_tasks_have_the_lowest_bound(seed: int) -> None:
    bounds, _ = along(seed)
    assert int(np.argmin([bound.total for bound in bounds])) == 0
