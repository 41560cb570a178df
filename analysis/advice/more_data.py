"""What more target data did in a sweep of several target sizes, and what the next doubling would do if it went on so.

Sizes are compared at one depth, seed by seed: the samples of a smaller set are among those of a larger one. Whether the
error falls at all depends on the depth: where more data move the interpolation threshold past a depth, they raise it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

import numpy as np

from analysis.advice.comparison import FEWEST_SEEDS
from analysis.advice.network import NetworkAdvice
from analysis.statistics.intervals import LEVEL, mean_interval
from analysis.statistics.paired import paired_mean, smallest_sd
from analysis.tables.along_axes import AxisVerdict
from analysis.tables.curves import Array

SIZE = "target.size"
Effect = Literal["helped", "hurt", "not_distinguished"]


@dataclass(frozen=True)
class SizeStep:
    """Error at the larger size less that at the smaller, at one depth, over n shared seeds, with its interval."""

    smaller: int
    larger: int
    frozen: int
    n: int
    change: float
    low: float
    high: float

    @property
    def effect(self) -> Effect:
        return "helped" if self.high < 0 else "hurt" if self.low > 0 else "not_distinguished"


@dataclass(frozen=True)
class MoreData:
    """One network at several target sizes, the smallest first.

    best: the depth of the lowest error at each size, None where there are not enough runs. steps: from size to size at
    the best depth of the larger one (95 % intervals). hurt: all other steps that raised the error beyond doubt, with
    intervals adjusted for the number of depths and steps. doubling, with its 95 % interval over seeds: the change of
    the error by twice the data, if the last step's power law went on; None where the last step is not known.
    """

    group: str
    sizes: tuple[int, ...]
    best: tuple[int | None, ...]
    steps: tuple[SizeStep, ...]
    hurt: tuple[SizeStep, ...]
    doubling: float | None
    doubling_low: float | None
    doubling_high: float | None


Networks = Sequence[tuple[AxisVerdict, NetworkAdvice]]


def more_data(networks: Networks) -> tuple[MoreData, ...]:
    """One answer for each set of networks that differ in the target's size alone; none where none do."""
    families: dict[tuple[str, ...], list[tuple[AxisVerdict, NetworkAdvice]]] = {}
    for each, advice in networks:
        fields = {name: value for name, value in each.group.fields.items() if name != SIZE}
        families.setdefault(tuple(map(str, fields.items())), []).append((each, advice))
    return tuple(_of_family(family) for family in families.values() if len(family) > 1)


def _of_family(family: list[tuple[AxisVerdict, NetworkAdvice]]) -> MoreData:
    family.sort(key=lambda pair: _size(pair[0]))
    pairs = [(small, large) for (small, _), (large, _) in pairwise(family)]
    bests = [advice.best for _, advice in family[1:]]
    samples = family[-1][1].test_samples
    steps = [_step(*pair, best, samples) if best is not None else None for pair, best in zip(pairs, bests, strict=True)]
    taken = {(step.larger, step.frozen) for step in steps if step is not None}
    depths = [int(value) for value in family[-1][0].group.values]
    level = 1.0 - (1.0 - LEVEL) / (len(depths) * len(pairs))
    others = [_step(*pair, depth, samples, level) for pair in pairs for depth in depths]
    hurt = [step for step in others if step and step.effect == "hurt" and (step.larger, step.frozen) not in taken]
    doubling = _doubling(*pairs[-1], bests[-1], samples)
    return MoreData(
        group=family[0][1].group.replace(f", {SIZE} = {_size(family[0][0])}", ""),
        sizes=tuple(_size(each) for each, _ in family),
        best=tuple(advice.best for _, advice in family),
        steps=tuple(step for step in steps if step is not None),
        hurt=tuple(hurt),
        doubling=None if doubling is None else doubling[0],
        doubling_low=None if doubling is None else doubling[1],
        doubling_high=None if doubling is None else doubling[2],
    )


def _step(
    small: AxisVerdict, large: AxisVerdict, frozen: int, samples: int | None, level: float = LEVEL
) -> SizeStep | None:
    """None where fewer seeds than are needed have both."""
    before, after = _paired(small, large, frozen)
    if len(before) < FEWEST_SEEDS:
        return None
    n, change, low, high, _ = paired_mean(after - before, smallest_sd(samples), level)
    return SizeStep(_size(small), _size(large), frozen, n, change, low, high)


def _doubling(
    small: AxisVerdict, large: AxisVerdict, frozen: int | None, samples: int | None
) -> tuple[float, float, float] | None:
    """Mean over seeds of e (2^-b - 1), with e ~ size^-b through the two sizes; half an image stands in for none."""
    before, after = _paired(small, large, frozen) if frozen is not None else (np.empty(0), np.empty(0))
    if len(before) < FEWEST_SEEDS:
        return None
    least = 0.5 / samples if samples else 1e-4
    rates = np.log(np.maximum(before, least) / np.maximum(after, least)) / np.log(_size(large) / _size(small))
    return mean_interval(after * (2.0**-rates - 1.0))


def _paired(small: AxisVerdict, large: AxisVerdict, frozen: int) -> tuple[Array, Array]:
    """Final test errors of both sizes at one depth, (seeds,) each, of the seeds that have both."""
    found = []
    for each in (small, large):
        place = np.flatnonzero(each.group.values == frozen)
        errors = each.test[:, place[0]] if len(place) else np.full(len(each.seeds), np.nan)
        found.append(dict(zip(each.seeds, errors.tolist(), strict=True)))
    seeds = [seed for seed in found[0] if np.isfinite(found[0][seed]) and np.isfinite(found[1].get(seed, np.nan))]
    first, second = (np.array([errors[seed] for seed in seeds]) for errors in found)
    return first, second


def _size(each: AxisVerdict) -> int:
    return int(each.group.fields[SIZE])
