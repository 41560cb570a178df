"""The curves of known truth are what they say."""

from __future__ import annotations

import numpy as np
import pytest

from analysis.scoring.curve_families import FAMILIES, NULLS, POSITIVE
from analysis.scoring.known_curve import POINT
from analysis.scoring.synthetic import cells, labelled, smooth_wander


@pytest.mark.parametrize("family", FAMILIES)
def test_truth_holds_for_the_noise_free_curve(family: str):
    for number in range(20):
        curve = FAMILIES[family](np.random.default_rng(number), 1000)
        grid = np.expm1(np.linspace(0.0, np.log(1000.0), 4000))
        y = curve.mean(grid)
        rise = y - np.minimum.accumulate(y)
        fall = y - np.minimum.accumulate(y[::-1])[::-1]
        prominence = np.minimum(rise, fall)
        assert (y >= -1e-9).all() and (y <= 1.2).all()
        if family in POSITIVE:
            assert curve.shape == "double_descent"
            assert prominence.max() >= 1.95 * POINT
            assert curve.peak is not None
            assert np.log((grid[prominence.argmax()] + 1) / (curve.peak + 1)) == pytest.approx(0.0, abs=0.02)
        elif curve.shape == "monotone":
            assert rise.max() <= 1e-9
        elif curve.shape == "u_shaped":
            assert prominence.max() <= 1e-3 and rise[-1] >= 1.9 * POINT
        elif curve.shape == "plateau":
            assert prominence.max() <= 0.051 * rise.max() + 1e-9
        else:
            assert curve.shape == "unstable"


@pytest.mark.parametrize("family", ["dd_weak", "dd_strong"])
def test_strength_and_turns_are_the_curve_s(family: str):
    for number in range(20):
        curve = FAMILIES[family](np.random.default_rng(number), 2000)
        assert curve.first_min is not None and curve.peak is not None and curve.second_min is not None
        first, second = curve.mean(np.array([curve.first_min, curve.second_min]))
        assert curve.strength == ("strong" if second < first else "weak")
        assert abs(second - first) >= 0.99 * POINT
        assert curve.first_min < curve.peak < curve.second_min


def test_same_seed_same_cells_and_families_in_turn():
    one, two = list(cells(30, 2, 4)), list(cells(30, 2, 4))
    assert [c.family for c in one[: len(FAMILIES)]] == list(FAMILIES)
    for a, b in zip(one, two, strict=True):
        np.testing.assert_array_equal(a.errors, b.errors)
    assert not np.array_equal(one[0].errors, next(cells(1, 2, 5)).errors)
    assert set(NULLS) | set(POSITIVE) == set(FAMILIES)


def test_noise_has_the_size_it_is_said_to_have():
    late = []
    for cell in cells(40, 1, 8, ("dd_weak",)):
        y = cell.errors[0][np.isfinite(cell.errors[0])]
        late.append(np.abs(np.diff(y[-40:], 2)).mean() / np.sqrt(6.0) / np.sqrt(2 / np.pi))
    assert 0.0005 < np.median(late) < 0.006


def test_wander_has_unit_variance():
    rng = np.random.default_rng(0)
    draws = np.array([smooth_wander(rng, np.linspace(0, 3, 50), 0.3) for _ in range(2000)])
    assert draws.std() == pytest.approx(1.0, abs=0.05)


def test_unknown_family_is_named():
    with pytest.raises(ValueError, match="family: 'tripod' is not one of dd_strong"):
        labelled("tripod", 1, np.random.default_rng(0))
