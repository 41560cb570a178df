"""How deep to freeze one network for one target: the best depth, those like it, and what the answer rests on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from analysis.advice.comparison import FEWEST_SEEDS, compare
from analysis.advice.depths import DepthAdvice, depths_of, kind_of_peak, ladder_of
from analysis.statistics.intervals import NORMAL
from analysis.tables.against_scratch import test_images
from analysis.tables.along_axes import AxisVerdict
from analysis.tables.collect import Tables
from analysis.tables.curves import Array, Rows

Decision = Literal["one_depth", "several_depths", "not_enough_runs"]


@dataclass(frozen=True)
class NetworkAdvice:
    """How deep to freeze one network for one target (a group of cells that differ in frozen units alone).

    decision: one_depth where all other compared ones are worse beyond doubt (those of too few seeds are not compared),
    several_depths where some cannot be told apart, not_enough_runs with the `reason` otherwise; `best` is then None.
    best: the lowest mean error; among_best: all that cannot be told from the best; cheapest: the one of them that
    trains fastest. seeds: shared by all compared depths. chosen_alike: share of seeds left out one at a time without
    which the same depth is chosen; error_left_out: mean error on the seed left out at the depth that the others choose.
    The choice by seeds has not made it look better. The test images have: all seeds share them, so that they favour the
    same depth on every seed (image_margin says how much they may do). told_apart: the difference that so many seeds
    tell apart, at the median pair. image_margin: the most by which two depths of the best one's error may differ by the
    draw of the test images alone (95 %).
    shape, significance: the verdict along frozen units; peak: its place, where it is significant. unsettled: depths
    whose errors still moved; untried: depths of the network next to the best ones without a run; missing: runs without
    a result.
    """

    group: str
    fields: dict[str, object]
    decision: Decision
    reason: str | None
    seeds: int
    best: int | None
    among_best: tuple[int, ...]
    cheapest: int | None
    chosen_alike: float | None
    error_left_out: float | None
    told_apart: float | None
    test_samples: int | None
    image_margin: float | None
    shape: str | None
    significance: str | None
    peak: float | None
    peak_interval: tuple[float, float] | None
    budget: int
    unsettled: tuple[int, ...]
    untried: tuple[int, ...]
    missing: int
    devices: tuple[str, ...]
    depths: tuple[DepthAdvice, ...]

    def at(self, frozen: int | None) -> DepthAdvice | None:
        return next((depth for depth in self.depths if depth.frozen == frozen), None)


def advise_network(tables: Tables, each: AxisVerdict) -> NetworkAdvice:
    """What the runs of one group along frozen units say. `each`: its verdict (`freezing_wise`)."""
    values = [int(value) for value in each.group.values]
    samples = test_images(tables, _rows(tables, each))
    compared, shared, reason = _shared(each.test)
    found = compare(each.test[np.ix_(shared, compared)], samples) if reason is None else None
    depths = depths_of(tables, each, found, compared)
    best = values[compared[found.best]] if found is not None else None
    among = tuple(depth.frozen for depth in depths if depth.among_best)
    peak = each.verdict.peak if each.verdict is not None and kind_of_peak(each) is not None else None
    error = next((depth.error for depth in depths if depth.frozen == best), None)
    return NetworkAdvice(
        group=each.group.label,
        fields={name: value for name, value in each.group.fields.items() if value is not None},
        decision="not_enough_runs" if found is None else "one_depth" if len(among) == 1 else "several_depths",
        reason=reason,
        seeds=len(shared),
        best=best,
        among_best=among,
        cheapest=_cheapest(depths),
        chosen_alike=None if found is None else float((found.chosen == found.best).mean()),
        error_left_out=None if found is None else float(found.left_out.mean()),
        told_apart=None if found is None else found.told,
        test_samples=None if samples is None else int(samples),
        image_margin=_image_margin(error, samples),
        shape=None if each.verdict is None else each.verdict.shape,
        significance=None if each.verdict is None else each.verdict.significance,
        peak=None if peak is None else peak.position,
        peak_interval=None if peak is None else peak.position_interval,
        budget=each.budget,
        unsettled=tuple(int(value) for value in each.unsettled),
        untried=_untried(tables, each, among),
        missing=each.unfinished,
        devices=_devices(tables, each),
        depths=depths,
    )


def _shared(test: Array) -> tuple[list[int], list[int], str | None]:
    """Points that are compared, the seeds that they share, and why there is no comparison.

    test: (seeds, points). A point of fewer seeds than are needed is left out; what is compared shares its seeds.
    """
    done = np.isfinite(test)
    compared = [int(point) for point in np.flatnonzero(done.sum(axis=0) >= FEWEST_SEEDS)]
    shared = [int(seed) for seed in np.flatnonzero(done[:, compared].all(axis=1))] if compared else []
    reason = None
    if len(compared) < 2:
        most, points = int(done.sum(axis=0).max(initial=0)), test.shape[1]
        reason = (
            f"{len(compared)} of {points} depths have {FEWEST_SEEDS} seeds (the most is {most}); needed are 2 depths"
        )
    elif len(shared) < FEWEST_SEEDS:
        reason = f"the depths share {len(shared)} seeds; needed are {FEWEST_SEEDS}"
    return compared, shared, reason


def _cheapest(depths: Sequence[DepthAdvice]) -> int | None:
    timed = [
        (depth.seconds, depth.frozen) for depth in depths if depth.among_best and not depth.avoid and depth.seconds
    ]
    return min(timed)[1] if timed else None


def _untried(tables: Tables, each: AxisVerdict, among: Sequence[int]) -> tuple[int, ...]:
    """Depths of the network without a run whose next depth with one, on either side, is among the best."""
    ladder = next((len(found) for cell in each.group.cells if (found := ladder_of(tables, tables.rows[int(cell)]))), 0)
    tried = [int(value) for value in each.group.values]
    found = []
    for depth in (depth for depth in range(ladder) if depth not in tried):
        below = max((value for value in tried if value < depth), default=None)
        above = min((value for value in tried if value > depth), default=None)
        if below in among or above in among:
            found.append(depth)
    return tuple(found)


def _devices(tables: Tables, each: AxisVerdict) -> tuple[str, ...]:
    return tuple(sorted(set(tables.runs["device"].iloc[_rows(tables, each)].dropna())))


def _rows(tables: Tables, each: AxisVerdict) -> Rows:
    return np.concatenate([tables.rows[int(cell)] for cell in each.group.cells])


def _image_margin(error: float | None, samples: float | None) -> float | None:
    """Two networks of error e differ on a share of at most 2 e of the images: the variance of their difference over
    test sets of n images is at most 2 e / n."""
    return None if error is None or samples is None else NORMAL * float(np.sqrt(2.0 * error / samples))
