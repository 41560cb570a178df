"""Runs whose head alone trains: the curve that theory predicts from the frozen features, beside the measured one."""

from __future__ import annotations

import math
from typing import Any, NamedTuple, Protocol

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from analysis.tables.load import StoredRun, StoredSweep, read_epochs
from analysis.theory.alignment import kernel_target_alignment
from analysis.theory.gradient_filter import Readout, ReadoutCurve, readout_limit
from analysis.theory.learning_curve import expected_error, spectrum
from analysis.theory.readout_prediction import Kind, predicted_curve

Array = NDArray[np.float64]

FOLLOWED = ("train_loss", "test_loss", "train_error", "test_error")


class Curve(Protocol):
    """Predicted errors after each of `epochs`."""

    @property
    def epochs(self) -> NDArray[np.int64]: ...
    @property
    def train_error(self) -> Array: ...
    @property
    def test_error(self) -> Array: ...


class ReadoutOverlay(NamedTuple):
    """Predicted and measured values after each evaluated epoch. `truth` (n, C): training targets without noise."""

    run: StoredRun
    kind: str
    task: Readout
    truth: Array
    predicted: ReadoutCurve
    measured: pd.DataFrame
    """Columns `epoch` and FOLLOWED."""
    regression: bool = False
    """Targets are real values: an error is the share of their variance that is left unexplained."""

    def frame(self) -> pd.DataFrame:
        """Columns run_id, epoch, and for each of FOLLOWED the measured value and `theory_<name>`."""
        columns: dict[str, Any] = {"run_id": self.run.id, "epoch": self.measured["epoch"].to_numpy()}
        for name in FOLLOWED:
            columns |= {name: self.measured[name].to_numpy(), f"theory_{name}": getattr(self.predicted, name)}
        return pd.DataFrame(columns)


def readout_overlay(
    stored: StoredSweep, run: StoredRun, kind: Kind, task: Readout, truth: Array, regression: bool = False
) -> ReadoutOverlay:
    """Predict a finished run from what its head reads. kind: of its recipe (`kind_of`). Raises ValueError, in one line,
    for a rate above the limit of stability."""
    measured = read_epochs(stored.store, run, ["epoch", *FOLLOWED]).to_pandas()
    predicted = predicted_curve(task, kind, measured["epoch"].to_numpy())
    if regression:
        predicted = predicted._replace(
            train_error=predicted.train_loss / _variance(task.targets),
            test_error=predicted.test_loss / _variance(task.test_targets),
        )
    return ReadoutOverlay(run, kind.name, task, truth, predicted, measured, regression)


def _variance(targets: Array) -> float:
    """Of targets (n, C) about their means over the set, the mean over C."""
    return float(targets.var(axis=0).mean())


def readout_row(found: ReadoutOverlay) -> dict[str, Any]:
    """One row of the table of runs: how far curves are apart, the limit, the expected error, the alignment.

    theory_loss_difference: the largest relative difference of the test losses; NaN where the surrogate has none.
    theory_peak_epoch, peak_epoch: where the test error is largest after its first minimum (where the loss is, of a
    regression). theory_expected_loss: of least squares on random sets of this size, from the spectrum of all samples at
    hand; without label noise alone.
    """
    task, predicted, measured = found.task, found.predicted, found.measured
    loss, error = readout_limit(task)
    if found.regression:
        error = loss / _variance(task.test_targets)
    followed = "test_loss" if found.regression else "test_error"
    difference = np.abs(predicted.test_loss / measured["test_loss"].to_numpy() - 1)
    return {
        "run_id": found.run.id,
        "theory_kind": found.kind,
        "final_test_error": float(measured["test_error"].iloc[-1]),
        "theory_test_error": float(predicted.test_error[-1]),
        "theory_difference": float(measured["test_error"].iloc[-1] - predicted.test_error[-1]),
        "theory_loss_difference": float(difference.max()) if len(difference) else math.nan,
        "peak_epoch": peak_epoch(measured["epoch"].to_numpy(), measured[followed].to_numpy()),
        "theory_peak_epoch": peak_epoch(predicted.epochs, getattr(predicted, followed)),
        "theory_limit_error": error,
        "theory_limit_loss": loss,
        "theory_expected_loss": _expected(found),
        "theory_alignment": kernel_target_alignment(task.features, found.truth),
    }


def peak_epoch(epochs: NDArray[np.int64], values: Array) -> float:
    """The epoch of the largest value after the first minimum that is followed by a rise, for a curve that falls again.

    NaN where the largest later value is the last one, or there is none. The peak is where the value is furthest above
    the smallest one before it.
    """
    if len(values) < 3 or not np.isfinite(values).all():
        return math.nan
    lowest = np.minimum.accumulate(values)
    peak = int((values - lowest).argmax())
    falls = peak < len(values) - 1 and values[peak + 1 :].min() < values[peak]
    return float(epochs[peak]) if falls and values[peak] > lowest[peak] else math.nan


def _expected(found: ReadoutOverlay) -> float:
    task = found.task
    if not np.array_equal(task.targets, found.truth):
        return math.nan
    pool = spectrum(np.vstack([task.features, task.test_features]), np.vstack([found.truth, task.test_targets]))
    return expected_error(pool, len(task.features)) / task.targets.shape[1]
