"""Curves that were evaluated on a logarithmic grid: tables and verdicts speak of epochs, not of rows."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from analysis.tables.budgets import budgets, errors_by_seed
from analysis.tables.collect import collect
from analysis.tables.curves import Curves
from analysis.tables.epochwise import run_verdicts
from analysis.tables.groups import groups_along
from analysis.tables.load import read_sweep
from frostline.cli import main as frostline
from sweeps.spec import Recipe
from sweeps.sweep import parse
from tasks.steps import evaluated_epochs

SWEEP = """
name: grid
edition: 1
base:
  source: null
  target: {task: digits, size: 40}
  model: {family: resnet, depth: 8, width: 2}
  train: {epochs: 15, evaluate: log}
axes:
  transfer.frozen: [0, 7]
"""


def test_a_swept_log_grid_comes_through_to_the_tables(tmp_path: Path) -> None:
    (tmp_path / "grid.yaml").write_text(SWEEP)
    store = tmp_path / "store"
    run = ["run", str(tmp_path / "grid.yaml"), "--store", str(store), "--runner", "local", "--wandb", "disabled"]
    assert frostline(run) == 0
    tables = collect(read_sweep(parse(SWEEP), store))
    epochs, test, _ = tables.curves.cell(np.array([0]))
    assert epochs.tolist() == [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 13, 14, 15]
    assert test.shape == (1, 14) and tables.curves.last_epochs().tolist() == [15, 15]
    (group,) = groups_along(tables.cells, "transfer.frozen")
    assert budgets(tables, group) == (4, 8, 15)
    half = tables.curves.at_share(np.array([0, 1]), 0.8)  # epoch 12 was not evaluated: 11
    assert half.tolist() == [10, 24]
    assert np.array_equal(errors_by_seed(tables, group, 0.8)[1][0], tables.curves.test_error[half])
    assert np.array_equal(errors_by_seed(tables, group)[1][0], tables.curves.test_error[[13, 27]])


def grid_and_whole() -> Curves:
    """A run measured after every epoch, and the same run measured after some."""
    test = np.concatenate([np.linspace(0.5, 0.1, 8), [0.2, 0.3, 0.3, 0.2], np.linspace(0.15, 0.05, 8)])
    train = np.linspace(0.5, 0.0, 20)
    kept = np.array([1, 2, 4, 8, 10, 12, 16, 20])
    epoch = np.concatenate([np.arange(1, 21), kept])
    test, train = (np.concatenate([values, values[kept - 1]]) for values in (test, train))
    return Curves(np.array([0, 20, 28]), test, train, epoch)


def test_crossings_are_epochs() -> None:
    curves = grid_and_whole()
    assert curves.epochs_to(0.2).tolist() == [13, 16]
    assert curves.at_share(np.array([0, 1]), 0.6).tolist() == [11, 25]
    assert curves.at_share(np.array([0, 1]), 0.65).tolist() == [12, 25]
    assert curves.at_share(np.array([0, 1]), 0.01).tolist() == [0, 20]
    assert curves.last_epochs().tolist() == [20, 20]
    assert curves.cell(np.array([1]))[0].tolist() == [1, 2, 4, 8, 10, 12, 16, 20]


def test_a_peak_stands_at_its_epoch() -> None:
    """Falls to epoch 20, rises to 80, falls to 400: the same verdict from all epochs and from a grid of them."""
    epochs = np.arange(1, 401)
    test = np.interp(np.log(epochs), np.log([1, 20, 80, 400]), [0.8, 0.2, 0.35, 0.15])
    kept = np.array(evaluated_epochs(Recipe(evaluate="log"), 400))
    both = np.concatenate([test, test[kept - 1]])
    curves = Curves(np.array([0, 400, 400 + len(kept)]), both, both, np.concatenate([epochs, kept]))
    for verdict in run_verdicts(curves, np.array([0, 1])).values():
        assert verdict.shape == "double_descent" and verdict.peak is not None and verdict.first_min is not None
        assert 65 <= verdict.peak.position <= 98 and 16 <= verdict.first_min.position <= 25
