"""What a ranking was worth, as text."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from analysis.transferability.agreement import Estimate
from analysis.transferability.scores import BOUND
from frostline.measured import BoundCheck, Group
from frostline.ranking_text import SHORT
from sweeps.errors import printable
from sweeps.records import RankingRecord

PLAIN = "knn"
"""The score that is reported beside the named one: plain, and hard to beat (arXiv:2503.18528)."""


def lines(ranking: RankingRecord, found: Sequence[Group], check: BoundCheck) -> list[str]:
    """By context and frozen depth a table of all scores; then the named score and kNN, the bound, the factors.

    Correlations are of goodness with accuracy: 1 is a perfect order, whichever way a score counts.
    """
    made = "before any run" if ranking.runs_done == 0 else f"when {ranking.runs_done} runs had a result"
    told = [f"{ranking.name}: scores of {ranking.at}, made {made}, against measured accuracies"]
    told.append("correlations: 1 is a perfect order; regret: accuracy lost by the source that a score puts first;")
    told.append("intervals: 95 %, over sources drawn again")
    for group in found:
        told += ["", *_table(group)]
    told += ["", *_summary(ranking, found), *_check(check), *_factors(found)]
    return [printable(line) for line in told]


def title(group: Group) -> str:
    frozen = "/".join(map(str, group.frozen))
    what = "head alone trains" if group.trained_units == 1 else f"{group.trained_units} units train"
    return ", ".join(part for part in (group.context, f"frozen {frozen} ({what})", group.others) if part)


def _table(group: Group) -> list[str]:
    accuracies = [each.accuracy for each in group.outcomes]
    seeds = {each.seeds for each in group.outcomes}
    counted = f"{min(seeds)}" if len(seeds) == 1 else f"{min(seeds)} to {max(seeds)}"
    told = [f"{title(group)}: {len(accuracies)} sources, {counted} seeds, accuracy {_span(accuracies)}"]
    told.append(f"  {'':9} {'n':>3} {'Pearson':>20} {'Spearman':>20} {'weighted Kendall':>20} {'regret':>20}")
    for name, agreed in group.agreements.items():
        cells = (agreed.pearson, agreed.spearman, agreed.weighted_kendall, agreed.regret)
        told.append(f"  {SHORT[name]:9} {agreed.sources:>3} " + " ".join(f"{_told(each):>20}" for each in cells))
    return told


def _summary(ranking: RankingRecord, found: Sequence[Group]) -> list[str]:
    told = []
    for group in found:
        agreed = group.agreements
        names = [name for name in dict.fromkeys((ranking.named, PLAIN)) if name in agreed]
        if names:
            regrets = ", ".join(f"{SHORT[name]} {agreed[name].regret.value:.4f}" for name in names)
            told.append(f"top-1 regret, {title(group)}: {regrets}")
    return told


def _check(check: BoundCheck) -> list[str]:
    if check.pairs == 0:
        return []
    told = [f"{SHORT[BOUND]} bound: holds for {check.pairs - check.violated} of {check.pairs} pairs (held-out loss)"]
    if check.head_runs:
        held = check.head_runs - check.head_violated
        told.append(f"  and for {held} of {check.head_runs} runs of the head alone (final test loss)")
    return told


def _factors(found: Sequence[Group]) -> list[str]:
    told = []
    for group in found:
        shares = group.factor_shares()
        if shares:
            parts = ", ".join(f"{name} {share:.0%}" for name, share in sorted(shares.items(), key=lambda kv: -kv[1]))
            told.append(f"variance explained alone, {title(group)}: {parts}")
    return told


def _told(estimate: Estimate) -> str:
    if not np.isfinite(estimate.value):
        return "-"
    if not np.isfinite(estimate.low):
        return f"{estimate.value:.3f}"
    return f"{estimate.value:.3f} [{estimate.low:.2f},{estimate.high:.2f}]"


def _span(values: Sequence[float]) -> str:
    return f"{min(values):.3f} to {max(values):.3f}"
