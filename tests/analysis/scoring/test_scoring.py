"""A reduced scoring run: the full one is `python -m analysis score`."""

from __future__ import annotations

import numpy as np
import pytest

from analysis.detector.significance import antitonic, reaches, rotation_p, studentised_prominence, valley
from analysis.scoring.score import OURS, lines, precision_recall_f1, score, wilson
from analysis.statistics.multiplicity import benjamini_hochberg


@pytest.fixture(scope="module")
def five():
    return score(450, 5, 101)


def test_five_seeds_meet_the_targets(five):
    tally = five.tallies[OURS]
    precision, recall, f1 = tally.double_descent()
    assert f1.value >= 0.97 and precision.value >= 0.98 and recall.value >= 0.97
    assert max(rate.value for rate in tally.false_positives().values()) <= 1 / 30  # one of the 30 of a family
    assert np.mean(tally.strength_right) >= 0.95
    assert np.mean(tally.peak_right) >= 0.90


def test_one_seed_meets_the_target_and_every_rival_is_behind():
    result = score(300, 1, 102)
    ours = result.tallies[OURS].double_descent()[2].value
    assert ours >= 0.93
    assert all(tally.double_descent()[2].value < ours for name, tally in result.tallies.items() if name != OURS)
    below = result.calibration()["all"]
    assert below.value <= 0.05 + 2 * np.sqrt(0.05 * 0.95 / below.n)


def test_table_has_every_detector_and_shape(five):
    text = "\n".join(lines(five))
    for word in (*five.tallies, "u_shaped", "unstable", "periodic", "P(p <= .05), all"):
        assert word in text


@pytest.mark.parametrize("cells", [1, 2])
def test_few_cells_have_a_table_though_no_null_is_drawn(cells: int):
    text = "\n".join(lines(score(cells, 2, 0, rivals=False)))
    assert "| nan [nan, nan] (none drawn) |" in text


def test_rotation_test_is_calibrated_at_the_boundary_of_its_null():
    """A quick fall to a level with noise that is correlated along the curve and differs in size."""
    rng = np.random.default_rng(11)
    mean = np.r_[np.linspace(0.5, 0.2, 8), np.full(22, 0.2)]
    size = np.linspace(0.01, 0.002, 30)
    p = np.empty(400)
    for i in range(400):
        noise = rng.standard_normal((4, 32))
        p[i] = rotation_p(mean + size * (noise[:, 2:] + noise[:, 1:-1] + noise[:, :-2]), draws=199)
    low, high = 0.05 - 3 * np.sqrt(0.05 * 0.95 / 400), 0.05 + 3 * np.sqrt(0.05 * 0.95 / 400)
    assert low <= np.mean(p <= 0.05) <= high


def test_rotation_test_has_power():
    bump = np.exp(-0.5 * ((np.arange(30) - 15) / 3.0) ** 2)
    rng = np.random.default_rng(12)
    p = [rotation_p(0.2 + 0.03 * bump + 0.005 * rng.standard_normal((5, 30)), draws=199) for _ in range(40)]
    assert np.mean(np.array(p) <= 0.05) >= 0.9


def test_valley_is_the_best_fit_of_its_kind():
    y = np.array([5.0, 3.0, 4.0, 1.0, 2.0, 6.0, 5.0])
    fit = valley(y, np.ones(7))
    np.testing.assert_allclose(fit, [5.0, 3.5, 3.5, 1.0, 2.0, 5.5, 5.5])


def test_valley_is_no_worse_than_the_fit_for_any_turn():
    rng = np.random.default_rng(3)
    for n in (1, 2, 5, 30):
        y, weight = np.round(rng.standard_normal(n), 1), rng.uniform(0.1, 5.0, n)
        fits = [
            np.r_[antitonic(y[:t], weight[:t]), antitonic(y[t:][::-1], weight[t:][::-1])[::-1]] for t in range(n + 1)
        ]
        best = min(float(weight @ (y - fit) ** 2) for fit in fits)
        assert weight @ (y - valley(y, weight)) ** 2 == pytest.approx(best, abs=1e-9)


@pytest.mark.parametrize("level", [0.1, 0.5, 1.0, 2.0, 4.0])
def test_what_bounds_decide_is_what_the_statistic_says(level: float):
    m = 0.1 * np.random.default_rng(6).standard_normal((500, 40)).cumsum(axis=1)
    for scale in (np.full(40, 0.2), np.linspace(0.5, 0.02, 40), np.linspace(0.02, 0.5, 40)):
        exact = studentised_prominence(m, scale) >= level
        assert (reaches(m, scale, level) == exact).all()


def test_benjamini_hochberg_ignores_missing_tests():
    adjusted = benjamini_hochberg([0.01, np.nan, 0.04, 0.03])
    np.testing.assert_allclose(adjusted, [0.03, np.nan, 0.04, 0.04])
    with pytest.raises(ValueError, match=r"1\.5 is not in"):
        benjamini_hochberg([0.1, 1.5])


def test_rates():
    assert np.isnan(wilson(0, 0).value)
    true, said = np.array([1, 1, 0, 0], bool), np.array([1, 0, 1, 0], bool)
    assert [r.value for r in precision_recall_f1(true, said)] == [0.5, 0.5, 0.5]
