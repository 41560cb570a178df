"""Short axes: every kind of fault that was found, with numbers of our own, and real curves where they are at hand."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from analysis.detector.descent import detect, detect_each
from analysis.detector.sensitivity import with_sensitivity
from analysis.detector.short_axis.axis_scale import kernel_means, local_quadratic, natural_scale
from analysis.detector.short_axis.cause import cause_of_peak
from analysis.detector.short_axis.peak_test import reduced_valley
from analysis.detector.short_axis.point_noise import excess_variation, local_noise
from analysis.scoring.known_curve import through

WIDTHS = Path(__file__).parents[3].parent / "shared" / "curves" / "width"
UNITS = np.array([0, 2, 4, 6, 7, 8, 9, 10])
FROZEN = np.array([0.241, 0.238, 0.247, 0.262, 0.291, 0.327, 0.302, 0.236])


def bump(x: np.ndarray) -> np.ndarray:
    """Final error against width: down to .28 at 6, up to .37 at 15, down to .16."""
    return through([1, 6, 15, 100], [0.75, 0.28, 0.37, 0.16])(x)


def positions(verdict) -> tuple[float, ...]:
    return tuple(point.position for point in verdict.points().values())


def test_few_smooth_points_of_one_seed_on_a_log_axis():
    x = [1, 2, 4, 6, 10, 14, 18, 26, 40, 70, 130]
    y = [0.71, 0.52, 0.36, 0.31, 0.345, 0.395, 0.388, 0.35, 0.29, 0.23, 0.19]
    verdict = detect(x, y, axis="width")
    assert verdict.double_descent is True and verdict.strength == "strong"
    assert positions(verdict) == (6, 14, 130)
    assert verdict.peak is not None and verdict.peak.error == 0.395


@pytest.mark.parametrize("seed", range(12))
def test_dense_noisy_widths_of_one_seed(seed: int):
    x = np.arange(1.0, 101.0)
    y = bump(x) + 0.011 * np.random.default_rng(seed).standard_normal(100)
    verdict = detect(x, y, axis="width")
    assert verdict.double_descent is True and verdict.strength == "strong"
    first, peak, _ = positions(verdict)
    assert 4 <= first <= 8 and 11 <= peak <= 20


@pytest.mark.parametrize("at", [9, 14, 20])
def test_one_failed_run_is_no_peak(at: int):
    x = np.arange(2.0, 62.0, 2.0)
    smooth = 0.15 + 0.6 * np.exp(-x / 11.0) + 0.003 * np.random.default_rng(1).standard_normal(30)
    failed = smooth.copy()
    failed[at] += 0.4
    verdict = detect(x, failed, axis="width")
    assert verdict.shape == "monotone" and verdict.double_descent is False
    assert verdict.note is not None and f"without the run at {x[at]:g}" in verdict.note


@pytest.mark.parametrize("number", [1, 2])
def test_failed_seeds_at_one_width_are_left_out(number: int):
    x = np.arange(2.0, 62.0, 2.0)
    rng = np.random.default_rng(2)
    errors = 0.15 + 0.6 * np.exp(-x / 11.0) + 0.004 * rng.standard_normal((5, 30))
    errors[:number, 14] += 0.45
    verdict = detect(x, errors, axis="width")
    assert verdict.shape == "monotone"
    assert verdict.note is not None and f"{number} of 5 seeds left out at 30" in verdict.note


def test_curvature_on_an_uneven_grid_is_no_noise():
    u = natural_scale(np.array([1.0, 2, 3, 5, 8, 16, 30, 64, 150, 300]), "width")
    fall = 0.1 + 0.6 * np.exp(-3.0 * u)
    assert local_noise(u, fall[None]).max() < 0.004
    assert excess_variation(fall[None])[0] == 0.0


def test_unknown_noise_is_a_shape_as_seen_and_no_call():
    verdict = detect([8, 16, 32, 64, 128], [0.4, 0.3, 0.38, 0.25, 0.2], axis="width")
    assert verdict.shape == "double_descent" and verdict.double_descent is None
    assert verdict.significance == "not_tested" and verdict.strength == "undecided"
    assert verdict.p_value is None and verdict.single_seed_significance is None
    assert verdict.note is not None and "as seen" in verdict.note


def test_two_seeds_of_unlike_scatter_are_not_tested():
    x = np.arange(20.0)
    rng = np.random.default_rng(3)
    mean = 0.3 + 0.05 * np.exp(-0.5 * ((x - 10) / 2.5) ** 2)
    errors = mean + np.array([[0.001], [0.05]]) * rng.standard_normal((2, 20))
    verdict = detect(x, errors, axis="depth")
    assert verdict.double_descent is None and verdict.significance == "not_tested"
    alike = detect(x, mean + 0.005 * rng.standard_normal((2, 20)), axis="depth")
    assert alike.double_descent is True and alike.p_value is not None
    assert all(point.position_interval is None for point in alike.points().values())


def test_noise_that_differs_along_the_axis():
    """Loud at one end, by a factor of nine: its swings are no peak."""
    x, called = np.arange(30.0), 0
    for seed in range(60):
        rng = np.random.default_rng(seed)
        noise = 0.03 * 9.0 ** (-x / 29) * rng.standard_normal((3, 30))
        called += detect(x, 0.3 + noise, axis="depth").double_descent is True
    assert called <= 2


def test_frozen_units_are_read_from_head_only_down():
    errors = FROZEN + 0.012 * np.random.default_rng(4).standard_normal((5, 8))
    verdict = detect(UNITS, errors, axis="frozen")
    mirrored = detect(10 - UNITS[::-1], errors[:, ::-1], axis="depth")
    assert verdict.double_descent is True and mirrored.double_descent is True
    assert positions(verdict) == tuple(10 - place for place in positions(mirrored))
    assert verdict.p_value == mirrored.p_value and verdict.strength == mirrored.strength
    assert verdict.first_min is not None and verdict.first_min.position == 10


def test_strength_is_decided_by_the_paired_interval():
    rng = np.random.default_rng(5)
    even = detect(UNITS, FROZEN + 0.02 * rng.standard_normal((5, 8)), axis="frozen")
    assert even.strength == "undecided" and even.strength_interval is not None
    assert even.strength_interval[0] < 0.0 < even.strength_interval[1]
    lower = FROZEN + 0.004 * rng.standard_normal((5, 8))
    lower[:, 0] -= 0.06
    strong = detect(UNITS, lower, axis="frozen")
    assert strong.strength == "strong" and strong.strength_interval is not None and strong.strength_interval[1] < 0.0


@pytest.mark.parametrize("begun", [(0, 8), (7, 9, 10), (2, 10)])
def test_one_more_seed_that_has_begun_hardly_moves_p(begun: tuple[int, ...]):
    rng = np.random.default_rng(6)
    mild = 0.25 + 0.45 * (FROZEN - 0.25)
    errors = mild + 0.012 * rng.standard_normal((6, 8)) + 0.01 * rng.standard_normal((6, 1))
    before = detect(UNITS, errors[:5], axis="frozen").p_value
    errors[5, ~np.isin(UNITS, begun)] = np.nan
    after = detect(UNITS, errors, axis="frozen").p_value
    assert before is not None and after == before


def test_one_seed_with_most_of_the_points_counts():
    errors = FROZEN + 0.01 * np.random.default_rng(6).standard_normal((5, 8))
    errors[4, 2] = np.nan
    verdict = detect(UNITS, errors, axis="frozen")
    assert verdict.seeds == 5 and verdict.double_descent is True
    errors[4, 2:7] = np.nan
    fewer = detect(UNITS, errors, axis="frozen")
    assert fewer.seeds == 4 and fewer.note is not None and "1 seeds with less than half" in fewer.note


def test_heights_are_those_of_the_line():
    errors = FROZEN + 0.01 * np.random.default_rng(7).standard_normal((4, 8))
    verdict = detect(UNITS, errors, axis="frozen")
    mean = dict(zip(UNITS.tolist(), errors.mean(axis=0).tolist(), strict=True))
    for point in verdict.points().values():
        assert point.error == pytest.approx(mean[int(point.position)])
        assert point.error_interval is not None and point.error_interval[0] < point.error < point.error_interval[1]


def test_a_final_ascent_is_said():
    x = np.arange(16.0)
    mean = np.interp(x, [0, 3, 7, 11, 15], [0.4, 0.2, 0.3, 0.18, 0.3])
    verdict = detect(x, mean + 0.004 * np.random.default_rng(8).standard_normal((4, 16)), axis="depth")
    assert verdict.shape == "double_descent"
    assert verdict.final_ascent == pytest.approx(0.12, abs=0.02)
    assert verdict.note is not None and "rises again" in verdict.note


def test_cause_needs_the_crossing_at_the_peak():
    level = FROZEN[::-1]  # head only first
    turns = (0, 2, 6)
    crossing = np.array([0.42, 0.16, 0.02, 0.0, 0.0, 0.0, 0.0, 0.0])
    assert cause_of_peak(level, turns, crossing, frozen=True)[0] == "interpolation"
    assert cause_of_peak(level, turns, np.full(8, 0.0), frozen=True)[0] == "co_adaptation"
    assert cause_of_peak(level, turns, np.full(8, np.nan), frozen=True) == ("unknown", None)
    late = np.array([0.42, 0.4, 0.38, 0.36, 0.34, 0.33, 0.32, 0.12])
    assert cause_of_peak(level, turns, late, frozen=True)[0] == "co_adaptation"
    assert cause_of_peak(level, turns, late, frozen=False)[0] == "unknown"


def test_a_dip_without_interpolation_is_no_double_descent():
    rng = np.random.default_rng(9)
    errors = FROZEN + 0.01 * rng.standard_normal((5, 8))
    train = np.tile(np.linspace(0.3, 0.4, 8), (5, 1))
    verdict = detect(UNITS, errors, train_errors=train, axis="frozen")
    assert verdict.shape == "double_descent" and verdict.cause == "co_adaptation"
    assert verdict.double_descent is False


def test_a_mean_with_a_gaussian_kernel_makes_no_peak_of_a_valley():
    rng = np.random.default_rng(10)
    for _ in range(200):
        u = np.sort(rng.uniform(0.0, 1.0, 30))
        valley = np.abs(u - rng.uniform()) ** rng.uniform(0.3, 3.0)
        smooth = kernel_means(u, rng.uniform(0.01, 0.2)) @ valley
        turn = int(smooth.argmin())
        assert (np.diff(smooth[: turn + 1]) <= 1e-12).all() and (np.diff(smooth[turn:]) >= -1e-12).all()


def test_the_local_quadratic_keeps_the_height_of_a_peak():
    u = np.linspace(0.0, 1.0, 60)
    peak = np.exp(-0.5 * ((u - 0.5) / 0.08) ** 2)
    assert (local_quadratic(u, 0.04) @ peak)[29:31].max() > 0.97
    assert (kernel_means(u, 0.04) @ peak).max() < 0.92


def test_the_reduced_valley_joins_what_noise_tells_apart():
    rng = np.random.default_rng(11)
    y = np.r_[np.full(5, 3.0), np.zeros(30)] + 0.3 * rng.standard_normal(35)
    fit = reduced_valley(y, np.full(35, 0.3))
    assert len(np.unique(fit)) == 2 and fit[0] == pytest.approx(3.0, abs=0.5)


def test_sensitivity_is_a_share_of_settings():
    x = np.arange(1.0, 101.0)
    y = bump(x) + 0.006 * np.random.default_rng(12).standard_normal(100)
    clear = with_sensitivity(detect(x, y, axis="width"), x, y, axis="width")
    assert clear.sensitivity is not None and clear.sensitivity >= 0.9
    assert detect(x, y, axis="width").sensitivity is None


def test_each_seed_alone_on_a_short_axis():
    errors = FROZEN + 0.004 * np.random.default_rng(13).standard_normal((3, 8))
    assert [v.seeds for v in detect_each(UNITS, errors, axis="frozen")] == [1, 1, 1]


@pytest.mark.skipif(not WIDTHS.is_dir(), reason="the published curves are not beside the repository")
@pytest.mark.parametrize(
    ("file", "first", "peak"),
    [
        ("mlp_mnist4k_noise30", (4, 9), (12, 22)),
        ("cnn3_cifar100_25k_noise20", (4, 7), (11, 15)),
        ("preact_cifar100_noise20", (2, 4), (5, 9)),
        ("cnn5_cifar10_25k_noise20", (6, 8), (9, 11)),
        ("mlp_mnist4k_noise0", None, None),
    ],
)
def test_published_widths(file: str, first: tuple[int, int] | None, peak: tuple[int, int] | None):
    table = pd.read_csv(WIDTHS / f"{file}.csv")
    verdict = detect(table.width, table.test_error, axis="width")
    if first is None or peak is None:
        assert verdict.shape == "monotone" and verdict.double_descent is False
        return
    assert verdict.double_descent is True and verdict.strength == "strong"
    assert first[0] <= positions(verdict)[0] <= first[1] and peak[0] <= positions(verdict)[1] <= peak[1]
