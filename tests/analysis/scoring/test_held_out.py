"""The held-out curves are what they are said to be. The scores: `python -m analysis score --axis held-out`."""

from __future__ import annotations

import numpy as np
import pytest

from analysis.scoring.held_out import LEAST_TURN, NOISES, NULLS, cells, hump
from analysis.scoring.short_axes import WIDE
from analysis.scoring.short_score import score_held_out


@pytest.mark.parametrize("family", NULLS)
def test_nulls_are_valleys(family: str):
    rng = np.random.default_rng(1)
    for _ in range(50):
        u = np.sort(np.r_[0.0, rng.uniform(0.0, 1.0, 20), 1.0])
        mean = NULLS[family](rng, u)
        turn = int(mean.argmin())
        assert (np.diff(mean[: turn + 1]) <= 1e-12).all() and (np.diff(mean[turn:]) >= -1e-12).all()


@pytest.mark.parametrize("points", [12, 30, 100])
def test_humps_have_a_prominence_of_one_and_are_wide(points: int):
    rng = np.random.default_rng(2)
    for _ in range(30):
        mean, top = hump(rng, np.linspace(0.0, 1.0, points))
        rise, fall = mean[top] - mean[:top].min(), mean[top] - mean[top + 1 :].min()
        assert min(rise, fall) == pytest.approx(1.0)
        assert min(rise, fall) >= LEAST_TURN * max(rise, fall) - 1e-9
        near = mean[max(0, top - WIDE) : top + WIDE + 1] >= mean[top] - 0.5
        assert near.sum() >= WIDE


def test_every_family_meets_every_noise():
    drawn = list(cells(len(NULLS) * len(NOISES), 2, 3, points=(4, 12), double_descents=False))
    assert len({(cell.family, cell.noise) for cell in drawn}) == len(drawn)
    assert not any(cell.double_descent for cell in drawn)


@pytest.mark.parametrize("noise", NOISES)
def test_noise_has_the_size_it_is_said_to_have(noise: str):
    drawn = [cell for cell in cells(700, 4, 4, points=(60, 60), double_descents=False) if cell.noise == noise]
    flat = [cell for cell in drawn if cell.family == "flat"]
    ratios = [(cell.errors - cell.errors.mean(axis=1, keepdims=True)).std() / cell.sigma for cell in flat]
    assert np.mean(ratios) == pytest.approx(1.0, abs=0.08)


def test_a_small_run_of_the_score():
    tallies = score_held_out(5, number=28)
    assert len(tallies) == 7 and all(len(tally.cells) == 28 for tally in tallies.values())
    assert sum(tallies["5 seed(s), 12 to 100 points"].truth) == 14
