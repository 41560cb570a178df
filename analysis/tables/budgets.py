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
from analysis.tables.curves import Array, Rows
from analysis.tables.groups import Group

MOVES = 0.01
"""Least change of an error over the last quarter that counts: one percentage point. A choice of ours."""
WINDOW = 0.1
"""Share of the budget over which an error is averaged before it is compared."""
SHARES = (0.25, 0.5, 1.0)
"""Budgets that are looked at, as shares of the whole."""


def converged(tables: Tables, group: Group) -> Array:
    """(points,) 0 where test or train error still moved at the end of the budget, 1 where no such movement is shown,
    NaN without runs.

    What is compared is the mean over the last tenth of the evaluated epochs and that over the tenth before three
    quarters of them. An error still moves where this change lies beyond MOVES beyond doubt, over seeds or in every one
    of them: the 95 % interval of its mean over seeds (Student) lies beyond MOVES, or the change of every single seed
    does, less twice its standard error by the scatter within the two windows, all of them to the same side. Student's
    interval alone would call runs settled whatever they did: over two seeds it is 13 standard errors wide on each side.
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
    changes, doubts = [], []
    for row in errors:
        curve = row[np.isfinite(row)]
        width = max(1, round(WINDOW * len(curve)))
        before, after = curve[max(0, round(0.75 * len(curve)) - width) : round(0.75 * len(curve))], curve[-width:]
        if len(before) and len(curve) > 4:
            changes.append(float(after.mean() - before.mean()))
            doubts.append(2 * math.hypot(before.std(), after.std()) / math.sqrt(width))
    if not changes:
        return False
    _, low, high = mean_interval(changes)  # NaN of a single seed
    ends = [(change - doubt, change + doubt) for change, doubt in zip(changes, doubts, strict=True)]
    return low > MOVES or high < -MOVES or min(end for end, _ in ends) > MOVES or max(end for _, end in ends) < -MOVES


def errors_by_seed(tables: Tables, group: Group, share: float = 1.0) -> tuple[tuple[int, ...], Array, Array]:
    """Seeds, and test and train errors (seeds, points) after a share of each run's own epochs, by default at its end.

    NaN where a run is not done. With a budget in steps larger sets train for fewer epochs: equal shares are then equal
    numbers of steps, and equal epochs are not.
    """
    seed_of = tables.runs["seed"].to_numpy(dtype=np.int64)
    seeds = np.unique(np.concatenate([seed_of[tables.rows[cell]] for cell in group.cells]))
    test, train = np.full((2, len(seeds), len(group.cells)), np.nan)
    for point, cell in enumerate(group.cells):
        rows = _measured(tables, tables.rows[cell])
        at = tables.curves.at_share(rows, share)
        place = np.searchsorted(seeds, seed_of[rows])
        test[place, point], train[place, point] = tables.curves.test_error[at], tables.curves.train_error[at]
    return tuple(int(seed) for seed in seeds), test, train


def budgets(tables: Tables, group: Group, shares: Sequence[float] = SHARES) -> tuple[int, ...]:
    """Numbers of epochs at which a group's verdict is looked at: shares of its longest run, one for each share; none
    without a run that is done.

    Where not every epoch was evaluated, the last evaluated one at or before each share. Shares of a short training may
    come to the same number.
    """
    rows = _measured(tables, _rows(tables, group))
    if not len(rows):
        return ()
    ends = tables.curves.last_epochs()[rows]
    longest = rows[[int(ends.argmax())]]
    places = [int(tables.curves.at_share(longest, share)[0]) for share in shares]
    if tables.curves.epoch is None:
        return tuple(place - int(tables.curves.offsets[longest[0]]) + 1 for place in places)
    return tuple(int(tables.curves.epoch[place]) for place in places)


def run_lengths(tables: Tables, group: Group) -> tuple[int, int]:
    """Epochs of the shortest and of the longest run that is done; 0 and 0 without one."""
    rows = _measured(tables, _rows(tables, group))
    if not len(rows):
        return 0, 0
    ends = tables.curves.last_epochs()[rows]
    return int(ends.min()), int(ends.max())


def _rows(tables: Tables, group: Group) -> Rows:
    return np.concatenate([tables.rows[cell] for cell in group.cells])


def _measured(tables: Tables, rows: Rows) -> Rows:
    """Those of some runs that are done and have a curve."""
    done = tables.runs["status"].to_numpy() == "done"
    return rows[done[rows] & (tables.curves.lengths()[rows] >= 1)]
