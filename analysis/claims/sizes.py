"""Claims about set sizes: C1 on the target's, C2 on the source's. Trends within seeds, errors as fractions."""

from __future__ import annotations

from collections.abc import Callable, Sequence

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
        size = verdict.prominence if verdict.shape == "double_descent" and verdict.prominence is not None else 0.0
        return size, size

    return tuple(
        evidence
        for group in groups
        if (evidence := _trend_evidence(tables, group, "prominence", prominence, 100, "%")) is not None
    )


def c2_crossing(tables: Tables) -> tuple[Evidence, ...]:
    """Epochs to 15, 10, 5 and 1 % train error against source size.

    A run that never crosses crosses later than its last epoch.
    """
    groups = groups_along(tables.cells, "source.size")
    lengths = tables.curves.last_epochs()

    def crossing(per_cent: int) -> RangeOf:
        epochs = numbers(tables.runs, f"epochs_to_{per_cent}")
        return lambda row: (
            (float(epochs[row]), float(epochs[row])) if np.isfinite(epochs[row]) else (lengths[row] + 1.0, np.inf)
        )

    measures = [(f"epochs to {each} % train error", crossing(each)) for each in CROSSINGS]
    found = [_trend_evidence(tables, group, name, range_of, 1, "") for group in groups for name, range_of in measures]
    return tuple(evidence for evidence in found if evidence is not None)


def c2_peak(tables: Tables) -> tuple[Evidence, ...]:
    """The epoch of each run's own peak against source size.

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

    found = [_trend_evidence(tables, group, "peak epoch", peak, 1, "") for group in groups]
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
    medians = f"medians {', '.join(by_size)}"
    return evidence_of_trend(
        _place(group), f"{measure} against {group.axis}", [by_seed[seed] for seed in sorted(by_seed)], medians
    )


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
