"""p-values of short axes keep their level on correlated noise and abrupt curves, and the words follow them."""

from __future__ import annotations

import numpy as np
import pytest

from analysis.detector import Rule, Verdict, detect
from analysis.detector.q_values import adjusted
from analysis.detector.short_axis.axis_scale import natural_scale
from analysis.detector.short_axis.point_noise import TAKEN, lag_one, local_noise
from analysis.scoring.short_axes import cell

NUMBER = 120


@pytest.mark.parametrize(("family", "noise"), [("level", "correlated"), ("level_then_cliff", "white")])
def test_one_run_keeps_the_level(family: str, noise):
    below = 0
    for stream in np.random.SeedSequence(41).spawn(NUMBER):
        rng = np.random.default_rng(stream)
        drawn = cell(rng, family, noise, 1, int(rng.integers(12, 25)))
        p = detect(drawn.x, drawn.errors, axis=drawn.axis).single_seed_significance
        below += p is not None and p <= 0.05
    assert below <= 0.06 * NUMBER + 2.0 * np.sqrt(0.06 * 0.94 * NUMBER)


def test_a_shape_between_the_bounds_is_named_and_not_significant():
    """Nine frozen depths of one run: a peak that one level run in ten would have."""
    errors = [0.220, 0.209, 0.233, 0.231, 0.227, 0.261, 0.294, 0.261, 0.230]
    verdict = detect(range(9), errors[::-1], axis="frozen")
    rule = Rule()
    assert verdict.significant_at == rule.level_one_seed
    assert verdict.single_seed_significance is not None
    assert rule.level_one_seed < verdict.single_seed_significance <= rule.seen
    assert verdict.shape == "double_descent" and verdict.peak is not None
    assert verdict.significance == "not_significant" and verdict.double_descent is False


def test_the_bound_is_the_verdicts_own():
    called = Verdict("double_descent", seeds=5, p_value=0.03)
    assert called.significance == "significant"
    strict = Verdict("double_descent", seeds=5, p_value=0.03, significant_at=0.01)
    assert strict.significance == "not_significant" and strict.as_json("a")["significant_at"] == 0.01
    adjusted = Verdict("double_descent", seeds=5, p_value=0.008, significant_at=0.01, q_value=0.2)
    assert adjusted.significance == "not_significant"


def test_verdicts_of_one_seed_are_adjusted_for_one_another():
    one = Verdict("double_descent", single_seed_significance=0.03)
    (alone,) = adjusted([one])
    assert alone is not None and alone.q_value == 0.03 and alone.double_descent is True
    level = Verdict("monotone", single_seed_significance=1.0)
    among, *others = adjusted([one, *[level] * 18, None, Verdict("monotone", seeds=3, p_value=1.0)])
    assert among is not None and among.q_value == pytest.approx(0.6) and among.double_descent is False
    assert [None if each is None else each.q_value for each in others] == [1.0] * 18 + [None, 1.0]
    untested = adjusted([Verdict("double_descent"), one])
    assert untested == (Verdict("double_descent"), alone)


def test_one_run_is_taken_to_have_correlated_noise():
    rng = np.random.default_rng(3)
    u = natural_scale(np.arange(60.0), "depth")
    white = [lag_one(y, local_noise(u, y[None])[0]) for y in rng.standard_normal((20, 60))]
    noise = rng.standard_normal((20, 90))
    for j in range(1, 90):
        noise[:, j] = 0.5 * noise[:, j - 1] + np.sqrt(0.75) * noise[:, j]
    correlated = [lag_one(y, local_noise(u, y[None])[0]) for y in noise[:, 30:]]
    assert min(white) >= TAKEN and np.median(white) < 0.4 < np.median(correlated)
