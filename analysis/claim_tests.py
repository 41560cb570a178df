"""What each claim says and how a sweep's tables are asked about it. Errors as fractions throughout."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import combinations

import numpy as np
import pandas as pd

from analysis.bootstrap import mean_interval
from analysis.collect import Tables
from analysis.curves import Array, Rows
from analysis.epochwise import run_verdicts
from analysis.evidence import Evidence
from analysis.freezing import FROZEN, AxisVerdict, freezing_wise
from analysis.groups import Group, cell_fields, groups_along
from analysis.schema import CROSSINGS, numbers
from analysis.trend import Range, trend
from analysis.verdict import Verdict

C1 = "A sufficiently large target training set makes the epoch-wise double descent more significant."
C2 = "A larger source training set can make the target training slower: later interpolation, later peak."
C3 = (
    "The number of frozen layers decides effective over- and underparameterisation, and may induce a freezing-wise "
    "double descent: its peak stands where interpolation is lost."
)
C4 = "Because of double descent, transfer from a less related source can beat transfer from a more related one."

FEWEST_SEEDS = 3
SMALLEST_SD = 0.001
"""Least standard deviation of a paired difference that is believed: errors come in steps of one test sample, and a
few equal differences are not certainty."""


class UnknownTask(ValueError):
    """A source task that no run of the sweep uses. Its text is one line."""


RangeOf = Callable[[int], Range | None]
"""From a run's row to the range of its value; None where it has none."""


def c1(tables: Tables) -> tuple[Evidence, ...]:
    """Prominence of each run's own epoch-wise double descent against target size: a trend within seeds.

    No peak is a prominence of 0. A curve that was still rising when it ended has an unknown one, 0 or more.
    """
    groups = groups_along(tables.cells, "target.size")
    verdicts = run_verdicts(tables.curves, _done_rows(tables, groups))

    def prominence(row: int) -> Range | None:
        verdict = verdicts.get(row)
        if verdict is None or verdict.shape == "unstable":
            return None
        if verdict.shape == "u_shaped":
            return 0.0, np.inf
        size = verdict.prominence if verdict.double_descent and verdict.prominence is not None else 0.0
        return size, size

    return tuple(
        evidence
        for group in groups
        if (evidence := _trend_evidence(tables, group, "prominence", prominence, 100, "%")) is not None
    )


def c2(tables: Tables) -> tuple[Evidence, ...]:
    """Epochs to 15, 10, 5 and 1 % train error, and the epoch of each run's own peak, against source size.

    A run that never crosses crosses later than its last epoch; a curve still rising at its end peaks no earlier than
    there. A curve without a peak has no peak epoch.
    """
    groups = groups_along(tables.cells, "source.size")
    verdicts = run_verdicts(tables.curves, _done_rows(tables, groups))
    lengths = tables.curves.lengths()

    def crossing(per_cent: int) -> RangeOf:
        epochs = numbers(tables.runs, f"epochs_to_{per_cent}")
        return lambda row: (
            (float(epochs[row]), float(epochs[row])) if np.isfinite(epochs[row]) else (lengths[row] + 1.0, np.inf)
        )

    def peak(row: int) -> Range | None:
        verdict = verdicts.get(row)
        if verdict is not None and verdict.shape == "u_shaped":
            return float(lengths[row]), np.inf
        return None if verdict is None or verdict.peak is None else (verdict.peak.epoch, verdict.peak.epoch)

    measures: list[tuple[str, RangeOf]] = [(f"epochs to {each} % train error", crossing(each)) for each in CROSSINGS]
    measures.append(("peak epoch", peak))
    found = [_trend_evidence(tables, group, name, range_of, 1, "") for group in groups for name, range_of in measures]
    return tuple(evidence for evidence in found if evidence is not None)


def _done_rows(tables: Tables, groups: Sequence[Group]) -> Rows:
    done = tables.runs["status"].to_numpy() == "done"
    rows = [tables.rows[cell] for group in groups if len(group.cells) > 1 for cell in group.cells]
    joined = np.concatenate([np.empty(0, dtype=np.intp), *rows])
    return joined[done[joined]]


def _trend_evidence(
    tables: Tables, group: Group, measure: str, range_of: RangeOf, scale: float, unit: str
) -> Evidence | None:
    """The trend of a measure along a group; None where it has fewer than two values on its axis."""
    if len(group.cells) < 2:
        return None
    done = tables.runs["status"].to_numpy() == "done"
    seed_of = tables.runs["seed"].to_numpy(dtype=np.int64)
    by_seed: dict[int, list[Range]] = {}
    by_size: list[str] = []
    for value, cell in zip(group.values, group.cells, strict=True):
        known = {int(row): found for row in tables.rows[cell] if done[row] and (found := range_of(int(row)))}
        for row, found in known.items():
            by_seed.setdefault(int(seed_of[row]), []).append(found)
        by_size.append(f"{_median(list(known.values()), scale, unit)} at {value:g}")
    result = trend([by_seed[seed] for seed in sorted(by_seed)])
    if result is None:
        return None
    missing = None if np.isnan(result.low) else result.low, None if np.isnan(result.high) else result.high
    return Evidence(
        group=_place(group),
        measure=f"{measure} against {group.axis}",
        n=result.seeds,
        effect=result.tau,
        low=missing[0],
        high=missing[1],
        p_for=result.p_up,
        p_against=result.p_down,
        detail=f"Kendall's tau within seeds; medians {', '.join(by_size)}",
    )


def _median(ranges: list[Range], scale: float, unit: str) -> str:
    if not ranges:
        return "none"
    lowest, highest = (float(np.median([pair[side] for pair in ranges])) for side in (0, 1))
    return f"{scale * lowest:.3g}{unit}" if highest == lowest else f"more than {scale * lowest:.3g}{unit}"


def _place(group: Group) -> str:
    """The group's name; for other axes than the frozen one its frozen depth is part of what it is."""
    frozen = group.fields.get(FROZEN)
    known = f"{FROZEN} = " in group.label or frozen is None
    return group.label if known else f"{group.label}, frozen = {frozen}"


def c3(tables: Tables) -> tuple[Evidence, ...]:
    """The freezing-wise shape of each group, and whether its peak stands next to the loss of interpolation.

    For: a double descent whose peak is at one of the two depths between which interpolation is lost, or one depth
    beside them. Against: one whose peak is elsewhere, or with no such loss along the axis. The interval of the
    prominence takes the peak and the higher minimum as given.
    """
    return tuple(_freezing_evidence(each) for each in freezing_wise(tables) if each.verdict is not None)


def _freezing_evidence(each: AxisVerdict) -> Evidence:
    verdict = each.verdict
    assert verdict is not None
    found = verdict.double_descent
    near = found and _near_threshold(each, verdict)
    effect, low, high = _prominence_interval(each, verdict) if found else (None, None, None)
    where = "interpolation does not change along the axis"
    if each.threshold is not None:
        where = f"interpolation is lost between {each.threshold[0]:g} and {each.threshold[1]:g}"
    peak = f"peak at frozen = {verdict.peak.epoch:g}, " if verdict.peak is not None else ""
    return Evidence(
        group=each.group.label,
        measure="prominence of the freezing-wise peak",
        n=each.replicates,
        effect=effect,
        low=low,
        high=high,
        p_for=verdict.p_value,
        p_against=verdict.p_value if found else None,
        detail=f"{verdict.shape}, {peak}{where}",
        condition_for=near,
        condition_against=found and not near,
    )


def _near_threshold(each: AxisVerdict, verdict: Verdict) -> bool:
    if each.threshold is None or verdict.peak is None:
        return False
    places = [int(np.abs(each.group.values - value).argmin()) for value in (*each.threshold, verdict.peak.epoch)]
    return min(abs(places[2] - places[0]), abs(places[2] - places[1])) <= 1


def _prominence_interval(each: AxisVerdict, verdict: Verdict) -> tuple[float | None, float | None, float | None]:
    assert verdict.first_min is not None
    assert verdict.peak is not None
    assert verdict.second_min is not None
    higher = max(verdict.first_min, verdict.second_min, key=lambda point: point.error)
    at = [int(np.abs(each.group.values - point.epoch).argmin()) for point in (verdict.peak, higher)]
    mean, low, high = mean_interval(each.test[:, at[0]] - each.test[:, at[1]])
    return (None if np.isnan(mean) else mean), (None if np.isnan(low) else low), (None if np.isnan(high) else high)


def c4(tables: Tables, related: Sequence[str] = ()) -> tuple[Evidence, ...]:
    """Pairs of groups that differ in source.task alone: the sign of error(less related) - error(more related).

    Paired by seed, a t-test at each frozen depth, two-sided and adjusted over the depths of the pair. For: at some
    depth the less related source has the smaller error and at another the more related one does. Against: the more
    related source has the smaller error at every depth.

    `related` orders the source tasks from the most to the least related; a task not in it comes last. Without it, a
    definition of ours: of two sources the more related one has the smaller mean error where the head alone trains, or
    at the deepest depth that both have. Raises UnknownTask for a name that no run uses.
    """
    used = sorted(set(tables.runs["source.task"].dropna()))
    for name in related:
        if name not in used:
            raise UnknownTask(f"--related: no run has the source task {name!r}; allowed: {', '.join(used) or 'none'}")
    pairs = [
        (first, second)
        for family in _families(tables)
        for first, second in combinations(family, 2)
        if first.fields["source.task"] != second.fields["source.task"]
    ]
    found = [_pair_evidence(tables, first, second, list(related)) for first, second in pairs]
    return tuple(evidence for evidence in found if evidence is not None)


def _families(tables: Tables) -> list[list[Group]]:
    """Groups along the frozen axis, put together where they differ in the source task alone."""
    others = [name for name in cell_fields() if name not in (FROZEN, "source.task")]
    families: dict[tuple[str, ...], list[Group]] = {}
    for group in groups_along(tables.cells, FROZEN):
        if group.fields["source.task"] is not None:
            families.setdefault(tuple(str(group.fields[name]) for name in others), []).append(group)
    return [family for family in families.values() if len(family) > 1]


def _pair_evidence(tables: Tables, first: Group, second: Group, related: list[str]) -> Evidence | None:
    errors = [_errors(tables, group) for group in (first, second)]
    depths = sorted(depth for depth in set(errors[0]) & set(errors[1]) if _pairs(errors, depth).size >= FEWEST_SEEDS)
    if not depths:
        return None
    first_task, second_task = (str(group.fields["source.task"]) for group in (first, second))
    tasks = [first_task, second_task]
    network = first.label.replace(f", source.task = {first_task}", "")
    if _second_is_more_related(tasks, related, float(_pairs(errors, depths[-1]).mean())):
        tasks.reverse()
        errors.reverse()
    differences = {depth: _pairs(errors, depth) for depth in depths}  # less related - more related
    p_less, p_more = (_smallest_adjusted(differences, side) for side in (-1.0, 1.0))
    everywhere = max(_t_test(values, 1.0) for values in differences.values())
    best = min(depths, key=lambda depth: differences[depth].mean())
    effect, low, high = mean_interval(differences[best])
    winning = [depth for depth in depths if differences[depth].mean() < 0]
    return Evidence(
        group=f"{network}, {tasks[1]} against {tasks[0]} (more related)",
        measure="error(less related) - error(more related), smallest over frozen depths",
        n=len(differences[best]),
        effect=effect,
        low=low,
        high=high,
        # Both signs must be shown: the larger of the two p-values is that of their conjunction (Berger 1982).
        p_for=max(p_less, p_more),
        p_against=everywhere,
        detail=_pair_detail(tables, first if tasks[0] == first_task else second, winning, best),
    )


def _second_is_more_related(tasks: list[str], related: list[str], difference: float) -> bool:
    """`difference`: error of the second less error of the first at the deepest depth."""
    if related:
        place = [related.index(task) if task in related else len(related) for task in tasks]
        return place[1] < place[0]
    return difference < 0


def _errors(tables: Tables, group: Group) -> dict[float, dict[int, float]]:
    """Final test error of done runs by frozen depth and seed."""
    done = tables.runs["status"].to_numpy() == "done"
    seed_of, final = tables.runs["seed"].to_numpy(dtype=np.int64), numbers(tables.runs, "final_test_error")
    return {
        float(value): {int(seed_of[row]): float(final[row]) for row in tables.rows[cell] if done[row]}
        for value, cell in zip(group.values, group.cells, strict=True)
    }


def _pairs(errors: list[dict[float, dict[int, float]]], depth: float) -> Array:
    """Error of the second source less that of the first, by shared seed."""
    first, second = errors[0][depth], errors[1][depth]
    return np.array([second[seed] - first[seed] for seed in sorted(set(first) & set(second))])


def _smallest_adjusted(differences: dict[float, Array], side: float) -> float:
    """p-value that at some depth the difference has this sign: two-sided tests, Simes' rule over the depths."""
    p = np.sort([min(1.0, 2.0 * _t_test(values, side)) for values in differences.values()])
    return float(min(1.0, (p * len(p) / np.arange(1, len(p) + 1)).min()))


def _t_test(values: Array, side: float) -> float:
    """One-sided p-value that the mean of side * values is above 0."""
    from scipy.special import stdtr

    spread = max(float(values.std(ddof=1)), SMALLEST_SD) / np.sqrt(len(values))
    return float(stdtr(len(values) - 1, -side * values.mean() / spread))


def _pair_detail(tables: Tables, more: Group, winning: list[float], best: float) -> str:
    if not winning:
        return f"the more related source is better at every depth; closest at frozen = {best:g}"
    cell = int(more.cells[int(np.abs(more.values - best).argmin())])
    shape = tables.cells["shape"].iloc[cell]
    there = "of unknown shape" if pd.isna(shape) else str(shape).replace("_", " ")
    listed = ", ".join(f"{depth:g}" for depth in winning)
    shown = f"there the more related one is epoch-wise {there}"
    return f"the less related source is better at frozen = {listed}, most at {best:g}; {shown}"
