"""A run and its partner from scratch: the same network, target, recipe and seed, from random weights.

Two numbers a pair: the difference of the final test errors, and the difference at equal train loss. A run that was
trained too little has a larger error for that reason alone, so both arms are also read where each first came to the
lowest train loss that both of them reached.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from analysis.tables.against_scratch import is_partner, scratch_id
from analysis.tables.collect import Tables
from analysis.tables.curves import Array, Rows
from analysis.tables.load import read_epochs
from sweeps.spec import RunSpec


@dataclass(frozen=True)
class Arm:
    """Test error and train loss of one run, (evaluations,) each."""

    test_error: Array
    train_loss: Array


@dataclass(frozen=True)
class Pair:
    """Gains are accuracy less that from scratch, as fractions: negative where the transfer is worse.

    matched_gain is that at equal train loss, NaN where one has none.
    """

    seed: int
    error: float
    scratch_error: float
    matched_gain: float
    train_loss: float
    scratch_train_loss: float

    @property
    def gain(self) -> float:
        return self.scratch_error - self.error


def is_transfer(spec: RunSpec) -> bool:
    """Whether a run starts from weights that were learnt."""
    return spec.source is not None or spec.model.weights is not None


def partners(tables: Tables) -> dict[int, int]:
    """Rows of `runs`: of each run that starts from learnt weights, its partner, where the sweep has it.

    Both are done.
    """
    done = [(row, run.spec) for row, run in enumerate(tables.sweep.runs) if run.status == "done"]
    row_of: dict[tuple[str, int], int] = {}
    for row, spec in done:
        if is_partner(spec):
            row_of.setdefault((scratch_id(spec), spec.seed), row)
    found: dict[int, int] = {}
    for row, spec in done:
        if is_transfer(spec):
            partner = row_of.get((scratch_id(spec), spec.seed))
            if partner is not None:
                found[row] = partner
    return found


def pairs_of_cell(tables: Tables, rows: Rows, partner_of: dict[int, int], arms: dict[int, Arm]) -> list[Pair]:
    """The pairs among a cell's runs, by seed. `arms`: what was read already, by row; it grows."""
    found = []
    for row in (int(row) for row in rows if int(row) in partner_of):
        own, scratch = (_arm(tables, each, arms) for each in (row, partner_of[row]))
        if len(own.test_error) and len(scratch.test_error):
            seed = tables.sweep.runs[row].spec.seed
            final = float(own.test_error[-1]), float(scratch.test_error[-1])
            losses = float(own.train_loss[-1]), float(scratch.train_loss[-1])
            found.append(Pair(seed, *final, matched_gain(own, scratch), *losses))
    return sorted(found, key=lambda pair: pair.seed)


def matched_gain(own: Arm, scratch: Arm) -> float:
    """Test error from scratch less the run's own, where each first came to the lowest train loss that both reached."""
    if not all(np.isfinite(arm.train_loss).any() for arm in (own, scratch)):
        return np.nan
    level = max(float(np.nanmin(arm.train_loss)) for arm in (own, scratch))
    return error_at(scratch, level) - error_at(own, level)


def error_at(arm: Arm, level: float) -> float:
    """Test error where the train loss first came down to a level, between evaluations along the logarithm of the loss.

    Without the interpolation the arm that falls faster would be read later, after more training.
    """
    at = int(np.argmax(arm.train_loss <= level))
    if at == 0:
        return float(arm.test_error[0])
    losses, errors = arm.train_loss[at - 1 : at + 1], arm.test_error[at - 1 : at + 1]
    if not np.isfinite(losses).all() or losses[1] <= 0:
        return float(errors[1])
    part = float(np.log(losses[0] / level) / np.log(losses[0] / losses[1]))
    return float(errors[0] + part * (errors[1] - errors[0]))


def _arm(tables: Tables, row: int, arms: dict[int, Arm]) -> Arm:
    if row not in arms:
        table = read_epochs(tables.sweep.store, tables.sweep.runs[row], ["epoch", "test_error", "train_loss"])
        arms[row] = Arm(table["test_error"].to_numpy(), table["train_loss"].to_numpy())
    return arms[row]
