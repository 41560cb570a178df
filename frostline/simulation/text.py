"""Simulated launches as a table for a person, or as JSON."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from frostline.simulation.together import Together
from orchestrator.schedule.cluster_model import Cluster, Outcome
from orchestrator.schedule.forecast import shown, span


class Simulated(NamedTuple):
    cluster: Cluster
    outcome: Outcome


def as_json(asked: Together, found: Sequence[Simulated], price: float | None) -> dict[str, Any]:
    return {
        "sweeps": list(asked.names),
        "runs": len(asked.plan.open_runs),
        "sources": len(asked.plan.open_sources),
        "device": asked.device,
        "learnt_from": asked.learnt_from,
        "replayed": asked.actual is not None,
        "longest_chain_seconds": asked.longest_chain,
        "clusters": [
            {
                "workers": cluster.workers,
                "per_node": cluster.per_node,
                **outcome.as_json(),
                **({} if price is None else {"price": price * outcome.held / 3600}),
                **({} if price is None else {"price_until_idle": price * outcome.held_until_idle / 3600}),
            }
            for cluster, outcome in found
        ],
    }


def lines(asked: Together, found: Sequence[Simulated], price: float | None) -> list[str]:
    """What was played through, then a row for each cluster, then what the columns mean."""
    names = asked.names[0] if len(asked.names) == 1 else f"{asked.names[0]} and {len(asked.names) - 1} more, together"
    head = f"{names}: {len(asked.plan.open_runs):,} runs and {len(asked.plan.open_sources):,} source models to do"
    if not asked.expected:
        return [head]
    rows = [_titles(price), *(_row(each, price) for each in found)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    table = ["  ".join(cell.rjust(width) for cell, width in zip(row, widths, strict=True)) for row in rows]
    return [
        head,
        _durations(asked),
        f"longest run with its source: {span(asked.longest_chain)}",
        *table,
        *_closing(found),
    ]


def _durations(asked: Together) -> str:
    if asked.actual is not None:
        return f"device time: {span(sum(asked.actual.values()))}, as the results took"
    known = f"learnt from {asked.learnt_from} results" if asked.learnt_from else "no results yet: a count of operations"
    return f"device time: {shown(asked.total)} on {asked.device} ({known}; 95 % interval)"


def _titles(price: float | None) -> list[str]:
    money = [] if price is None else ["price", "price*"]
    return ["workers", "wall", "efficiency", "efficiency*", "redone", "slowed", "waited", "idle", "nodes lost", *money]


def _row(one: Simulated, price: float | None) -> list[str]:
    outcome = one.outcome
    lost = (outcome.redone, outcome.slowed, outcome.waited, outcome.idle)
    money = [] if price is None else [price * held / 3600 for held in (outcome.held, outcome.held_until_idle)]
    return [
        f"{one.cluster.workers:,}",
        span(outcome.wall),
        *(f"{share:.1%}" for share in (outcome.efficiency, outcome.efficiency_until_idle)),
        *(f"{part / outcome.held:.1%}" for part in lost),
        f"{outcome.nodes_lost:,}",
        *(f"{amount:,.2f}" if amount < 100 else f"{amount:,.0f}" for amount in money),
    ]


def _closing(found: Sequence[Simulated]) -> list[str]:
    most = max(found, key=lambda each: each.outcome.driver_busy / each.outcome.wall)
    busy = f"{most.outcome.driver_busy / most.outcome.wall:.1%}"
    store = most.outcome.store_busy / most.outcome.wall + most.cluster.heartbeats() / most.cluster.store_rate
    told = [
        "efficiency: useful time over the time workers are there; *: where a node is given back after its last job",
        f"at {most.cluster.workers:,} workers the driver is busy for {busy} of the time, the store for {store:.1%}",
    ]
    return told + [
        f"at {each.cluster.workers:,} workers {each.outcome.failed:,} jobs have no result: run again"
        for each in found
        if each.outcome.failed
    ]
