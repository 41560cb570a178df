"""Correlations, regret, and shares of variance."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import spearmanr, weightedtau

from analysis.transferability.agreement import agreement, explained_shares, spearman, top_1_regret
from analysis.transferability.scores import goodness


def test_a_perfect_and_a_reversed_order() -> None:
    accuracy = np.array([0.5, 0.9, 0.7, 0.8, 0.6])
    best = agreement(accuracy, accuracy)
    assert [best.pearson.value, best.spearman.value, best.weighted_kendall.value] == pytest.approx([1, 1, 1])
    assert best.regret == (0.0, 0.0, 0.0)
    worst = agreement(-accuracy, accuracy)
    assert [worst.pearson.value, worst.spearman.value, worst.weighted_kendall.value] == pytest.approx([-1, -1, -1])
    assert worst.regret.value == pytest.approx(0.4)


def test_values_are_those_of_scipy_and_intervals_hold_them() -> None:
    rng = np.random.default_rng(0)
    good, accuracy = rng.normal(size=14), rng.normal(size=14)
    accuracy = accuracy + good
    found = agreement(good, accuracy)
    assert found.spearman.value == pytest.approx(float(np.asarray(spearmanr(good, accuracy))[0]))
    assert found.weighted_kendall.value == pytest.approx(float(np.asarray(weightedtau(good, accuracy))[0]))
    for estimate in (found.pearson, found.spearman, found.weighted_kendall):
        assert -1 <= estimate.low < estimate.value < estimate.high <= 1
    assert agreement(good, accuracy) == found  # the draws are the same each time


def test_what_does_not_vary_has_no_correlation() -> None:
    found = agreement(np.zeros(4), np.array([0.1, 0.2, 0.3, 0.4]))
    assert np.isnan([found.pearson.value, found.spearman.value, found.weighted_kendall.value]).all()
    assert found.regret.value == pytest.approx(0.15)  # all four are put first: their mean
    assert np.isnan(spearman(np.zeros(3), np.arange(3.0)))
    two = agreement(np.array([1.0, 2.0]), np.array([0.5, 0.4]))
    assert np.isnan(two.spearman.value) and two.regret.value == pytest.approx(0.1)
    with pytest.raises(ValueError, match="shape"):
        agreement(np.zeros(3), np.zeros(4))


def test_regret_and_signs() -> None:
    assert top_1_regret(np.array([0.0, 1.0]), np.array([0.9, 0.7])) == pytest.approx(0.2)
    assert goodness("tta_bound", 2.0) == -2.0 and goodness("knn", 2.0) == 2.0


def test_factors_explain_the_variance_between_their_levels() -> None:
    accuracy = np.array([1.0, 1.0, 3.0, 3.0])
    shares = explained_shares({"all": ["a", "a", "b", "b"], "none": ["a", "b", "a", "b"]}, accuracy)
    assert shares == pytest.approx({"all": 1.0, "none": 0.0})
    assert explained_shares({"all": ["a", "b"]}, np.ones(2)) == {}
