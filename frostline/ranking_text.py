"""A ranking as text and as a table."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from analysis.transferability.scores import NAMES
from orchestrator.schedule.forecast import span
from sweeps.errors import printable
from sweeps.records import RankedPair, RankingRecord

SHORT = {"tta_bound": "TTA", "linear_probe": "probe", "trans_rate": "TransRate", "h_score": "H-score", "parc": "PARC"}
SHORT |= {"leep": "LEEP", "nce": "NCE", "n_leep": "N-LEEP", "log_me": "LogME", "gbc": "GBC", "knn": "kNN"}


def rows_of(ranking: RankingRecord) -> list[dict[str, Any]]:
    """One row per pair, the best first: context, place, candidate, seed, source, each score and term of the bound, what
    each took (`seconds_...`)."""
    rows = []
    for pair in sorted(ranking.pairs, key=lambda pair: (pair.context, pair.place, pair.seed)):
        row: dict[str, Any] = {"context": pair.context, "place": pair.place, "candidate": pair.candidate}
        row |= {"seed": pair.seed, "source_id": pair.source_id, **pair.values}
        rows.append(row | {f"seconds_{name}": taken for name, taken in pair.seconds.items()})
    return rows


def write_csv(ranking: RankingRecord, path: Path) -> None:
    """`rows_of` as CSV; what a pair does not have is empty. Raises OSError."""
    rows = rows_of(ranking)
    columns = list(dict.fromkeys(name for row in rows for name in row))
    with path.open("w", newline="", encoding="utf-8") as file:
        table = csv.DictWriter(file, columns)
        table.writeheader()
        table.writerows(rows)


def lines(ranking: RankingRecord, cells: Mapping[str, float]) -> list[str]:
    """The ranking of each context with every score, means over seeds, and what it cost.

    cells: seconds that the sweep's runs took, or are expected to take, by id.
    """
    done = ranking.runs_done
    before = "before any run" if done == 0 else f"when {done} runs had a result"
    told = [f"{ranking.name}: ranked by {SHORT[ranking.named]}, {before}"]
    for context in dict.fromkeys(pair.context for pair in ranking.pairs):
        told += ["", *_table(context, [pair for pair in ranking.pairs if pair.context == context])]
    return [printable(line) for line in [*told, "", *cost_lines(ranking, cells)]]


def _table(context: str, pairs: Sequence[RankedPair]) -> list[str]:
    by_candidate: dict[str, list[RankedPair]] = {}
    for pair in sorted(pairs, key=lambda pair: pair.place):
        by_candidate.setdefault(pair.candidate, []).append(pair)
    names = [name for name in NAMES if any(name in pair.values for pair in pairs)]
    width = max(map(len, by_candidate))
    told = [f"{context} ({len({pair.seed for pair in pairs})} seeds)"]
    told.append(f"  {'':3} {'source':<{width}} " + " ".join(f"{SHORT[name]:>9}" for name in names))
    for candidate, found in by_candidate.items():
        values = " ".join(f"{_mean(found, name):>9}" for name in names)
        told.append(f"  {found[0].place:>3} {candidate:<{width}} {values}")
    return told


def cost_lines(ranking: RankingRecord, cells: Mapping[str, float]) -> list[str]:
    """What the ranking took, by score, and as a share of its target cells. Source training is counted in neither."""
    taken: dict[str, float] = {}
    for pair in ranking.pairs:
        for name, seconds in pair.seconds.items():
            taken[name] = taken.get(name, 0.0) + seconds
    total = sum(taken.values())
    parts = ", ".join(f"{SHORT.get(name, name)} {seconds:.2f} s" for name, seconds in taken.items())
    ids = {id for pair in ranking.pairs for id in pair.runs}
    work = sum(cells[id] for id in ids if id in cells)
    share = f", {total / work:.1%} of the {span(work)} of these {len(ids)} runs" if work > 0 else ""
    return [
        f"cost of {len(ranking.pairs)} pairs: {span(total)}{share}; training the source models is not counted",
        f"  {parts}",
    ]


def _mean(pairs: Sequence[RankedPair], name: str) -> str:
    have = [pair.values[name] for pair in pairs if name in pair.values]
    value = float(np.mean(have)) if have else float("nan")
    return "-" if np.isnan(value) else f"{value:.3f}" if abs(value) < 1000 else f"{value:.0f}"
