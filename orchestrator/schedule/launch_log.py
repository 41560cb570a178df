"""What each launch was expected to take and what it took: one small JSON beside the sweep's record."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from orchestrator.schedule.forecast import Forecast, span
from orchestrator.store.ledger import Ledger
from sweeps.layout import launches
from sweeps.store.records import unreadable


def write(ledger: Ledger, sweep: str, before: Forecast, ended: Mapping[str, Any]) -> None:
    """Keep a launch's forecast and its end. Raises StoreError if it cannot be written."""
    now = datetime.now(UTC)
    key = f"{launches(sweep)}/{now:%Y%m%dT%H%M%S%f}-{os.getpid()}.json"
    content = {
        "sweep": sweep,
        "ended": now.isoformat(timespec="seconds"),
        "forecast": before.as_json(),
        "actual": ended,
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


def actual(
    seconds: Mapping[str, float], ended: Mapping[str, str], expected: Mapping[str, float], wall: float, whole: bool
) -> dict[str, Any]:
    """What came of a launch: `seconds` a worker was busy with each result, `ended` and `expected` by job.

    `expected_device_seconds` is the forecast for the very jobs that have a result now, so that an interrupted launch
    can be compared too.
    """
    done = [id for id, ending in ended.items() if ending in ("done", "diverged") and id in seconds]
    return {
        "jobs": len(done),
        "all_done": whole,
        "device_seconds": sum(seconds[id] for id in done),
        "expected_device_seconds": sum(expected[id] for id in done),
        "wall_seconds": wall,
    }


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
