"""Why runs have no result, in lines: failures that are alike together, blocked runs by the source model they need."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

from orchestrator.schedule.plan import Plan
from orchestrator.store.jobs import Job
from orchestrator.store.ledger import Ledger, StoreError
from sweeps.errors import printable
from sweeps.store.many import look_at_each
from sweeps.store.status import grouped, obstacle

MOST_LINES = 5
LONGEST_ERROR = 300
"""Characters of an error in a list of failures; `frostline show` has all of it."""


def of(number: int, what: str) -> str:
    """`1 run`, `2 runs`."""
    return f"{number} {what}{'s' * (number != 1)}"


def counted(jobs: list[Job]) -> str:
    sources = sum(job.kind == "source" for job in jobs)
    parts = [of(sources, "source model")] * (sources > 0) + [of(len(jobs) - sources, "run")] * (len(jobs) > sources)
    return " and ".join(parts)


class LastFailure(NamedTuple):
    """Of a job that failed. Where its record cannot be read, `error` says why and the rest is None: that must neither
    hide the other failures nor end a launch."""

    error: str
    attempts: int | None
    file: str | None


def last_failure(ledger: Ledger, job: Job) -> LastFailure | None:
    """None where no failure is on record."""
    try:
        last = ledger.last_failure(job)
    except StoreError as problem:
        return LastFailure(str(problem), None, None)
    return None if last is None else LastFailure(last[0].error, last[1], last[2])


def failures(plan: Plan, ledger: Ledger) -> list[tuple[str, list[Job]]]:
    """The failed jobs of a plan with the last error of each group, most frequent first."""
    return grouped((last.error, job) for job, last in _last_failures(plan, ledger))


def _last_failures(plan: Plan, ledger: Ledger) -> list[tuple[Job, LastFailure]]:
    failed = [job for job in (*plan.sources.values(), *plan.runs.values()) if plan.statuses[job.id] == "failed"]
    looked_at = look_at_each(ledger.store, lambda job: last_failure(ledger, job), failed)
    return [(job, last) for job, last in looked_at if last is not None]


def lines(plan: Plan, ledger: Ledger) -> list[str]:
    """A line for each kind of failure and for each source model that blocks runs, the first few of each."""
    groups = failures(plan, ledger)
    shown = [f"failed: {counted(jobs)}: {shortened(error)}" for error, jobs in groups[:MOST_LINES]]
    if len(groups) > MOST_LINES:
        shown.append(f"failed: {of(len(groups) - MOST_LINES, 'other kind')} of failures")
    return [*shown, *blocked_lines(plan)]


def blocked_lines(plan: Plan) -> list[str]:
    """`blocked: source X diverged: 2 runs`."""
    blocked = plan.blocked()
    named = list(blocked)[:MOST_LINES]
    shown = [f"blocked: {why_blocked(plan, source)}: {of(len(blocked[source]), 'run')}" for source in named]
    rest = list(blocked)[MOST_LINES:]
    if rest:
        runs = sum(len(blocked[source]) for source in rest)
        shown.append(f"blocked: {of(len(rest), 'other source model')} failed or diverged: {of(runs, 'run')}")
    return shown


def why_blocked(plan: Plan, source: str) -> str:
    return obstacle(plan.sources[source].name, plan.statuses[source])


def blocked_json(plan: Plan) -> list[dict[str, Any]]:
    return [
        {"source": id, "name": plan.sources[id].name, "status": plan.statuses[id], "runs": [job.id for job in jobs]}
        for id, jobs in plan.blocked().items()
    ]


def shortened(error: str) -> str:
    text = printable(error)
    return text if len(text) <= LONGEST_ERROR else f"{text[: LONGEST_ERROR - 3]}..."


def failed_json(plan: Plan, ledger: Ledger) -> dict[str, Any]:
    """What `all_failed` says, for programs."""
    failed = [
        {"kind": job.kind, "id": job.id, "name": job.name, **last._asdict()}
        for job, last in _last_failures(plan, ledger)
    ]
    return {"sweep": plan.sweep.name, "failed": failed, "blocked_by": blocked_json(plan)}


def all_failed(plan: Plan, ledger: Ledger) -> Iterator[str]:
    """Every job that failed, under its kind of error, and every blocked run, under its source model."""
    groups = grouped((last.error, (job, last)) for job, last in _last_failures(plan, ledger))
    for error, alike in groups:
        yield f"{counted([job for job, _ in alike])}: {shortened(error)}"
        for job, last in alike:
            attempts = "" if last.attempts is None else f" ({of(last.attempts, 'attempt')}; {last.file})"
            yield f"  {job.kind} {job.id} {job.name}{attempts}"
    for source, jobs in plan.blocked().items():
        yield f"{of(len(jobs), 'run')} blocked: {why_blocked(plan, source)}"
        for job in jobs:
            yield f"  run {job.id} {job.name}"
    failed = sum(len(alike) for _, alike in groups)
    yield f"{failed} failed, {sum(map(len, plan.blocked().values()))} blocked"
