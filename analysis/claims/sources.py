"""Claim C4: two sources compared along the frozen axis, paired by seed. Errors as fractions."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations

import numpy as np
import pandas as pd

from analysis.claims.evidence import Evidence
from analysis.statistics.intervals import mean_interval
from analysis.tables.along_axes import FROZEN
from analysis.tables.collect import Tables
from analysis.tables.curves import Array
from analysis.tables.groups import Group, cell_fields, groups_along
from analysis.tables.schema import numbers

C4 = "Because of double descent, transfer from a less related source can beat transfer from a more related one."

FEWEST_SEEDS = 3
SMALLEST_SD = 0.001
"""Least standard deviation of a paired difference that is believed: errors come in steps of one test sample, and a
few equal differences are not certainty."""


class UnknownTask(ValueError):
    """A source task that no run of the sweep uses. Its text is one line."""


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
