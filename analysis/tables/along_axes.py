"""Freezing-wise verdicts: the same detector on final test error against the number of frozen units, paired by seed.

The same call serves every other axis of a sweep (width, depth, target size, source size). Frozen units are read from
head only down to none frozen, all other axes upwards. Along frozen units, width and depth the network's effective
capacity grows in that direction, so that "first minimum" is the one on the side of too few parameters and "strong"
means what it means along epochs. Set sizes are the other way round: with more samples the same network is less
overparameterised for them. There the first minimum is the one of fewer samples, and "strong" says that the second one,
of more samples, is lower: nothing about capacity.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from analysis.detector.descent import Axis, detect
from analysis.detector.q_values import adjusted
from analysis.detector.sensitivity import with_sensitivity
from analysis.detector.verdict import Verdict
from analysis.tables.against_scratch import AgainstScratch, against_scratch
from analysis.tables.budgets import SHARES, budgets, converged, errors_by_seed, run_lengths
from analysis.tables.collect import Tables
from analysis.tables.curves import Array
from analysis.tables.groups import FROZEN as FROZEN
from analysis.tables.groups import Group, groups_along, varying, with_unfrozen
from analysis.tables.schema import numbers

FEWEST_POINTS = 4

_AXES: dict[str, Axis] = {
    FROZEN: "frozen",
    "model.width": "width",
    "model.depth": "depth",
    "target.size": "size",
    "source.size": "size",
}


@dataclass(frozen=True)
class AxisVerdict:
    """Final errors of one group along one axis, and their shape.

    test, train: (seeds, points) final errors of done runs as fractions, NaN where a run is not done.
    interpolates: (points,) 1 = more than half of the seeds do, 0 = they do not, NaN = no run is done.
    threshold: the neighbouring values between which interpolation changes, the interpolating one first; None
    where it does not change. Positions in `verdict` are values on the axis. `reason` says why there is no
    verdict. budget, shortest: epochs of the longest and of the shortest run; the verdict is of these budgets, which
    differ along `target.size` where training is told in steps. settled: (points,) 1 where errors had settled at its
    end, 0 where one still moved, NaN without a run. scratch: each point against training from scratch; None without
    such a partner. earlier: of a called double descent, the verdicts at shorter budgets, by epochs of the longest run,
    every run cut at the same share of its own.
    """

    group: Group
    seeds: tuple[int, ...]
    test: Array
    train: Array
    interpolates: Array
    threshold: tuple[float, float] | None
    verdict: Verdict | None
    reason: str | None = None
    budget: int = 0
    settled: Array = field(default_factory=lambda: np.empty(0))
    scratch: AgainstScratch | None = None
    earlier: Mapping[int, Verdict | None] = field(default_factory=dict)
    shortest: int = 0

    @property
    def one_budget(self) -> bool:
        """Whether all its runs were trained for as many epochs."""
        return self.shortest in (0, self.budget)

    @property
    def epochs_text(self) -> str:
        """The epochs that its runs were trained for: `60`, or `15 to 60`."""
        return f"{self.budget}" if self.one_budget else f"{self.shortest} to {self.budget}"

    @property
    def unsettled(self) -> list[float]:
        """Values on the axis at which an error still moved at the end of the budget."""
        return [float(value) for value, flag in zip(self.group.values, self.settled, strict=True) if flag == 0.0]

    @property
    def replicates(self) -> int:
        """Seeds that have at least one finished run."""
        return int(np.isfinite(self.test).any(axis=1).sum())

    @property
    def unfinished(self) -> int:
        return int(np.isnan(self.test).sum())


def freezing_wise(tables: Tables) -> tuple[AxisVerdict, ...]:
    """One verdict for each group of cells that differ in the number of frozen units alone."""
    return verdicts_along(tables, FROZEN)


def along_every_axis(tables: Tables) -> tuple[AxisVerdict, ...]:
    """The freezing-wise verdicts, then those of every group of cells that differ on one other axis alone."""
    others = [axis for axis in varying(tables.cells) if axis in _AXES and axis != FROZEN]
    found = [each for axis in others for each in verdicts_along(tables, axis) if len(each.group.values) > 1]
    return (*freezing_wise(tables), *found)


def verdicts_along(tables: Tables, axis: str) -> tuple[AxisVerdict, ...]:
    """One verdict for each group of cells that differ on `axis` alone. Raises ValueError for an axis not
    allowed.
    """
    if axis not in _AXES:
        raise ValueError(f"axis = {axis!r}; allowed: {', '.join(_AXES)}")
    groups = groups_along(tables.cells, axis)
    if axis == FROZEN:
        groups = with_unfrozen(tables.cells, groups)
    found = [axis_verdict(tables, group) for group in groups]
    judged = adjusted(tuple(each.verdict for each in found))
    return tuple(replace(each, verdict=verdict) for each, verdict in zip(found, judged, strict=True))


def axis_verdict(tables: Tables, group: Group) -> AxisVerdict:
    seeds, test, train = errors_by_seed(tables, group)
    flags = numbers(tables.cells, "interpolates")[group.cells]
    threshold = interpolation_threshold(group.values, flags)
    verdict, reason = _verdict(group, test, train)
    settled = converged(tables, group)
    if verdict is not None:
        verdict = replace(verdict, converged=not (settled == 0.0).any())
    shortest, budget = run_lengths(tables, group)
    scratch = against_scratch(tables, group)
    earlier: dict[int, Verdict | None] = {}
    if verdict is not None and verdict.double_descent:
        kept = np.isfinite(test).any(axis=1)
        verdict = with_sensitivity(verdict, group.values, test[kept], train_errors=train[kept], axis=_AXES[group.axis])
        # A share of less than one epoch of the shortest run would be another share of it than of the others.
        whole = {epochs: found for epochs, found in at_budgets(tables, group).items() if epochs * shortest >= budget}
        earlier = {epochs: found for epochs, found in whole.items() if epochs < budget}
    return AxisVerdict(
        group, seeds, test, train, flags, threshold, verdict, reason, budget, settled, scratch, earlier, shortest
    )


def at_budgets(tables: Tables, group: Group, shares: Sequence[float] = SHARES) -> dict[int, Verdict | None]:
    """The verdict at shares of the training budget, fewest epochs first: whether it persists.

    By epochs of the longest run; every run is cut at the same share of its own epochs. None where fewer than four
    points have a result. p-values are each verdict's own, not adjusted.
    """
    found: dict[int, Verdict | None] = {}
    for epochs, share in sorted(zip(budgets(tables, group, shares), shares, strict=False)):
        _, test, train = errors_by_seed(tables, group, share)  # of shares that come to one epoch the largest stays
        found[epochs], _ = _verdict(group, test, train)
    return found


def interpolation_threshold(values: Array, interpolates: Array) -> tuple[float, float] | None:
    """Where interpolation is lost: (value that interpolates, neighbour that does not).

    values: (points,) increasing; interpolates: (points,) of 1, 0 and NaN (skipped). If the status changes
    more than once, the cut that leaves the fewest points on the wrong side is taken, the lowest of equals.
    """
    known = np.isfinite(interpolates)
    x, status = values[known], interpolates[known] == 1.0
    if len(x) < 2 or status.all() or not status.any():
        return None
    below = np.array([status[:cut].sum() + (~status[cut:]).sum() for cut in range(1, len(x))])
    right = np.maximum(below, len(x) - below)  # points on their right side, for the better of both orientations
    cut = int(right.argmax()) + 1
    inside_first = below[cut - 1] * 2 >= len(x)
    return (float(x[cut - 1]), float(x[cut])) if inside_first else (float(x[cut]), float(x[cut - 1]))


def _verdict(group: Group, test: Array, train: Array) -> tuple[Verdict | None, str | None]:
    points = int(np.isfinite(test).any(axis=0).sum())
    if points < FEWEST_POINTS:
        return None, f"{points} of {len(group.values)} points have a result; {FEWEST_POINTS} are needed"
    kept = np.isfinite(test).any(axis=1)
    return detect(group.values, test[kept], train_errors=train[kept], axis=_AXES[group.axis]), None
