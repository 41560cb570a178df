"""The bound on a path of tasks whose relatedness is known: it holds everywhere, and it falls with relatedness."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest

from analysis.transferability import Pair, Samples, certified_bound
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
    assert accuracies[0] > 0.9 and accuracies[-1] < 0.65  # the path has two ends
    assert spearman(np.array([bound.total for bound in bounds]), np.array(accuracies)) <= -0.8


@pytest.mark.parametrize("seed", SEEDS)
def test_identical_tasks_have_the_lowest_bound(seed: int) -> None:
    """The same samples under other labels: nothing is to be moved. With other samples of the same task, at 0 degrees,
    what is moved is sampling noise alone, which the first step of the path (0.04 deviations of the means) drowns in."""
    source = path(seed).source
    same = Samples(source.features, (source.labels + 1) % source.classes, source.classes)
    found = certified_bound(Pair(same, source))
    assert found.wasserstein == pytest.approx(0.0, abs=1e-9)
    bounds = [bound.total for bound in along(seed)[0]]
    assert found.total < min(bounds)
    assert min(bounds[:2]) == min(bounds)
