"""Claims about set sizes: C1 on the target's, C2 on the source's. Trends within seeds, errors as fractions."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from analysis.claims.evidence import Evidence
from analysis.statistics.trend import Range, trend
from analysis.tables.along_axes import FROZEN
from analysis.tables.collect import Tables
from analysis.tables.curves import Rows
from analysis.tables.epochwise import run_verdicts
from analysis.tables.groups import Group, groups_along
from analysis.tables.schema import CROSSINGS, numbers

C1 = "A sufficiently large target training set makes the epoch-wise double descent more significant."
C2_CROSSING = "A larger source training set can make the target training slower: it interpolates later."
C2_PEAK = "A larger source training set can make the target training slower: its double descent peaks later."

FEWEST_SEEDS = 3
"""A trend over fewer is described and not tested: two seeds that agree are no evidence of a third."""

RangeOf = Callable[[int], Range | None]
"""From a run's row to the range of its value; None where it has none."""


@dataclass(frozen=True)
class Series:
    """A measure of single runs along the sizes of one group. seeds: the range of each run's value by seed and size.

    scale, unit: how a value is shown.
    """

    group: Group
    measure: str
    seeds: Mapping[int, Mapping[float, Range]]
    scale: float = 1
    unit: str = ""


def c1(tables: Tables) -> tuple[Evidence, ...]:
    """The trend of `prominences` along the target's size, within seeds."""
    return _trends(prominences(tables))


def prominences(tables: Tables) -> tuple[Series, ...]:
    """Prominence of each run's own epoch-wise double descent by target size.

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
        size = verdict.prominence if verdict.shape == "double_descent" and verdict.prominence is not None else 0.0
        return size, size

    return _series(tables, groups, {"prominence": prominence}, 100, "%")


def c2_crossing(tables: Tables) -> tuple[Evidence, ...]:
    """The trends of `crossings` along the source's size, within seeds."""
    return _trends(crossings(tables))


def crossings(tables: Tables) -> tuple[Series, ...]:
    """Epochs to 15, 10, 5 and 1 % train error by source size.

    A run that never crosses crosses later than its last epoch.
    """
    lengths = tables.curves.last_epochs()

    def crossing(per_cent: int) -> RangeOf:
        epochs = numbers(tables.runs, f"epochs_to_{per_cent}")
        return lambda row: (
            (float(epochs[row]), float(epochs[row])) if np.isfinite(epochs[row]) else (lengths[row] + 1.0, np.inf)
        )

    measures = {f"epochs to {each} % train error": crossing(each) for each in CROSSINGS}
    return _series(tables, groups_along(tables.cells, "source.size"), measures)


def c2_peak(tables: Tables) -> tuple[Evidence, ...]:
    """The trend of the epoch of each run's own peak along the source's size, within seeds.

    A curve still rising at its end peaks no earlier than there. A curve without a peak has no peak epoch.
    """
    groups = groups_along(tables.cells, "source.size")
    verdicts = run_verdicts(tables.curves, _done_rows(tables, groups))
    lengths = tables.curves.last_epochs()

    def peak(row: int) -> Range | None:
        verdict = verdicts.get(row)
        if verdict is not None and verdict.shape == "u_shaped":
            return float(lengths[row]), np.inf
        return None if verdict is None or verdict.peak is None else (verdict.peak.position, verdict.peak.position)

    return _trends(_series(tables, groups, {"peak epoch": peak}))


def _done_rows(tables: Tables, groups: Sequence[Group]) -> Rows:
    done = tables.runs["status"].to_numpy() == "done"
    rows = [tables.rows[cell] for group in groups if len(group.cells) > 1 for cell in group.cells]
    joined = np.concatenate([np.empty(0, dtype=np.intp), *rows])
    return joined[done[joined]]


def _series(
    tables: Tables, groups: Sequence[Group], measures: Mapping[str, RangeOf], scale: float = 1, unit: str = ""
) -> tuple[Series, ...]:
    """The measures of done runs of each group with at least two sizes."""
    done = tables.runs["status"].to_numpy() == "done"
    seed_of = tables.runs["seed"].to_numpy(dtype=np.int64)
    made: list[Series] = []
    for group in (group for group in groups if len(group.cells) > 1):
        for measure, range_of in measures.items():
            by_seed: dict[int, dict[float, Range]] = {}
            for value, cell in zip(group.values, group.cells, strict=True):
                for row in tables.rows[cell][done[tables.rows[cell]]]:
                    found = range_of(int(row))
                    if found is not None:
                        by_seed.setdefault(int(seed_of[row]), {})[float(value)] = found
            made.append(Series(group, measure, by_seed, scale, unit))
    return tuple(made)


def _trends(series: Sequence[Series]) -> tuple[Evidence, ...]:
    return tuple(evidence for each in series if (evidence := _trend_evidence(each)) is not None)


def _trend_evidence(series: Series) -> Evidence | None:
    group, by_seed = series.group, series.seeds
    by_size = [
        f"{_median([seed[size] for seed in by_seed.values() if size in seed], series.scale, series.unit)} at {size:g}"
        for size in group.values.tolist()
    ]
    found = evidence_of_trend(
        _place(group),
        f"{series.measure} against {group.axis}",
        [list(by_seed[seed].values()) for seed in sorted(by_seed)],
        f"medians {', '.join(by_size)}",
    )
    return None if found is None else replace(found, family=group.fields.get("model.family"))


def evidence_of_trend(place: str, measure: str, seeds: Sequence[Sequence[Range]], medians: str) -> Evidence | None:
    """The test of a trend within seeds, each a sequence of ranges by rising size; None where no seed has two values."""
    result = trend(seeds)
    if result is None:
        return None
    missing = None if np.isnan(result.low) else result.low, None if np.isnan(result.high) else result.high
    enough = result.seeds >= FEWEST_SEEDS
    few = "" if enough else f"not tested, {result.seeds} of at least {FEWEST_SEEDS} seeds; "
    return Evidence(
        group=place,
        measure=measure,
        n=result.seeds,
        effect=result.tau,
        low=missing[0],
        high=missing[1],
        p_for=result.p_up if enough else None,
        p_against=result.p_down if enough else None,
        detail=f"{few}Kendall's tau within seeds; {medians}",
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
