"""The target size at which transfer turns from a gain into a loss, or back: crossings along `target.size`."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from analysis.negative_transfer.comparison import FEWEST_SEEDS, CellComparison
from analysis.statistics.intervals import Array

SIZE = "target.size"
DRAWS = 2000
LEVEL = 0.95
_SEED = 20250926


@dataclass(frozen=True)
class Crossing:
    """cells: the comparisons along the axis, by rising size. direction: what happens as the target set grows.

    size: where the mean gain, joined by straight lines over the logarithm of the size, is 0. low, high: the middle 95 %
    of what resampled seeds give. support: the share of them that cross in this direction, at least LEVEL.
    """

    cells: tuple[CellComparison, ...]
    direction: Literal["gain to loss", "loss to gain"]
    size: float
    low: float
    high: float
    support: float


def crossings(compared: Sequence[CellComparison]) -> tuple[Crossing, ...]:
    """The first crossing of each group of cells that differ in target size alone and share at least FEWEST_SEEDS seeds.

    A group in which gains do not cross 0, or only in some of the resampled seeds, has none.
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
    at, falls = first_crossing(sizes, gains.mean(0))
    if math.isnan(at):
        return None
    rng = np.random.default_rng(_SEED)
    drawn = [first_crossing(sizes, gains[rng.integers(len(seeds), size=len(seeds))].mean(0)) for _ in range(DRAWS)]
    same = [place for place, direction in drawn if direction == falls and not math.isnan(place)]
    support = len(same) / DRAWS
    if support < LEVEL:
        return None
    low, high = np.quantile(same, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return Crossing(
        cells=tuple(cells),
        direction="gain to loss" if falls else "loss to gain",
        size=math.exp(at),
        low=math.exp(low),
        high=math.exp(high),
        support=support,
    )


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
