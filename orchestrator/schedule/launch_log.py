"""What each launch was expected to take and what it took: one small JSON beside the sweep's record."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from orchestrator.schedule.forecast import Forecast, span
from orchestrator.schedule.plan import Plan
from orchestrator.store.ledger import Ledger
from sweeps.layout import launches
from sweeps.store.records import unreadable


def write(ledger: Ledger, plan: Plan, before: Forecast, ended: Mapping[str, str], wall: float, whole: bool) -> None:
    """Keep a launch's forecast and what came of it.

    plan: as of the end of the launch. ended: how each job that was handed out ended, by id. wall: seconds that the
    launch took. whole: everything has a result. `expected_device_seconds` is the forecast for the very jobs that have
    a result now, so that an interrupted launch can be compared too. Raises StoreError if it cannot be written.
    """
    now = datetime.now(UTC)
    key = f"{launches(plan.sweep.name)}/{now:%Y%m%dT%H%M%S%f}-{os.getpid()}.json"
    done = [id for id, ending in ended.items() if ending in ("done", "diverged") and id in plan.seconds]
    content = {
        "sweep": plan.sweep.name,
        "ended": now.isoformat(timespec="seconds"),
        "forecast": before.as_json(),
        "actual": {
            "jobs": len(done),
            "all_done": whole,
            "device_seconds": sum(plan.seconds[id] for id in done),
            "expected_device_seconds": sum(before.costs.seconds[id] for id in done),
            "wall_seconds": wall,
        },
    }
    try:
        ledger.store.create(key, json.dumps(content, indent=1).encode())
    except OSError as problem:
        raise unreadable(ledger.store, key, problem) from None


def last(ledger: Ledger, sweep: str) -> dict[str, Any] | None:
    """The latest launch on record; None if there is none that can be read."""
    folder = launches(sweep)
    try:
        names = [name for name in ledger.store.list(folder) if name.endswith(".json")]
    except OSError:
        return None
    for name in sorted(names, reverse=True):
        try:
            content = json.loads(ledger.store.read(f"{folder}/{name}") or b"")
        except (OSError, ValueError):
            continue
        if isinstance(content, dict) and {"forecast", "actual"} <= content.keys():
            return content
    return None


def line(launch: Mapping[str, Any]) -> str:
    """Forecast against actual, for a person."""
    told, came = launch["forecast"], launch["actual"]
    expected = came["expected_device_seconds"]
    off = f" ({came['device_seconds'] / expected - 1:+.0%})" if expected else ""
    text = (
        f"last launch, {launch['ended']}: {came['jobs']} of {told['jobs']} jobs, "
        f"device time {span(expected)} forecast, {span(came['device_seconds'])} actual{off}"
    )
    if came["all_done"]:
        text += f"; wall {span(told['wall_seconds']['expected'])} forecast, {span(came['wall_seconds'])} actual"
    return text
