"""A plan as text or JSON."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from orchestrator.schedule.forecast import Forecast
from orchestrator.schedule.plan import Plan
from orchestrator.schedule.plan_warnings import Warnings
from orchestrator.screen.obstacles import blocked_json, failures
from orchestrator.screen.overview import plan_lines
from orchestrator.store.ledger import Ledger
from sweeps.console import say_lines


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
    which order sources come, where a ranking says so.

    Lines wrap at words where a terminal is narrower than they are.
    """
    if as_json:
        content = _json(made, left, ledger, warnings, past)
        print(json.dumps({**content, **({"order": list(order)} if order else {})}))
        return
    say_lines([*order, *plan_lines(made, left, ledger, warnings, past)])


def _json(
    made: Plan, left: Forecast, ledger: Ledger, warnings: Warnings | None, past: dict[str, Any] | None
) -> dict[str, Any]:
    content: dict[str, Any] = {"sweep": made.sweep.name, "digest": made.sweep.digest, "edition": made.sweep.edition}
    content |= {"runs": made.counts(made.runs), "sources": made.counts(made.sources)}
    if warnings is not None:
        content["warnings"] = warnings.lines()
        content["older_editions"] = [older._asdict() for older in warnings.older]
    return {
        **content,
        "to_run": left.runs,
        "sources_to_train": left.sources,
        "damaged": len(made.damaged),
        "more_than_one_attempt": len(made.attempts),
        "forecast": left.as_json(),
        "last_launch": past,
        "running": _running_json(made),
        "failures": [{"error": error, "jobs": [job.id for job in jobs]} for error, jobs in failures(made, ledger)],
        "blocked_by": blocked_json(made),
    }


def _running_json(made: Plan) -> list[dict[str, Any]]:
    of_lease = ("host", "pid", "launch", "progress", "epochs")
    return [{"id": id, **{name: lease.get(name) for name in of_lease}} for id, lease in made.leases.items()]
