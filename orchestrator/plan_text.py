"""A plan as text or JSON."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from orchestrator.obstacles import blocked_json, failures, lines
from orchestrator.schedule import launch_log
from orchestrator.schedule.forecast import Forecast
from orchestrator.schedule.plan import Plan
from orchestrator.schedule.plan_warnings import Warnings
from orchestrator.store.ledger import Ledger
from sweeps.errors import printable

MOST_RUNNING = 12


def print_plan(
    made: Plan,
    left: Forecast,
    ledger: Ledger,
    as_json: bool,
    warnings: Warnings | None = None,
    past: dict[str, Any] | None = None,
    order: Sequence[str] = (),
) -> None:
    """`warnings` where they were looked for: by `plan` and `run`, not by `status`. `past`: the last launch. `order`: in
    which order sources come, where a ranking says so."""
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
                    **({"order": order} if order else {}),
                    "running": _running_json(made),
                    "failures": [
                        {"error": error, "jobs": [job.id for job in jobs]} for error, jobs in failures(made, ledger)
                    ],
                    "blocked_by": blocked_json(made),
                }
            )
        )
        return

    def counted(counts: dict[str, int]) -> str:
        return ", ".join(f"{number} {status}" for status, number in sorted(counts.items())) or "none"

    print(f"{made.sweep.name}: {len(made.runs)} runs: {counted({**runs})}")
    print(f"  source models: {len(made.sources)}: {counted({**sources})}")
    print(f"  to do: {left.sources} source models, {left.runs} runs")
    for line in (*order, *running_lines(made), *lines(made, ledger)):
        print(f"  {line}")
    for line in (*left.lines(), *([launch_log.line(past)] if past is not None else [])):
        print(f"  {line}")
    if made.attempts:
        print(f"  more than one attempt: {len(made.attempts)} results, at most {max(made.attempts.values())} each")
    if made.damaged:
        print(f"  damaged: {len(made.damaged)}, counted as missing; `run` moves them to quarantine. The first of them:")
        print(f"    {next(iter(made.damaged.values()))}")
    for line in warnings.lines() if warnings is not None else []:
        print(f"  warning: {line}")


def running_lines(made: Plan) -> list[str]:
    """What runs now, on which host, in which process, and which epoch it has reached."""
    shown = []
    for id, lease in list(made.leases.items())[:MOST_RUNNING]:
        job = made.runs.get(id) or made.sources[id]
        at = f"{lease.get('host', 'an unknown host')}, process {lease.get('pid', 'unknown')}"
        shown.append(printable(f"running: {job.name}: epoch {lease['progress']} of {lease['epochs']}, on {at}"))
    rest = len(made.leases) - len(shown)
    return [*shown, *([f"running: {rest} more (all of them: --json)"] if rest > 0 else [])]


def _running_json(made: Plan) -> list[dict[str, Any]]:
    of_lease = ("host", "pid", "launch", "progress", "epochs")
    return [{"id": id, **{name: lease.get(name) for name in of_lease}} for id, lease in made.leases.items()]
