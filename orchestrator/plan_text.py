"""A plan and its failures as text or JSON."""

from __future__ import annotations

import json
from typing import Any

from orchestrator.schedule import launch_log
from orchestrator.schedule.forecast import Forecast
from orchestrator.schedule.plan import Plan
from orchestrator.schedule.plan_warnings import Warnings
from orchestrator.store.ledger import Ledger


def print_plan(
    made: Plan, left: Forecast, past: dict[str, Any] | None, as_json: bool, warnings: Warnings | None = None
) -> None:
    """`warnings` where they were looked for: by `plan` and `run`, not by `status`."""
    runs, sources = made.counts(made.runs), made.counts(made.sources)
    if as_json:
        content: dict[str, Any] = {"sweep": made.sweep.name, "digest": made.sweep.digest, "edition": made.sweep.edition}
        content |= {"runs": runs, "sources": sources}
        if warnings is not None:
            content["warnings"] = warnings.lines()
            content["older_editions"] = [older._asdict() for older in warnings.older]
        print(
            json.dumps(
                {
                    **content,
                    "to_run": left.runs,
                    "sources_to_train": left.sources,
                    "damaged": len(made.damaged),
                    "more_than_one_attempt": len(made.attempts),
                    "forecast": left.as_json(),
                    "last_launch": past,
                }
            )
        )
        return

    def counted(counts: dict[str, int]) -> str:
        return ", ".join(f"{number} {status}" for status, number in sorted(counts.items())) or "none"

    print(f"{made.sweep.name}: {len(made.runs)} runs: {counted({**runs})}")
    print(f"  source models: {len(made.sources)}: {counted({**sources})}")
    print(f"  to do: {left.sources} source models, {left.runs} runs")
    for line in (*left.lines(), *([launch_log.line(past)] if past is not None else [])):
        print(f"  {line}")
    if made.attempts:
        print(f"  more than one attempt: {len(made.attempts)} results, at most {max(made.attempts.values())} each")
    if made.damaged:
        print(f"  damaged: {len(made.damaged)}, counted as missing; `run` moves them to quarantine. The first of them:")
        print(f"    {next(iter(made.damaged.values()))}")
    for line in warnings.lines() if warnings is not None else []:
        print(f"  warning: {line}")


def print_failures(made: Plan, ledger: Ledger) -> None:
    shown = 0
    for job in (*made.sources.values(), *made.runs.values()):
        last = ledger.last_failure(job) if made.statuses[job.id] == "failed" else None
        if last is not None:
            shown += 1
            print(f"{job.kind} {job.id} {job.name}: {last[0].error} ({last[1]} attempts; {last[2]})")
    print(f"{shown} failed")
