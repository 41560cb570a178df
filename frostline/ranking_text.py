"""A ranking as text, as JSON and as a table."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from analysis.transferability.scores import NAMES
from orchestrator.schedule.forecast import span
from sweeps.errors import printable
from sweeps.records import RankingRecord

SHORT = {"tta_bound": "TTA", "linear_probe": "probe", "trans_rate": "TransRate", "h_score": "H-score", "parc": "PARC"}
SHORT |= {"leep": "LEEP", "nce": "NCE", "n_leep": "N-LEEP", "log_me": "LogME", "gbc": "GBC", "knn": "kNN"}


def frame_of(ranking: RankingRecord) -> pd.DataFrame:
    """One row per pair: context, place, candidate, seed, each score and term (`tta_...`), seconds of each."""
    rows: list[dict[str, Any]] = []
    for pair in ranking.pairs:
        row: dict[str, Any] = {"context": pair.context, "place": pair.place, "candidate": pair.candidate}
        row |= {"seed": pair.seed, "source_id": pair.source_id, **pair.values}
        rows.append(row | {f"seconds_{name}": taken for name, taken in pair.seconds.items()})
    return pd.DataFrame(rows).sort_values(["context", "place", "seed"], kind="stable", ignore_index=True)


def lines(ranking: RankingRecord, cells: Mapping[str, float]) -> list[str]:
    """The ranking of each context with every score, means over seeds, and what it cost.

    cells: seconds that the sweep's runs took, or are expected to take, by id.
    """
    frame = frame_of(ranking)
    told = [f"{ranking.name}: ranked by {SHORT[ranking.named]}, {_before(ranking)}"]
    names = [name for name in NAMES if name in frame.columns]
    for context, group in frame.groupby("context", sort=False):
        means = group.groupby(["place", "candidate"], sort=True)[names].mean()
        width = max(len(str(candidate)) for _, candidate in means.index)
        told += ["", f"{context} ({group['seed'].nunique()} seeds)"]
        told.append(f"  {'':3} {'source':<{width}} " + " ".join(f"{SHORT[name]:>9}" for name in names))
        for place, candidate in means.index:
            values = (_number(float(means.at[(place, candidate), name])) for name in names)
            told.append(f"  {place:>3} {candidate:<{width}} " + " ".join(f"{value:>9}" for value in values))
    return [printable(line) for line in [*told, "", *cost_lines(ranking, cells)]]


def _before(ranking: RankingRecord) -> str:
    done = ranking.runs_done
    return "before any run" if done == 0 else f"when {done} runs had a result"


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


def _number(value: float) -> str:
    return "-" if np.isnan(value) else f"{value:.3f}" if abs(value) < 1000 else f"{value:.0f}"
