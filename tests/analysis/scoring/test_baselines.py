"""The rivals do what their sources say, on curves where the answer is plain."""

from __future__ import annotations

import numpy as np
import pytest

from analysis.scoring.baselines import RIVALS, TUNED, lcdb_peaking, tune
from analysis.scoring.known_curve import through

X = np.arange(300.0)
PEAK = through([0, 15, 50, 299], [0.6, 0.2, 0.35, 0.18])(X)
FALL = 0.2 + 0.4 * np.exp(-X / 20)


def seeds(curve: np.ndarray, number: int, sd: float) -> np.ndarray:
    return curve + sd * np.random.default_rng(0).standard_normal((number, len(curve)))


@pytest.mark.parametrize("name", RIVALS)
def test_a_clean_peak_is_called(name: str):
    call = RIVALS[name](X, seeds(PEAK, 5, 1e-4), TUNED)
    assert call.double_descent
    assert call.peak == pytest.approx(50, rel=0.4)


@pytest.mark.parametrize("name", RIVALS)
def test_a_clean_fall_is_not(name: str):
    assert not RIVALS[name](X, FALL[None], TUNED).double_descent


def test_the_first_uptick_rule_is_fooled_by_one_wiggle():
    wiggle = FALL.copy()
    wiggle[3] += 0.05
    assert RIVALS["first uptick, 10 % drop"](X, wiggle[None], TUNED).double_descent


def test_lcdb_needs_repetitions():
    assert not lcdb_peaking(X, PEAK[None]).double_descent
    assert lcdb_peaking(X, seeds(PEAK, 5, 0.002)).double_descent


def test_tuning_separates_two_clear_groups():
    labelled = [(X, seeds(PEAK, 1, 0.002), True), (X, seeds(FALL, 1, 0.002), False)]
    thresholds = tune(labelled)
    for name in ("find_peaks, tuned", "isotonic pieces, tuned"):
        assert [RIVALS[name](x, y, thresholds).double_descent for x, y, _ in labelled] == [True, False]
