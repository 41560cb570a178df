"""A reduced scoring run on short axes: the full one is `python -m analysis score --axis short`."""

from __future__ import annotations

import numpy as np
import pytest

from analysis.detector.short_axis.axis_scale import natural_scale, reading_order
from analysis.scoring.score import precision_recall_f1
from analysis.scoring.short_axes import NULLS, bump, cells
from analysis.scoring.short_rivals import SHORT_RIVALS
from analysis.scoring.short_score import lines, power_rows, score_short


def test_five_seeds_find_every_clear_bump():
    tally = score_short(128, 5, 31, points=(12, 60))
    _, recall, f1 = precision_recall_f1(tally.truth, np.array(tally.called))
    assert recall.value >= 0.97 and f1.value >= 0.96
    text = "\n".join(lines(tally))
    assert all(word in text for word in (*NULLS, "failed_runs", "P(p <= .05)", "12 to 24"))


def test_one_seed_makes_few_false_calls():
    tally = score_short(192, 1, 32, points=(6, 40))
    false = np.array(tally.called)[~tally.truth].mean()
    assert false <= 0.05  # 2 % of 96 cells and two standard errors


def test_power_beats_the_best_rival():
    row = power_rows(96, 3, 33, sizes=(3.0,))[-1].split("|")
    assert float(row[2].split()[0]) >= float(row[3])


@pytest.mark.parametrize("family", NULLS)
def test_nulls_are_valleys(family: str):
    rng = np.random.default_rng(1)
    for _ in range(30):
        u = np.sort(np.r_[0.0, rng.uniform(0.0, 1.0, 20), 1.0])
        mean = NULLS[family](rng, u, 0.01)
        turn = int(mean.argmin())
        assert (np.diff(mean[: turn + 1]) <= 1e-12).all() and (np.diff(mean[turn:]) >= -1e-12).all()


def test_bumps_have_the_size_and_width_they_are_said_to_have():
    rng = np.random.default_rng(2)
    for points in (12, 25, 60):
        for _ in range(30):
            u = np.linspace(0.0, 1.0, points)
            mean, top = bump(rng, u, 0.01, 5.0)
            prominence = min(mean[top] - mean[:top].min(), mean[top] - mean[top + 1 :].min())
            assert prominence >= 0.04 and (mean >= 0.0).all()
            assert (mean[top - 1 : top + 2] >= mean[top] - 0.6 * prominence).sum() >= 2


def test_cells_are_half_double_descents_and_repeatable():
    one, two = list(cells(32, 2, 4)), list(cells(32, 2, 4))
    assert sum(cell.double_descent for cell in one) == 16
    for a, b in zip(one, two, strict=True):
        np.testing.assert_array_equal(a.errors, b.errors)
        u = natural_scale(a.x[reading_order(a.x, a.axis)], a.axis)
        assert (np.diff(u) > 0).all() and u[0] == 0.0 and u[-1] == 1.0


def test_rivals_score_a_clean_peak_above_a_clean_fall():
    u = np.linspace(0.0, 1.0, 20)
    noise = 0.002 * np.random.default_rng(3).standard_normal((4, 20))
    fall, peak = 0.2 + 0.4 * np.exp(-5 * u), 0.2 + 0.2 * np.exp(-0.5 * ((u - 0.5) / 0.1) ** 2)
    for rival in SHORT_RIVALS.values():
        assert rival(peak + noise) > rival(fall + noise)
