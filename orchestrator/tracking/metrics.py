"""What W&B shows of an epoch: its metrics in sections, against `epoch`, and which epochs of a long curve are shown."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from sweeps.records import EpochRecord

EPOCH = "epoch"
METRICS: dict[str, str] = {
    "epoch": EPOCH,
    "step": "train/step",
    "test_error": "test/error",
    "test_loss": "test/loss",
    "train_error": "train/error",
    "train_loss": "train/loss",
    "train_error_clean": "train/error_clean",
    "train_error_flipped_given": "train/error_flipped_given",
    "train_error_flipped_true": "train/error_flipped_true",
    "learning_rate": "train/learning_rate",
    "seconds": "time/epoch_seconds",
}
"""Column of the epochs table -> metric of W&B, which makes a section of what stands before the slash."""
ELAPSED = "time/seconds"
"""Of training and evaluation up to this epoch. W&B's own clock cannot be set: after a replay it is the replay's."""
AXES = {EPOCH: "", "test/*": EPOCH, "train/*": EPOCH, "time/*": EPOCH}
"""Pattern of metrics -> the metric on their x-axis; empty for one that is an axis itself."""
EACH_EPOCH = 1000
"""Up to this epoch each is shown; beyond, ever fewer: 500 for each doubling, evenly on a linear axis within it."""


def is_shown(epoch: int) -> bool:
    """Whether a row is sent to W&B wherever the curve ends: to 1,000 each, to 2,000 every 2nd, to 4,000 every 4th ...

    The last one is sent too. All rows stay in the store, and in the artifact of the sweep's own W&B run.

    >>> [epoch for epoch in range(1990, 2010) if is_shown(epoch)]
    [1990, 1992, 1994, 1996, 1998, 2000, 2004, 2008]
    """
    if epoch <= EACH_EPOCH:
        return True
    doublings = ((epoch - 1) // EACH_EPOCH).bit_length()
    return epoch % (1 << doublings) == 0


def shown_row(record: EpochRecord, elapsed: float) -> dict[str, Any]:
    """An epoch as W&B has it; `elapsed` seconds of the run so far. A value that is NaN is left out."""
    row = {METRICS[name]: value for name, value in record._asdict().items()}
    return without_nan({**row, ELAPSED: elapsed})


def summary(last: EpochRecord | None, wall_seconds: float, compute_seconds: float) -> dict[str, Any]:
    """What stands in the summary beside W&B's own last values: final errors, and the times of the run itself."""
    times = {"time/wall_seconds": wall_seconds, "time/compute_seconds": compute_seconds}
    if last is None:
        return times
    final = {"final/epoch": last.epoch, "final/test_error": last.test_error, "final/train_error": last.train_error}
    return without_nan({**final, **times})


def without_nan(values: Mapping[str, Any]) -> dict[str, Any]:
    """The values that are there: W&B would draw a NaN as a text."""
    return {name: value for name, value in values.items() if not (isinstance(value, float) and math.isnan(value))}
