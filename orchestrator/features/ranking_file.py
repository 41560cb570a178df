"""A sweep's ranking in the store, and the order of a plan by it."""

from __future__ import annotations

from orchestrator.schedule.plan import Plan
from orchestrator.store.ledger import Ledger
from sweeps import layout
from sweeps.errors import printable
from sweeps.records import RankingRecord
from sweeps.self_digest import seal
from sweeps.store import records
from sweeps.store.interface import StoreError


def save(record: RankingRecord, ledger: Ledger) -> None:
    """Raises StoreError if it cannot be written."""
    key = layout.ranking(record.name, record.digest)
    try:
        ledger.store.replace(key, seal(record.model_dump_json().encode()))
    except OSError as problem:
        raise records.unreadable(ledger.store, key, problem) from None


def prefer_ranked(plan: Plan, ledger: Ledger, again: str) -> list[str]:
    """Let the plan's jobs be begun in the order of the ranking: those of the best source of each context first.

    `again`: the command that makes the ranking. Returns what to tell of it: a line for each context. Raises StoreError
    where the store has no ranking of this sweep.
    """
    found = records.ranking(ledger.store, layout.ranking(plan.sweep.name, plan.sweep.digest))
    if found is None:
        raise StoreError(
            f"--prefer ranked: {ledger.location} has no ranking of this version of {plan.sweep.name}; "
            f"`{again}` makes it"
        )
    behind: dict[str, int] = {}
    for pair in found.pairs:
        for job in (*pair.runs, *([pair.source_id] if pair.source_id is not None else [])):
            behind[job] = min(pair.place - 1, behind.get(job, pair.place))
    # What has no place, runs from random weights above all, stands with the first: it is what all are compared with.
    plan.behind = {id: place for id, place in behind.items() if id in plan.runs or id in plan.sources}
    return order_lines(found)


def order_lines(ranking: RankingRecord) -> list[str]:
    """`queue of digits-400 by tta_bound: mnist-2000, glyphs[0-9]-2000, ...`, for each context."""
    places: dict[str, dict[str, int]] = {}
    for pair in ranking.pairs:
        places.setdefault(pair.context, {})[pair.candidate] = pair.place
    return [
        printable(f"queue of {context} by {ranking.named}: {', '.join(sorted(found, key=found.__getitem__))}")
        for context, found in places.items()
    ]
