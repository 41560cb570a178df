"""Whether errors had settled when training ended, and what they were at shorter budgets: on curves of known course."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from analysis.report.wording import axis_details
from analysis.tables.along_axes import at_budgets, freezing_wise, verdicts_along
from analysis.tables.budgets import budgets, converged, errors_by_seed
from analysis.tables.collect import Tables, collect
from analysis.tables.groups import groups_along
from analysis.tables.load import read_sweep
from analysis.tables.verdict_frame import verdict_frame
from sweeps.spec import RunSpec
from tests.analysis.store_factory import Curve, finished, planned, sweep_text, whole

EPOCHS = 100


def _tables(store: Path, curve: Curve, last_seed: int = 4, skipped: int = -1) -> Tables:
    sweep, runs = planned(sweep_text(EPOCHS, "[0, 4, 8]", last_seed), store)
    for spec in runs.values():
        if spec.transfer.frozen != skipped:
            finished(store, spec, curve)
    return collect(read_sweep(sweep, store))


def _curve(test_at_end: Callable[[int], float], train_at_end: Callable[[int], float], noise: float = 0.004) -> Curve:
    """Errors that fall to .2 in 50 epochs and then change by so much over the second half, by frozen depth."""

    def curve(spec: RunSpec, epochs: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        rng = np.random.default_rng([spec.seed, spec.transfer.frozen])
        fall = 0.2 + 0.6 * np.exp(-epochs / 8)
        late = np.clip((epochs - 50) / 50, 0, None)
        sets = (test_at_end(spec.transfer.frozen), train_at_end(spec.transfer.frozen))
        test, train = (fall + late * move + noise * rng.standard_normal(len(epochs)) for move in sets)
        return test + 0.02 * rng.standard_normal(), train

    return curve


def test_a_depth_whose_errors_still_move_is_marked(tmp_path: Path) -> None:
    curve = _curve(lambda frozen: 0.08 if frozen == 4 else 0.0, lambda frozen: -0.08 if frozen == 8 else 0.0)
    tables = _tables(tmp_path, curve)
    (group,) = groups_along(tables.cells, "transfer.frozen")
    assert converged(tables, group).tolist() == [1.0, 0.0, 0.0]


@pytest.mark.parametrize("falls", [(0.05, 0.07), (0.03, 0.05, 0.09)], ids=["two seeds", "three seeds"])
def test_few_seeds_that_all_move_are_not_settled(tmp_path: Path, falls: tuple[float, ...]) -> None:
    """Over two seeds Student's interval is 13 standard errors wide on each side: 5 and 7 points are within it."""

    def curve(spec: RunSpec, epochs: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        late = np.clip((epochs - 60) / 40, 0, None)  # of the whole fall two thirds come after the first window
        sign = {0: 1.0, 4: 1.0, 8: (-1.0) ** spec.seed}[spec.transfer.frozen]
        fall = 1.5 * falls[spec.seed] * sign * (spec.transfer.frozen > 0)
        noise = 0.003 * np.random.default_rng([spec.seed, spec.transfer.frozen]).standard_normal(len(epochs))
        return 0.4 - late * fall + noise, np.zeros(len(epochs))

    tables = _tables(tmp_path, curve, last_seed=len(falls) - 1)
    (group,) = groups_along(tables.cells, "transfer.frozen")
    # Seeds that move to both sides leave their mean where it is, as far as so few of them can tell.
    assert converged(tables, group).tolist() == [1.0, 0.0, 1.0]


@pytest.mark.parametrize("last_seed", [0, 1, 4])
def test_noise_is_no_movement(tmp_path: Path, last_seed: int) -> None:
    tables = _tables(tmp_path, _curve(lambda _: 0.0, lambda _: 0.0, noise=0.01), last_seed)
    (group,) = groups_along(tables.cells, "transfer.frozen")
    assert converged(tables, group).tolist() == [1.0, 1.0, 1.0]


def test_a_depth_without_runs_is_unknown(tmp_path: Path) -> None:
    tables = _tables(tmp_path, _curve(lambda _: 0.0, lambda _: 0.0), skipped=4)
    (group,) = groups_along(tables.cells, "transfer.frozen")
    assert np.array_equal(converged(tables, group), [1.0, np.nan, 1.0], equal_nan=True)


def test_errors_at_a_budget_are_those_of_its_epoch(tmp_path: Path) -> None:
    tables = _tables(tmp_path, _curve(lambda _: 0.05, lambda _: 0.0), last_seed=1, skipped=4)
    (group,) = groups_along(tables.cells, "transfer.frozen")
    assert budgets(tables, group) == (25, 50, 100)
    for epochs in (25, 100):
        seeds, test, train = errors_by_seed(tables, group, epochs / 100)
        assert seeds == (0, 1) and np.isnan(test[:, 1]).all()
        row = int(tables.rows[int(group.cells[2])][1])
        begin = int(tables.curves.offsets[row])
        assert test[1, 2] == tables.curves.test_error[begin + epochs - 1]
        assert train[1, 2] == tables.curves.train_error[begin + epochs - 1]


def test_a_verdict_names_its_budget_and_is_given_at_shorter_ones(tmp_path: Path) -> None:
    """A peak along frozen units that is there at half the budget only."""

    def passing(spec: RunSpec, epochs: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        rng = np.random.default_rng([spec.seed, spec.transfer.frozen])
        bump = 0.12 * np.exp(-(((spec.transfer.frozen - 6) / 1.2) ** 2)) * np.exp(-(((epochs - 50) / 12) ** 2))
        test = 0.3 + 0.4 * np.exp(-epochs / 4) + bump + 0.003 * rng.standard_normal() + 0.01 * spec.seed
        return test, np.full(len(epochs), 0.0 if spec.transfer.frozen < 6 else 0.2)

    sweep, runs = planned(sweep_text(EPOCHS, "all", 4), tmp_path)
    for spec in runs.values():
        finished(tmp_path, spec, passing)
    tables = collect(read_sweep(sweep, tmp_path))
    (found,) = freezing_wise(tables)
    assert found.verdict is not None
    assert (found.budget, found.verdict.shape, found.verdict.converged) == (100, "monotone", True)
    at = at_budgets(tables, found.group)
    assert list(at) == [25, 50, 100]
    half = at[50]
    assert half is not None and half.peak is not None
    assert (half.shape, half.double_descent, half.peak.position) == ("double_descent", True, 6.0)


def test_a_call_says_whether_it_was_there_earlier_and_how_far_it_depends_on_settings(tmp_path: Path) -> None:
    def late(spec: RunSpec, epochs: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        rng = np.random.default_rng([spec.seed, spec.transfer.frozen])
        bump = 0.12 * np.exp(-(((spec.transfer.frozen - 6) / 1.2) ** 2)) * (epochs > 60)
        test = 0.3 + 0.4 * np.exp(-epochs / 4) + bump + 0.003 * rng.standard_normal() + 0.01 * spec.seed
        return test, np.full(len(epochs), 0.0 if spec.transfer.frozen < 6 else 0.2)

    sweep, runs = planned(sweep_text(EPOCHS, "all", 4), tmp_path)
    for spec in runs.values():
        finished(tmp_path, spec, late)
    tables = collect(read_sweep(sweep, tmp_path))
    (found,) = freezing_wise(tables)
    assert found.verdict is not None and found.verdict.double_descent
    assert {epochs: verdict and verdict.shape for epochs, verdict in found.earlier.items()} == {
        25: "monotone",
        50: "monotone",
    }
    assert found.verdict.sensitivity is not None and found.verdict.sensitivity > 0.7
    told = axis_details(found)
    assert [f"after {n} epochs of the same runs: monotone" for n in (25, 50)] == told[-2:]
    share = round(100 * found.verdict.sensitivity)
    assert f"the call stays under {share} % of other settings of the detector" in told


STEPS = """
name: steps
base:
  source: null
  target: {task: digits, size: 50}
  model: {family: resnet, depth: 14, width: 4}
  train: {steps: 400, batch_size: 16}
axes: {target.size: [50, 100, 200, 400, 800], seed: 0..4}
"""
LENGTHS = {50: 100, 100: 58, 200: 31, 400: 16, 800: 8}


def test_along_sizes_with_a_budget_in_steps_each_run_is_cut_at_a_share_of_its_own(tmp_path: Path) -> None:
    """400 steps are 100 epochs of 50 samples and 8 of 800: late in each training there is a peak at 200."""

    def late(spec: RunSpec, epochs: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        rng = np.random.default_rng([spec.seed, spec.target.size])
        assert len(epochs) == LENGTHS[spec.target.size]
        bump = 0.15 * (spec.target.size == 200) * (epochs / len(epochs) > 0.6)
        level = 0.4 - 0.03 * np.log2(spec.target.size / 50) + 0.003 * rng.standard_normal() + 0.01 * spec.seed
        return level + bump, np.full(len(epochs), 0.0 if spec.target.size < 200 else 0.2)

    tables = collect(read_sweep(whole(tmp_path, STEPS, late), tmp_path))
    (found,) = verdicts_along(tables, "target.size")
    assert (found.shortest, found.budget, found.epochs_text) == (8, 100, "8 to 100")
    assert found.verdict is not None and found.verdict.double_descent and found.verdict.peak is not None
    assert found.verdict.peak.position == 200
    assert {epochs: each and each.shape for epochs, each in found.earlier.items()} == {25: "monotone", 50: "monotone"}
    assert np.isfinite(errors_by_seed(tables, found.group, 0.25)[1]).all()
    told = axis_details(found)
    assert [f"after {each} % of the 8 to 100 epochs of the same runs: monotone" for each in (25, 50)] == told[-2:]
    frame = verdict_frame(tables, [found])
    assert frame["budget"].isna().tolist() == [True] + [False] * 5
