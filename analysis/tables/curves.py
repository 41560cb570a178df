"""The learning curves of many runs side by side, of unequal length, and what follows from each of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Rows = NDArray[np.intp]

INTERPOLATES_AT = 0.05
"""Final train error, on the labels as given, up to which a run counts as interpolating.

Zero is too strict: published test-error peaks sit at a train error of 6 to 8 %, so a run below 5 % is past
them, and at a constant step size small networks end anywhere from 0 to 4 % however many parameters they
have.
"""


@dataclass(frozen=True)
class Curves:
    """Run r owns the points offsets[r] up to offsets[r + 1]; one without a result owns none. Errors as
    fractions.
    """

    offsets: NDArray[np.int64]  # (runs + 1,)
    test_error: Array  # (points,), NaN = nothing measured
    train_error: Array  # (points,), on the labels as given
    epoch: NDArray[np.int64] | None = None
    """(points,) after which epoch each was measured; None where every run was measured after epochs 1, 2, 3, ..."""
    losses: tuple[Array, Array] | None = None
    """(points,) test and train loss; None where they were not read."""

    def lengths(self) -> NDArray[np.int64]:
        """(runs,) points of each run."""
        return np.diff(self.offsets)

    def last_epochs(self) -> NDArray[np.int64]:
        """(runs,) epoch of each run's last point, 0 for a run without any."""
        if self.epoch is None:
            return self.lengths()
        return np.nan_to_num(self.last(self.epoch)).astype(np.int64)

    def at_share(self, rows: Rows, share: float) -> Rows:
        """The places of some runs' points at a share of each run's own epochs, -1 where a run has none.

        Where not every epoch was evaluated, the last evaluated one at or before it; at least the first epoch.
        """
        found = np.full(len(rows), -1)
        for place, row in enumerate(rows):
            begin, end = int(self.offsets[row]), int(self.offsets[row + 1])
            if begin < end:
                epochs = np.arange(1, end - begin + 1) if self.epoch is None else self.epoch[begin:end]
                wanted = max(1, round(share * int(epochs[-1])))
                found[place] = begin + np.searchsorted(epochs, wanted, side="right") - 1
        return found

    def cell(self, rows: Rows) -> tuple[Array, Array, Array]:
        """Epochs (points,), test and train errors (runs, points) of some runs, NaN beyond a run's end.

        The runs are of one cell, hence measured after the same epochs as far as they go.
        """
        lengths = self.lengths()[rows]
        longest = int(lengths.max(initial=0))
        test, train = np.full((2, len(rows), longest), np.nan)
        for place, row in enumerate(rows):
            begin, end = self.offsets[row], self.offsets[row + 1]
            test[place, : end - begin] = self.test_error[begin:end]
            train[place, : end - begin] = self.train_error[begin:end]
        if self.epoch is None or not longest:
            return np.arange(1.0, longest + 1.0), test, train
        begin = self.offsets[rows[int(lengths.argmax())]]
        return self.epoch[begin : begin + longest].astype(np.float64), test, train

    def summary(self, crossings: tuple[int, ...]) -> dict[str, Any]:
        """Columns of the table `runs` that follow from the curves, each (runs,), missing where a run has no epochs.

        `crossings`: per cent of train error whose first crossing is asked for.
        """
        train = self.last(self.train_error)
        return {
            "final_test_error": self.last(self.test_error),
            "best_test_error": self.lowest(self.test_error),
            "final_train_error": train,
            **{f"epochs_to_{per_cent}": self.epochs_to(per_cent / 100) for per_cent in crossings},
            "interpolates": [None if np.isnan(error) else bool(error <= INTERPOLATES_AT) for error in train],
        }

    def last(self, values: NDArray[Any]) -> Array:
        """(runs,) value of each run's last epoch, NaN for a run without epochs. values: (points,)."""
        filled = self.lengths() > 0
        result = np.full(len(filled), np.nan)
        result[filled] = values[self.offsets[1:][filled] - 1]
        return result

    def lowest(self, values: Array) -> Array:
        """(runs,) smallest value of each run, NaN for a run without any. values: (points,)."""
        filled = self.lengths() > 0
        result = np.full(len(filled), np.nan)
        if filled.any():
            result[filled] = np.fmin.reduceat(values, self.offsets[:-1][filled])
        return result

    def epochs_to(self, train_error: float) -> Array:
        """(runs,) first epoch whose train error is at most `train_error`, NaN where there is none."""
        below = np.flatnonzero(self.train_error <= train_error)
        run = np.searchsorted(self.offsets, below, side="right") - 1
        runs, first = np.unique(run, return_index=True)
        result = np.full(len(self.offsets) - 1, np.nan)
        result[runs] = below[first] - self.offsets[runs] + 1 if self.epoch is None else self.epoch[below[first]]
        return result
