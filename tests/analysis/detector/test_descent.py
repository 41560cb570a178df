"""The detector on curves whose shape is known: published figures, constructed cases, hostile input."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis.detector.descent import detect, detect_cells, detect_each, detect_many
from analysis.scoring.known_curve import through
from analysis.scoring.synthetic import labelled

CURVES = Path(__file__).parents[3].parent / "shared" / "curves"
WIDTH_8 = ([0, 3, 6, 8, 9, 10, 11, 12, 13], [0.220, 0.209, 0.233, 0.231, 0.227, 0.261, 0.294, 0.261, 0.230])


CELLS = [
    (family, seeds) for family in ("dd_weak", "dd_spikes", "flat_tail", "step_drops_rising") for seeds in (5, 2, 1)
]


def noisy(epochs: list[float], errors: list[float], points: int, seeds: int, sd: float = 0.006, seed: int = 0):
    """Noise that is three times as large at the start as at the end, as in real runs."""
    x = np.arange(points, dtype=float)
    level = sd * 3.0 ** -(np.log10(x + 1) / np.log10(points))
    noise = np.random.default_rng(seed).standard_normal((seeds, points))
    return x, through(epochs, errors)(x) + level * noise


@pytest.mark.skipif(not CURVES.is_dir(), reason="the published curves are not beside the repository")
@pytest.mark.parametrize(("file", "first", "peak"), [("cnn5_uniform_lr", 26, 175), ("cnn5_large_head_lr", 28, 208)])
def test_published_weak_double_descents(file: str, first: float, peak: float):
    table = pd.read_csv(CURVES / f"{file}.csv")
    train = 1 - table.train_accuracy / 100
    verdict = detect(table.epoch, 1 - table.test_accuracy / 100, train_errors=train)
    assert (verdict.shape, verdict.strength) == ("double_descent", "weak")
    assert verdict.first_min is not None and abs(verdict.first_min.position - first) <= 15
    assert verdict.peak is not None and abs(verdict.peak.position - peak) <= 0.2 * peak
    assert verdict.train_error_at_peak == pytest.approx(0.06, abs=0.03)
    assert verdict.single_seed_significance is not None and verdict.single_seed_significance <= 0.01


@pytest.mark.skipif(not CURVES.is_dir(), reason="the published curves are not beside the repository")
def test_published_rise_to_a_plateau_is_not_double_descent():
    table = pd.read_csv(CURVES / "cnn5_small_head_lr.csv")
    verdict = detect(table.epoch, 1 - table.test_accuracy / 100)
    assert verdict.shape == "plateau"
    assert verdict.single_seed_significance is not None and verdict.single_seed_significance > 0.05


@pytest.mark.parametrize("seeds", [1, 5])
@pytest.mark.parametrize(
    ("epochs", "errors", "points", "shape", "strength"),
    [  # Nakkiran et al. 2019, ResNet18 of width k, CIFAR-10, 20 % label noise; then a small run of 100 epochs
        ([0, 23, 63, 400, 3999], [0.65, 0.173, 0.327, 0.219, 0.196], 4000, "double_descent", "weak"),
        ([0, 84, 3999], [0.65, 0.222, 0.31], 4000, "u_shaped", None),
        ([0, 300, 3999], [0.7, 0.26, 0.243], 4000, "monotone", None),
        ([0, 3, 10, 37, 99], [0.6, 0.069, 0.148, 0.108, 0.105], 100, "double_descent", "weak"),
        ([0, 20, 70, 400], [0.6, 0.20, 0.26, 0.15], 400, "double_descent", "strong"),
        ([0, 20, 70, 400], [0.6, 0.20, 0.26, 0.26], 400, "plateau", None),
    ],
)
def test_shapes_from_the_literature(epochs, errors, points, shape, strength, seeds):
    x, y = noisy(epochs, errors, points, seeds)
    verdict = detect(x, y)
    assert (verdict.shape, verdict.strength) == (shape, strength)
    assert verdict.seeds == seeds
    if shape == "double_descent":
        assert verdict.peak is not None and verdict.peak.position == pytest.approx(epochs[2], rel=0.2)


@pytest.mark.parametrize("axis", ["frozen", "depth"])
def test_short_axis_with_a_nearly_flat_first_side_is_double_descent(axis):
    k, error = WIDTH_8
    seeds = np.array(error) + 0.01 * np.random.default_rng(3).standard_normal((4, 9))
    verdict = detect(k, seeds, axis=axis)
    assert verdict.double_descent
    assert verdict.peak is not None and verdict.peak.position == 11
    assert verdict.p_value is not None and verdict.p_value <= 0.01
    backwards = detect(k[::-1], seeds[:, ::-1], axis=axis)
    assert backwards == verdict  # x is sorted: the order of the columns says nothing


def test_pairing_takes_the_level_of_a_seed_out():
    k, error = WIDTH_8
    rng = np.random.default_rng(5)
    seeds = np.array(error) + 0.005 * rng.standard_normal((4, 9)) + np.array([-0.2, -0.05, 0.1, 0.2])[:, None]
    assert detect(k, seeds, axis="frozen").double_descent
    assert not detect(k, seeds, axis="frozen", paired=False).double_descent


def test_monotone_short_axis_has_no_peak():
    rng = np.random.default_rng(0)
    called = 0
    for _ in range(100):
        seeds = np.linspace(0.2, 0.35, 12) + 0.01 * rng.standard_normal((5, 12))
        called += detect(np.arange(12), seeds, axis="frozen", p_values=False).shape == "double_descent"
    assert called <= 3


def test_unaligned_peaks_are_found_per_seed():
    x = np.arange(600.0)
    places = [12, 22, 35, 60, 110, 190]
    rng = np.random.default_rng(1)
    curves = [
        through([0, p / 4, p, 2.2 * p, 599], [0.6, 0.2, 0.24, 0.2, 0.2])(x) + 0.003 * rng.standard_normal(600)
        for p in places
    ]
    own = detect_each(x, curves)
    assert [v.shape for v in own] == ["double_descent"] * 6
    verdict = detect(x, curves)
    assert verdict.double_descent and verdict.agreement == 1.0


def test_train_error_that_rises_too_is_an_instability():
    x, y = noisy([0, 10, 30, 90, 300], [0.6, 0.2, 0.3, 0.2, 0.2], 301, 1)
    falling = through([0, 300], [0.8, 0.0])(x)[None]
    rising = through([0, 10, 30, 90, 300], [0.7, 0.3, 0.45, 0.2, 0.1])(x)[None]
    assert detect(x, y, train_errors=falling).double_descent
    verdict = detect(x, y, train_errors=rising)
    assert verdict.shape == "unstable" and verdict.note is not None and "train error" in verdict.note


def test_step_of_a_schedule_is_no_second_descent():
    x = np.arange(300.0)
    y = through([0, 20, 149, 300], [0.6, 0.2, 0.24, 0.24])(x) - 0.1 * (x >= 150)
    y = y + 0.003 * np.random.default_rng(0).standard_normal(300)
    verdict = detect(x, y)
    assert verdict.shape == "unstable" and verdict.note is not None and "step at 150" in verdict.note


def test_spikes_do_not_make_a_peak():
    x, y = noisy([0, 60, 500], [0.6, 0.2, 0.2], 500, 1, sd=0.003)
    for at in (15, 40, 120, 350):
        y[0, at : at + 3] += 0.15
    assert detect(x, y).shape == "monotone"


def test_cyclic_wiggle_is_refused():
    x, y = noisy([0, 30, 600], [0.6, 0.2, 0.2], 600, 3, sd=0.003)
    assert detect(x, y + 0.03 * np.sin(2 * np.pi * x / 60)).shape == "unstable"


def test_seeds_of_different_length_and_holes():
    x, y = noisy([0, 20, 70, 300, 999], [0.65, 0.17, 0.32, 0.22, 0.2], 1000, 4)
    y[:, 0] += 0.0
    y += np.array([0.0, 0.02, -0.02, 0.03])[:, None]
    y[0, 600:] = np.nan
    y[1, 40:45] = np.nan
    verdict = detect(x, y)
    assert verdict.double_descent and verdict.strength == "weak"
    assert verdict.peak is not None and verdict.peak.position_interval is not None
    low, high = verdict.peak.position_interval
    assert low < 75 and high > 60
    assert verdict.p_value is not None and verdict.p_value <= 0.05


def test_log_spaced_and_coarse_logs():
    curve = through([0, 23, 63, 400, 3999], [0.65, 0.173, 0.327, 0.219, 0.196])
    rng = np.random.default_rng(0)
    for x in (np.unique(np.round(np.geomspace(1, 4000, 100))), np.arange(0.0, 4000, 5)):
        verdict = detect(x, curve(x) + 0.004 * rng.standard_normal(len(x)))
        assert verdict.double_descent and verdict.strength == "weak"


def test_many_equals_each_alone():
    x, y = noisy([0, 20, 70, 300, 999], [0.65, 0.17, 0.32, 0.22, 0.2], 1000, 6)
    y[3] = noisy([0, 20, 999], [0.65, 0.17, 0.17], 1000, 1)[1][0]
    y[4] = noisy([0, 20, 70, 999], [0.65, 0.17, 0.25, 0.25], 1000, 1)[1][0] - 0.1 * (x >= 300)
    together = detect_many(x, y)
    alone = [detect(x, row, p_values=False) for row in y]
    assert list(together.shape) == [v.shape for v in alone]
    assert {v.shape for v in alone} == {"double_descent", "monotone", "unstable"}
    for many, one in zip(together.verdicts(), alone, strict=True):
        assert many.prominence == pytest.approx(one.prominence) and many.note == one.note


def test_cells_together_equal_each_alone():
    found = [labelled(family, seeds, np.random.default_rng(i), 600) for i, (family, seeds) in enumerate(CELLS)]
    same = [cell for cell in found if len(cell.x) == 600]
    assert len(same) >= 6
    trains = [np.linspace(0.5, 0.0, 600) + 0.0 * cell.errors for cell in same]
    together = detect_cells(same[0].x, [cell.errors for cell in same], trains)
    for cell, train, many in zip(same, trains, together, strict=True):
        one = detect(cell.x, cell.errors, train_errors=train)
        assert (many.shape, many.strength, many.note, many.seeds) == (one.shape, one.strength, one.note, one.seeds)
        assert (many.p_value, many.agreement) == (one.p_value, one.agreement)
        for name, point in one.points().items():
            its = many.points()[name]
            assert (its.position, its.error) == pytest.approx((point.position, point.error))
            assert its.position_interval == pytest.approx(point.position_interval)
    assert {v.shape for v in together} >= {"double_descent", "monotone"}


@pytest.mark.parametrize(
    ("x", "errors", "message"),
    [
        ([0, 1, 2], [0.3, 0.2, 0.1], "3 points with a value; at least 4"),
        ([0, 1, 2, 2], [0.3, 0.2, 0.1, 0.1], "2 appears twice"),
        ([0, 1, 2, np.nan], [0.3, 0.2, 0.1, 0.1], "x: every value must be finite"),
        ([0, 1, 2, 3, 4], [0.3, 0.2, 0.1, 0.1], "does not fit x"),
        ([0, 1, 2, 3], [np.nan] * 4, "0 points with a value"),
    ],
)
def test_bad_input_is_a_value_error(x, errors, message):
    with pytest.raises(ValueError, match=message):
        detect(x, errors)


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.one_of(st.floats(0, 1), st.just(float("nan"))), min_size=8, max_size=80),
    st.integers(1, 4),
    st.sampled_from(["epoch", "frozen"]),
)
def test_any_numbers_give_a_verdict_that_is_consistent(values, seeds, axis):
    row = np.array(values)
    if np.isfinite(row).sum() < 4:
        return
    verdict = detect(np.arange(len(row)), np.tile(row, (seeds, 1)), axis=axis)
    if verdict.shape == "double_descent":
        first, peak, second = verdict.first_min, verdict.peak, verdict.second_min
        assert first is not None and peak is not None and second is not None
        first, second = (second, first) if axis == "frozen" else (first, second)  # read from head only down
        assert first.position < peak.position < second.position
        assert verdict.prominence is not None
        assert min(peak.error - first.error, peak.error - second.error) == pytest.approx(verdict.prominence)
    assert verdict.p_value is None or 0.0 < verdict.p_value <= 1.0


def test_flat_and_constant_curves_are_monotone():
    assert detect(np.arange(50), np.full(50, 0.3)).shape == "monotone"
    assert detect(np.arange(12), np.full((4, 12), 0.3), axis="frozen").shape == "monotone"


def test_contract_names():
    x, y = noisy([0, 20, 70, 300, 999], [0.65, 0.17, 0.32, 0.22, 0.2], 1000, 1)
    contract = detect(x, y).as_json("a")
    names = (
        "run shape strength strength_interval first_min peak second_min final_ascent prominence p_value "
        "single_seed_significance q_value significance significant_at double_descent cause converged censored "
        "seeds agreement sensitivity note"
    )
    assert list(contract) == names.split()
    assert set(contract["peak"]) == {"epoch", "error"}
    assert contract["p_value"] is None and contract["double_descent"] is True
