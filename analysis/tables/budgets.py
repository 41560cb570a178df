"""What a verdict owes to the training budget: whether errors had settled, and what they were at shorter budgets.

A final error is an error at some number of epochs. Where it still moves there, more training may move it past its
neighbours: doubling the budget has removed first minima that stood at a single unfrozen unit. So every point of an axis
says whether it had settled, and the verdict can be asked for at several budgets of the same runs.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from analysis.statistics.intervals import mean_interval
from analysis.tables.collect import Tables
from analysis.tables.curves import Array
from analysis.tables.groups import Group

MOVES = 0.01
"""Least change of an error over the last quarter that counts: one percentage point. A choice of ours."""
WINDOW = 0.1
"""Share of the budget over which an error is averaged before it is compared."""
SHARES = (0.25, 0.5, 1.0)
"""Budgets that are looked at, as shares of the whole."""


def converged(tables: Tables, group: Group) -> Array:
    """(points,) 1 where test and train error had settled at the end of the budget, 0 where one moved, NaN without runs.

    An error still moves where its mean over the last tenth of the evaluated epochs differs from that over the tenth
    before three quarters of them, over seeds, by more than MOVES beyond doubt: the 95 % interval of the difference lies
    beyond it.
    With a single seed the scatter within the two windows stands in for that between seeds.
    """
    done = tables.runs["status"].to_numpy() == "done"
    found = np.full(len(group.cells), np.nan)
    for point, cell in enumerate(group.cells):
        rows = tables.rows[cell][done[tables.rows[cell]]]
        if len(rows):
            _, test, train = tables.curves.cell(rows)
            found[point] = not (_moves(test) or _moves(train))
    return found


def _moves(errors: Array) -> bool:
    """errors: (seeds, epochs), NaN beyond a run's end."""
    changes, scatter = [], []
    for row in errors:
        curve = row[np.isfinite(row)]
        width = max(1, round(WINDOW * len(curve)))
        before, after = curve[max(0, round(0.75 * len(curve)) - width) : round(0.75 * len(curve))], curve[-width:]
        if len(before) and len(curve) > 4:
            changes.append(float(after.mean() - before.mean()))
            scatter.append(math.hypot(before.std(), after.std()) / math.sqrt(width))
    if not changes:
        return False
    if len(changes) == 1:
        low, high = changes[0] - 2 * scatter[0], changes[0] + 2 * scatter[0]
    else:
        _, low, high = mean_interval(changes)
    return low > MOVES or high < -MOVES


def errors_by_seed(tables: Tables, group: Group, epochs: int | None = None) -> tuple[tuple[int, ...], Array, Array]:
    """Seeds, and test and train errors (seeds, points) after so many epochs, by default at each run's end.

    NaN where a run is not done or is shorter.
    """
    seed_of = tables.runs["seed"].to_numpy(dtype=np.int64)
    done = tables.runs["status"].to_numpy() == "done"
    seeds = np.unique(np.concatenate([seed_of[tables.rows[cell]] for cell in group.cells]))
    test, train = np.full((2, len(seeds), len(group.cells)), np.nan)
    for point, cell in enumerate(group.cells):
        rows = tables.rows[cell][done[tables.rows[cell]]]
        rows = rows[tables.curves.lengths()[rows] >= 1]
        at = tables.curves.offsets[rows + 1] - 1 if epochs is None else tables.curves.at_epoch(rows, epochs)
        rows, at = rows[at >= 0], at[at >= 0]
        place = np.searchsorted(seeds, seed_of[rows])
        test[place, point], train[place, point] = tables.curves.test_error[at], tables.curves.train_error[at]
    return tuple(int(seed) for seed in seeds), test, train


def budgets(tables: Tables, group: Group, shares: Sequence[float] = SHARES) -> tuple[int, ...]:
    """Numbers of epochs at which a group's verdict is looked at: shares of its longest run, one for each share; none
    without a run.

    Where not every epoch was evaluated, the last evaluated one at or before each share. Shares of a short training may
    come to the same number.
    """
    rows = np.concatenate([tables.rows[cell] for cell in group.cells])
    ends = tables.curves.last_epochs()[rows]
    if not ends.max(initial=0):
        return ()
    epochs, _, _ = tables.curves.cell(rows[[int(ends.argmax())]])
    wanted = [max(1, round(share * int(ends.max()))) for share in shares]
    return tuple(int(epochs[np.searchsorted(epochs, each, side="right") - 1]) for each in wanted)
