"""Each depth against training from scratch: a peak along frozen depth is a failure of transfer only where it is worse.

The partner of a run is the run of the same seed, target, network and recipe that starts from random weights, freezes
nothing and trains all units at one rate. The difference of their final errors is taken seed by seed.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from analysis.statistics.intervals import LEVEL
from analysis.statistics.paired import paired_mean, smallest_sd
from analysis.tables.collect import Tables
from analysis.tables.curves import Array, Rows
from analysis.tables.groups import Group, from_scratch
from analysis.tables.schema import numbers
from sweeps.identity import cell_id
from sweeps.spec import RunSpec

Outcome = Literal["worse", "better", "not distinguished"]
FEWEST_PAIRS = 3
"""Pairs below which nothing is said: the difference of two is known within 13 of its standard errors."""


@dataclass(frozen=True)
class AgainstScratch:
    """difference, low, high: (points,) final test error less that from scratch, over paired seeds, with its 95 %
    interval (or another level's), which equal differences do not make narrower than their rounding (`smallest_sd`); NaN
    where there is no pair (no interval with one pair). n: (points,) pairs."""

    difference: Array
    low: Array
    high: Array
    n: Array

    def outcome(self, point: int) -> Outcome | None:
        """Of one point of the axis; None with fewer than FEWEST_PAIRS."""
        if self.n[point] < FEWEST_PAIRS:
            return None
        return "worse" if self.low[point] > 0 else "better" if self.high[point] < 0 else "not distinguished"


def against_scratch(tables: Tables, group: Group, level: float = LEVEL) -> AgainstScratch | None:
    """Every cell of a group that starts from a source or from given weights against its partner from scratch; None
    where no cell has one. level: of the intervals.
    """
    if from_scratch(group.fields) or group.axis.startswith(("target.", "model.", "train.")):
        return None  # along the target, the network or the recipe nothing is said of transfer
    partner_of = _scratch_cells(tables)
    found = np.full((4, len(group.cells)), np.nan)
    found[3] = 0
    some = False
    for point, cell in enumerate(group.cells):
        partner = partner_of.get(scratch_id(_spec(tables, int(cell))))
        if partner is None:
            continue
        some = True
        own, scratch = final_errors(tables, int(cell)), final_errors(tables, partner)
        pairs = [own[seed] - scratch[seed] for seed in sorted(own.keys() & scratch.keys())]
        least = smallest_sd(test_images(tables, np.concatenate([tables.rows[int(cell)], tables.rows[partner]])))
        n, difference, low, high, _ = paired_mean(pairs, least, level)
        found[:, point] = difference, low, high, n
    return AgainstScratch(*found) if some else None


def scratch_id(spec: RunSpec) -> str:
    """The cell of a run's partner, by an id that measures do not move: they change no curve.

    It is also the id of that partner itself, whatever its frozen norms do, of which it has none.
    """
    partner = spec.from_scratch()
    return cell_id(partner.model_copy(update={"train": partner.train.model_copy(update={"measures": None})}))


def is_partner(spec: RunSpec) -> bool:
    """Whether a run may be another one's partner."""
    transfer = spec.transfer
    starts = spec.source is None and spec.model.weights is None
    return starts and transfer.frozen == 0 and transfer.rate_factors is None


def _scratch_cells(tables: Tables) -> dict[str, int]:
    """Rows of the table `cells` that are partners, by `scratch_id`."""
    found: dict[str, int] = {}
    for cell in range(len(tables.rows)):
        if is_partner(spec := _spec(tables, cell)):
            found.setdefault(scratch_id(spec), cell)
    return found


def _spec(tables: Tables, cell: int) -> RunSpec:
    """That of a cell, with one of its seeds."""
    return tables.sweep.runs[int(tables.rows[cell][0])].spec


def test_images(tables: Tables, rows: Rows) -> float | None:
    """Images in the test set that some runs of one loss share, of which their errors are shares.

    None where it is not on record, and with the squared loss, under which errors may be of real-valued targets.
    """
    if tables.sweep.runs[int(rows[0])].spec.train.loss == "squared":
        return None
    found = np.unique(numbers(tables.runs, "test_samples")[rows])
    found = found[np.isfinite(found)]
    return float(found[0]) if len(found) == 1 else None


def final_errors(tables: Tables, cell: int) -> dict[int, float]:
    """Final test error of the cell's done runs by seed."""
    rows = tables.rows[cell]
    rows = rows[tables.runs["status"].to_numpy()[rows] == "done"]
    seeds, errors = tables.runs["seed"].to_numpy(dtype=np.int64)[rows], numbers(tables.runs, "final_test_error")[rows]
    return {int(seed): float(error) for seed, error in zip(seeds, errors, strict=True)}
