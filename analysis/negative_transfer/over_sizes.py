"""The target size at which transfer turns from a gain into a loss, or back: crossings along `target.size`."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal, NamedTuple

import numpy as np

from analysis.negative_transfer.comparison import ALPHA, FEWEST_SEEDS, CellComparison
from analysis.statistics.intervals import Array, student_quantile
from analysis.statistics.paired import SMALLEST_SD

SIZE = "target.size"
STEPS = 512
"""Places between two measured sizes at which the gain is tested."""


@dataclass(frozen=True)
class Crossing:
    """cells: the comparisons along the axis, by rising size. direction: what happens as the target set grows.

    size: where the mean gain, joined by straight lines over the logarithm of the size, is 0. low, high: its 95 %
    interval, the sizes around it at which the mean of the seeds' gains, joined likewise, is not told apart from 0 by
    paired t-tests (Fieller 1954); None where no size on that side is told apart.
    """

    cells: tuple[CellComparison, ...]
    direction: Literal["gain to loss", "loss to gain"]
    size: float
    low: float | None
    high: float | None


class Turn(NamedTuple):
    """Where a gain turns on its axis, the ends of the interval (NaN = open), and whether it falls there."""

    at: float
    low: float
    high: float
    falls: bool


def crossings(compared: Sequence[CellComparison]) -> tuple[Crossing, ...]:
    """The first crossing of each group of cells that differ in target size alone and share at least FEWEST_SEEDS seeds.

    There is one where a gain and a loss are both told apart from 0, by their q-values over all cells of the sweep, with
    none between them that is.
    """
    groups: dict[str, list[CellComparison]] = {}
    for each in compared:
        rest = {name: value for name, value in each.fields.items() if name != SIZE}
        groups.setdefault(repr(sorted(rest.items(), key=lambda item: item[0])), []).append(each)
    found = (_crossing(sorted(cells, key=lambda cell: cell.fields[SIZE])) for cells in groups.values())
    return tuple(crossing for crossing in found if crossing is not None)


def _crossing(cells: list[CellComparison]) -> Crossing | None:
    by_seed = [{pair.seed: pair.gain for pair in cell.pairs} for cell in cells]
    seeds = sorted(set.intersection(*(set(gains) for gains in by_seed)))
    if len(cells) < 2 or len(seeds) < FEWEST_SEEDS:
        return None
    sizes = np.log([float(cell.fields[SIZE]) for cell in cells])
    gains = np.array([[column[seed] for column in by_seed] for seed in seeds])
    signs = np.array([np.sign(cell.gain.mean) if cell.q_value <= ALPHA else 0.0 for cell in cells])
    found = turn(sizes, gains, signs, max(cell.least_sd for cell in cells))
    if found is None:
        return None
    low, high = (None if math.isnan(end) else math.exp(end) for end in (found.low, found.high))
    return Crossing(tuple(cells), "gain to loss" if found.falls else "loss to gain", math.exp(found.at), low, high)


def turn(x: Array, gains: Array, signs: Array, least_sd: float = SMALLEST_SD) -> Turn | None:
    """Where the mean gain first turns between two neighbours of opposite sign among those that are told apart from 0.

    x: (points,) ascending. gains: (seeds, points). signs: (points,) 1 or -1 of a mean gain that is told apart from 0, 0
    of others. least_sd: what the standard deviation of gains is at least taken to be. None where there is no such turn.

    The ends are the nearest of STEPS places between two points that are told apart, so that no interval is narrower
    than it has to be.
    """
    turns = [(a, b) for a, b in pairwise(np.flatnonzero(signs).tolist()) if signs[a] != signs[b]]
    if not turns:
        return None
    (first, last), mean = turns[0], gains.mean(axis=0)
    at, falls = first_crossing(x[first : last + 1], mean[first : last + 1])
    if math.isnan(at) or falls != (signs[first] > 0):  # a sign may be of more seeds than those that all points share
        return None
    places = np.unique(np.concatenate([[at], *(np.linspace(a, b, STEPS + 1) for a, b in pairwise(x.tolist()))]))
    joined = np.array([np.interp(places, x, row) for row in gains])
    error = np.maximum(joined.std(axis=0, ddof=1), least_sd) / math.sqrt(len(gains))
    apart = np.abs(joined.mean(axis=0)) > student_quantile(len(gains) - 1) * error
    below, above = places[apart & (places < at)], places[apart & (places > at)]
    return Turn(at, below[-1] if len(below) else math.nan, above[0] if len(above) else math.nan, falls)


def first_crossing(x: Array, gains: Array) -> tuple[float, bool]:
    """Where straight lines through (x, gains) first change their sign, and whether they fall there.

    x ascends. NaN and False where they do not. A gain of exactly 0 belongs to the sign before it.

    Example: `first_crossing([0, 1, 2], [2, 1, -1])` is (1.5, True).
    """
    sign = 0.0
    for place, gain in enumerate(gains):
        if gain != 0 and sign != 0 and np.sign(gain) != sign:
            before = gains[place - 1]
            step = before / (before - gain)
            return float(x[place - 1] + step * (x[place] - x[place - 1])), bool(gain < 0)
        sign = float(np.sign(gain)) or sign
    return math.nan, False
