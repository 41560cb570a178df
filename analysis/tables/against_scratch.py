"""Each depth against training from scratch: a peak along frozen depth is a failure of transfer only where it is worse.

The partner of a run is the run of the same seed, target, network and recipe that starts from random weights and freezes
nothing. The difference of their final errors is taken seed by seed.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from analysis.statistics.intervals import LEVEL, mean_interval
from analysis.tables.collect import Tables
from analysis.tables.curves import Array
from analysis.tables.groups import WEIGHTS, Group, cell_fields, from_scratch
from analysis.tables.schema import numbers

FROZEN = "transfer.frozen"
Outcome = Literal["worse", "better", "not distinguished"]


@dataclass(frozen=True)
class AgainstScratch:
    """difference, low, high: (points,) final test error less that from scratch, over paired seeds, with its 95 %
    interval (or another level's); NaN where there is no pair (no interval with one pair). n: (points,) pairs."""

    difference: Array
    low: Array
    high: Array
    n: Array

    def outcome(self, point: int) -> Outcome | None:
        """Of one point of the axis; None where no interval is known."""
        if np.isnan(self.low[point]):
            return None
        return "worse" if self.low[point] > 0 else "better" if self.high[point] < 0 else "not distinguished"


def against_scratch(tables: Tables, group: Group, level: float = LEVEL) -> AgainstScratch | None:
    """Every cell of a group that starts from a source or from given weights against its partner from scratch; None
    where no cell is such a partner. level: of the intervals.
    """
    partner = _partner(tables, group)
    if from_scratch(group.fields) or partner is None:
        return None
    scratch = final_errors(tables, partner)
    found = np.full((4, len(group.cells)), np.nan)
    for point, cell in enumerate(group.cells):
        own = final_errors(tables, int(cell))
        pairs = [own[seed] - scratch[seed] for seed in sorted(own.keys() & scratch.keys())]
        found[:, point] = (*mean_interval(pairs, level), len(pairs))
    return AgainstScratch(*found)


def _partner(tables: Tables, group: Group) -> int | None:
    """The cell from random weights that is equal in everything but what is transferred."""
    if group.axis.startswith(("target.", "model.", "train.")):
        return None  # each cell of such a group has a partner of its own
    cells = tables.cells
    same = cells["source.task"].isna() & cells[WEIGHTS].isna() & (cells[FROZEN] == 0)
    for name in cell_fields():
        if name != WEIGHTS and not name.startswith(("source.", "transfer.")):
            value = group.fields[name]
            same &= cells[name].isna() if value is None else (cells[name] == value).fillna(False)
    found = np.flatnonzero(same.to_numpy(dtype=bool))
    return int(found[0]) if len(found) else None


def final_errors(tables: Tables, cell: int) -> dict[int, float]:
    """Final test error of the cell's done runs by seed."""
    rows = tables.rows[cell]
    rows = rows[tables.runs["status"].to_numpy()[rows] == "done"]
    seeds, errors = tables.runs["seed"].to_numpy(dtype=np.int64)[rows], numbers(tables.runs, "final_test_error")[rows]
    return {int(seed): float(error) for seed, error in zip(seeds, errors, strict=True)}
