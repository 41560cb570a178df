"""Claim C4: two sources compared along the frozen axis, paired by seed. Errors as fractions.

The claim says why: because of double descent. Where the more related source shows none, a less related one that wins is
two lines that cross, and no evidence. So a depth counts only where the more related source is in a double descent.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from analysis.claims.evidence import Evidence
from analysis.statistics.multiplicity import holm
from analysis.statistics.paired import SMALLEST_SD, paired_mean, smallest_sd
from analysis.tables.against_scratch import test_images
from analysis.tables.along_axes import FROZEN, AxisVerdict
from analysis.tables.collect import Tables
from analysis.tables.curves import Array
from analysis.tables.groups import Group, cell_fields
from analysis.tables.schema import numbers
from sweeps.errors import InputError

C4_BETTER = "Because of double descent, transfer from a less related source can beat transfer from a more related one."
C4_ON_PAR = "Because of double descent, transfer from a less related source can equal transfer from a more related one."

FEWEST_SEEDS = 3
MARGIN = 0.01
"""On par: the less related source's error is higher by less than this (one percentage point). A choice of ours."""


class UnknownTask(InputError):
    """A source task that no run of the sweep uses. Its text is one line."""


@dataclass(frozen=True)
class Pair:
    """Two groups that differ in source.task alone. differences: error(less related) - error(more related), (seeds,) by
    frozen depth. inside: depths at which the more related source is in a double descent. given: whether the user said
    which is the more related one. least_sd: what the standard deviation of differences is at least taken to be, by the
    size of the test set (`smallest_sd`)."""

    name: str
    differences: dict[float, Array]
    inside: frozenset[float]
    given: bool
    family: str | None = None
    least_sd: float = SMALLEST_SD


def pairs_of_sources(
    tables: Tables, frozen: Sequence[AxisVerdict], related: Sequence[str] = ()
) -> tuple[tuple[Evidence, ...], tuple[Evidence, ...]]:
    """Tests of both parts of C4, one per pair of groups that differ in source.task alone: better, on par.

    Paired by seed, one-sided t-tests at each frozen depth, adjusted over the depths of the pair (Holm 1979). Better:
    the less related source has the smaller error at a depth where the more related one is in a double descent. On par:
    its error is higher there by less than MARGIN. Against either: it is not so at any depth, by the opposite test.
    The more related source is in a double descent at a depth whose own epoch-wise curve has one, and at the depths
    between the two minima of a freezing-wise one. `related`: see `pairs`.
    """
    found = pairs(tables, frozen, related)
    return tuple(better(pair) for pair in found), tuple(on_par(pair) for pair in found)


def pairs(tables: Tables, frozen: Sequence[AxisVerdict], related: Sequence[str] = ()) -> list[Pair]:
    """All pairs of groups that differ in source.task alone and share a frozen depth with enough seeds.

    `related` orders the source tasks from the most to the least related; a task not in it comes last. Without it, a
    definition of ours: of two sources the more related one has the smaller mean error where the head alone trains, or
    at the deepest depth that both have; the pair counts only where it is better at some depth beyond chance. Raises
    UnknownTask for a name that no run uses.
    """
    used = sorted(set(tables.runs["source.task"].dropna()))
    for name in related:
        if name not in used:
            raise UnknownTask(f"--related: no run has the source task {name!r}; allowed: {', '.join(used) or 'none'}")
    return [
        pair
        for family in _families(frozen)
        for first, second in combinations(family, 2)
        if first.group.fields["source.task"] != second.group.fields["source.task"]
        and (pair := _pair(tables, first, second, list(related))) is not None
    ]


def _families(frozen: Sequence[AxisVerdict]) -> list[list[AxisVerdict]]:
    """Groups along the frozen axis, put together where they differ in the source task alone."""
    others = [name for name in cell_fields() if name not in (FROZEN, "source.task")]
    families: dict[tuple[str, ...], list[AxisVerdict]] = {}
    for each in frozen:
        if each.group.fields["source.task"] is not None:
            families.setdefault(tuple(str(each.group.fields[name]) for name in others), []).append(each)
    return [family for family in families.values() if len(family) > 1]


def _pair(tables: Tables, first: AxisVerdict, second: AxisVerdict, related: list[str]) -> Pair | None:
    """The pair in order of relatedness; None where no depth has enough shared seeds."""
    tasks = [str(each.group.fields["source.task"]) for each in (first, second)]
    errors = [_errors(tables, each.group) for each in (first, second)]
    differences = {
        depth: _paired(*(each[depth] for each in errors)) for depth in sorted(set(errors[0]) & set(errors[1]))
    }
    differences = {depth: values for depth, values in differences.items() if len(values) >= FEWEST_SEEDS}
    if not differences:
        return None
    network = first.group.label.replace(f", source.task = {tasks[0]}", "")
    more = first
    if _second_is_more_related(tasks, related, float(differences[max(differences)].mean())):
        tasks.reverse()
        differences = {depth: -values for depth, values in differences.items()}
        more = second
    name = f"{network}, {tasks[1]} against {tasks[0]} (more related)"
    inside = _inside(tables, more) & frozenset(differences)
    rows = np.concatenate([tables.rows[int(cell)] for each in (first, second) for cell in each.group.cells])
    least = smallest_sd(test_images(tables, rows))
    return Pair(name, differences, inside, bool(related), first.group.fields["model.family"], least)


def _second_is_more_related(tasks: list[str], related: list[str], difference: float) -> bool:
    """`difference`: error of the second less error of the first at the deepest depth."""
    if related:
        place = [related.index(task) if task in related else len(related) for task in tasks]
        return place[1] < place[0]
    return difference < 0


def _inside(tables: Tables, each: AxisVerdict) -> frozenset[float]:
    """Depths of a group at which it is in a double descent."""
    found = {
        float(value)
        for value, cell in zip(each.group.values, each.group.cells, strict=True)
        if (own := tables.verdicts[int(cell)]) is not None and own.double_descent
    }
    verdict = each.verdict
    if (
        verdict is not None
        and verdict.double_descent
        and verdict.first_min is not None
        and verdict.second_min is not None
    ):
        low, high = sorted((verdict.first_min.position, verdict.second_min.position))
        found |= {float(value) for value in each.group.values if low < value < high}
    return frozenset(found)


def _errors(tables: Tables, group: Group) -> dict[float, dict[int, float]]:
    """Final test error of done runs by frozen depth and seed."""
    done = tables.runs["status"].to_numpy() == "done"
    seed_of, final = tables.runs["seed"].to_numpy(dtype=np.int64), numbers(tables.runs, "final_test_error")
    return {
        float(value): {int(seed_of[row]): float(final[row]) for row in tables.rows[cell] if done[row]}
        for value, cell in zip(group.values, group.cells, strict=True)
    }


def _paired(first: dict[int, float], second: dict[int, float]) -> Array:
    """Error of the second source less that of the first, by shared seed."""
    return np.array([second[seed] - first[seed] for seed in sorted(set(first) & set(second))])


def better(pair: Pair) -> Evidence:
    """Whether the less related source has the smaller error where the more related one is in a double descent."""
    return _evidence(pair, 0.0, "error(less related) - error(more related), smallest over frozen depths", "better")


def on_par(pair: Pair) -> Evidence:
    """Whether it is worse there by less than MARGIN: a test of non-inferiority."""
    return _evidence(
        pair, MARGIN, f"the same, against a margin of {100 * MARGIN:g} points", f"within {100 * MARGIN:g} points"
    )


def _evidence(pair: Pair, margin: float, measure: str, word: str) -> Evidence:
    below = _adjusted(pair, lambda values: _t_test(margin - values, pair.least_sd))
    above = [_t_test(values - margin, pair.least_sd) for values in pair.differences.values()]
    candidates = pair.inside or frozenset(pair.differences)
    best = min(candidates, key=lambda depth: pair.differences[depth].mean())
    p_for = min((below[depth] for depth in pair.inside), default=1.0)
    if not pair.given:
        # That the other source is the more related one must be shown too: the larger of the two p-values is that of
        # their conjunction (Berger 1982).
        p_for = max(p_for, min(_adjusted(pair, lambda values: _t_test(values, pair.least_sd)).values()))
    n, effect, low, high, _ = paired_mean(pair.differences[best], pair.least_sd)
    return Evidence(
        group=pair.name,
        measure=measure,
        n=n,
        effect=effect,
        low=low,
        high=high,
        p_for=p_for,
        p_against=max(above),
        detail=_detail(pair, margin, word, best),
        condition_for=bool(pair.inside),
        family=pair.family,
    )


def _adjusted(pair: Pair, p_value: Callable[[Array], float]) -> dict[float, float]:
    """The p-value at each depth of a pair, all depths taken into account."""
    each = holm([p_value(values) for values in pair.differences.values()])
    return dict(zip(pair.differences, each.tolist(), strict=True))


def _t_test(values: Array, least_sd: float) -> float:
    """One-sided p-value that the mean of the values is above 0. least_sd: as of Pair."""
    found = paired_mean(values, least_sd)
    return found.p_value / 2 if found.mean > 0 else 1 - found.p_value / 2


def _detail(pair: Pair, margin: float, word: str, best: float) -> str:
    winning = sorted(depth for depth, values in pair.differences.items() if values.mean() < margin)
    listed = ", ".join(f"{depth:g}" for depth in winning)
    where = f"the less related source is {word} at frozen = {listed}" if winning else f"it is {word} at no depth"
    if not pair.inside:
        return f"{where}; the more related one shows no double descent, so nothing can come of it"
    inside = ", ".join(f"{depth:g}" for depth in sorted(pair.inside))
    return f"{where}; the more related one is in a double descent at frozen = {inside}, closest there at {best:g}"
