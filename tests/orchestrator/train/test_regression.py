"""A regression through the trial: what is recorded of it, and what the tables make of that."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
import torch

from analysis.tables.collect import collect
from analysis.tables.load import read_sweep
from analysis.tables.schema import numbers
from orchestrator.cli import main
from orchestrator.train.evaluation import unexplained_share
from orchestrator.train.losses import squared
from sweeps.sweep import parse

SWEEP = """
name: series
edition: 2
base:
  source: {task: {name: sine_drift, drift: 0}, size: 200, epochs: 2, batch_size: 100, loss: squared}
  target: {task: {name: sine_drift, drift: 3}, size: 100}
  model: {family: mlp, depth: 2, width: 8, inputs: 1}
  transfer: {frozen: 2, head: source}
  train: {loss: squared, epochs: 2, batch_size: 100}
axes:
  train.method: [gradient, lva_exact]
  seed: [0, 1]
"""


def test_the_unexplained_share() -> None:
    targets = torch.tensor([[1.0, 0.0], [3.0, 4.0], [5.0, 2.0]])
    assert unexplained_share(targets, targets) == (0.0, 0.0)
    assert unexplained_share(targets.mean(0).expand(3, 2), targets) == (1.0, pytest.approx(16 / 6))
    share, loss = unexplained_share(torch.zeros(3, 2), targets)
    assert (share, loss) == (pytest.approx(55 / 16), pytest.approx(55 / 6))
    assert math.isnan(unexplained_share(torch.zeros(3, 1), torch.ones(3, 1))[0])


def test_the_squared_loss_of_a_regression_is_that_of_mse() -> None:
    drawn = torch.Generator().manual_seed(0)
    outputs, targets = torch.randn(11, 3, generator=drawn), torch.randn(11, 3, generator=drawn)
    reference = torch.nn.functional.mse_loss(outputs, targets)
    torch.testing.assert_close(squared(outputs, targets), reference)
    torch.testing.assert_close(squared(outputs, targets, reduction="sum"), 11 * reference)


def test_a_sweep_of_a_regression_from_the_command_line_to_its_tables(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path, store = tmp_path / "series.yaml", tmp_path / "store"
    path.write_text(SWEEP)
    arguments = [str(path), "--store", str(store)]
    assert main(["run", *arguments, "--runner", "local", "--wandb", "disabled"]) == 0
    assert main(["verify", str(store)]) == 0
    capsys.readouterr()
    tables = collect(read_sweep(parse(SWEEP), store))
    runs = tables.runs
    assert list(runs["status"]) == ["done"] * 4 and np.isnan(numbers(runs, "test_samples")).all()
    error, loss = numbers(runs, "final_test_error"), numbers(runs, "final_test_loss")
    ratio = error / loss  # one test set, one variance
    np.testing.assert_allclose(ratio, ratio[0])
    assert (error > 1).any(), "a network of two epochs on a far shift is worse than the mean"
    solved = runs["train.method"].notna().to_numpy()
    assert (numbers(runs, "final_train_loss")[solved] < numbers(runs, "final_train_loss")[~solved]).all()
    assert (np.isfinite(numbers(runs, "weight_change")) == solved).all()
    harm = numbers(runs, "final_test_error") - numbers(runs, "unadapted_test_error")
    np.testing.assert_allclose(harm[solved], numbers(runs, "adaptation_harm")[solved])


def test_errors_of_a_regression_may_exceed_1_and_have_no_interval_over_images(tmp_path: Path) -> None:
    path, store = tmp_path / "series.yaml", tmp_path / "store"
    path.write_text(SWEEP)
    assert main(["run", str(path), "--store", str(store), "--runner", "local", "--wandb", "disabled"]) == 0
    cells = collect(read_sweep(parse(SWEEP), store)).cells
    mean, low, high = (numbers(cells, f"final_test_error{end}") for end in ("", "_low", "_high"))
    assert (mean > 1).any() and (low <= mean).all() and (mean <= high).all()
    assert np.isnan(numbers(cells, "final_test_error_images_high")).all()
