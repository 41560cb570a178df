"""Epochs: seeds that end apart, minima at abrupt places, and when a call is one."""

from __future__ import annotations

import numpy as np
import pytest

from analysis.detector.descent import detect
from analysis.detector.verdict import Verdict
from analysis.scoring.known_curve import through

STEPS = np.arange(0.0, 2401.0, 50.0)


def late(at: float, end: float, last: float = 0.004) -> np.ndarray:
    """An error of .98 that falls to 0.4 % around `at`, logged until `end`."""
    y = last + (0.98 - last) / (1.0 + np.exp((STEPS - at) / 40.0))
    return np.where(end >= STEPS, y, np.nan)


def test_seeds_of_unequal_length_give_no_error_below_zero():
    verdict = detect(STEPS, np.stack([late(1500, 2400), late(400, 1200)]))
    assert verdict.shape == "monotone"
    assert verdict.first_min is not None and 0.0 <= verdict.first_min.error <= 0.02


@pytest.mark.parametrize("number", [1, 3])
def test_a_seed_that_stays_up_is_no_rise_of_the_others(number: int):
    ended = [late(1450 + 40 * i, 1750) for i in range(number)]
    verdict = detect(STEPS, np.stack([*ended, np.full(len(STEPS), 0.98)]))
    assert verdict.shape == "monotone" and verdict.double_descent is not True


def test_the_minimum_after_an_abrupt_drop_is_in_the_drop():
    x = np.arange(120.0)
    y = 0.22 + 0.45 * np.exp(-x / 8.0) + 0.008 * np.random.default_rng(0).standard_normal(120)
    y[70:] = 0.11 + 0.0012 * np.arange(50.0) + 0.001 * np.random.default_rng(1).standard_normal(50)
    verdict = detect(x, y)
    assert verdict.first_min is not None
    assert 69 <= verdict.first_min.position <= 78 and verdict.first_min.error == pytest.approx(0.115, abs=0.007)


def test_the_minimum_of_a_late_fall_is_at_the_end():
    x = np.arange(0.0, 16001.0, 50.0)
    y = 1.0 / (1.0 + np.exp((x - 15600.0) / 50.0))
    verdict = detect(x, y)
    assert verdict.shape == "monotone" and verdict.first_min is not None
    assert verdict.first_min.position == 16000 and verdict.first_min.error <= 0.02


@pytest.mark.parametrize("seeds", [1, 3])
def test_heights_are_the_curve_s_own_at_a_sharp_bump(seeds: int):
    curve = through([0, 3, 10, 37, 99], [0.6, 0.07, 0.148, 0.108, 0.105])
    x = np.arange(100.0)
    off = []
    for seed in range(20):
        y = curve(x) + 0.004 * np.random.default_rng(seed).standard_normal((seeds, 100))
        verdict = detect(x, y, p_values=False)
        assert verdict.peak is not None and verdict.first_min is not None
        off.append([verdict.first_min.error - 0.07, verdict.peak.error - 0.148])
        assert verdict.second_min is not None and verdict.prominence == pytest.approx(
            verdict.peak.error - max(verdict.first_min.error, verdict.second_min.error)
        )
    assert np.abs(np.mean(off, axis=0)).max() <= 0.006


def test_significance_belongs_to_the_call():
    called = Verdict("double_descent", seeds=5, p_value=0.084)
    assert called.significance == "not_significant" and called.double_descent is False
    assert Verdict("double_descent", seeds=5, p_value=0.01).double_descent is True
    assert Verdict("double_descent", p_value=None).double_descent is None
    assert Verdict("monotone", seeds=5, p_value=0.01).significance == "not_significant"
    assert Verdict("unstable").double_descent is False
    assert Verdict("double_descent", p_value=0.01, cause="co_adaptation").double_descent is False
