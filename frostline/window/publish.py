"""`frostline publish`: the runs of a sweep, then the sweep's own W&B run, from the store."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Literal

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from frostline.window.content import added_by_run, sweep_content
from frostline.window.results import Results, write_results
from orchestrator.schedule.plan import Plan, planned
from orchestrator.store.jobs import Job
from orchestrator.store.ledger import Ledger, StoreError
from orchestrator.store_commands import Typed, ledger_at
from orchestrator.tracking.description import fields_that_differ
from orchestrator.tracking.options import TrackingOptions
from orchestrator.tracking.publish import Publication, PublishReport, publish, wandb_attempt
from orchestrator.tracking.sweep_run import SourceModel, send_sweep
from sweeps.console import say_next
from sweeps.errors import printable
from sweeps.records import RunRecord

FILES = "sweeps"
"""In the store's folder for W&B: what the W&B run of each sweep was made of."""
Found = list[tuple[Job, RunRecord]]


def publish_sweep(sweep: str, store: str, project: str, mode: Literal["online", "offline"]) -> int:
    """Publish what of a sweep is not there; the exit code: 1 where something has not arrived. Says so, line by line."""
    ledger = ledger_at(store)
    plan = planned(sweep, ledger)
    jobs = (*plan.sources.values(), *plan.runs.values())
    found = [(job, record) for job in jobs if (record := ledger.result(job)) is not None]
    options = TrackingOptions(store=ledger.location, mode=mode, project=project)
    results = _results(plan, ledger, options) if any(job.kind == "run" for job, _ in found) else None
    report = _publish_runs(plan, ledger, found, results, options)
    done = "written" if mode == "offline" else "published"
    print(f"{report.published} {done}, {report.already} there already, {len(jobs) - len(found)} without a result")
    for problem in report.problems:
        print(f"not {done}: {printable(problem)}", file=sys.stderr)
    if not report.complete:
        left = f"{report.not_tried} not tried; " if report.not_tried else ""
        print(f"{left}the same command goes on, with the sweep's own W&B run after its runs", file=sys.stderr)
        return 1
    code = 0 if results is None else _publish_sweep(results, ledger, found, options)
    if code == 0 and mode == "online" and results is not None:
        say_next(*Typed(sweep, store).words("report", "--wandb", *options.words), why="a report on W&B")
    return code


def _results(plan: Plan, ledger: Ledger, options: TrackingOptions) -> Results:
    folder = options.runs / FILES / plan.sweep.name
    try:
        return write_results(plan.sweep, ledger.store, folder)
    except OSError as problem:
        raise StoreError(f"{folder}: cannot be written ({problem.strerror})") from None


def _publish_runs(
    plan: Plan, ledger: Ledger, found: Found, results: Results | None, options: TrackingOptions
) -> PublishReport:
    # By the names of this sweep: a run may have been computed for another.
    records = [record.model_copy(update={"name": job.name}) for job, record in found]
    shown = Publication(
        sweep=plan.sweep.name,
        differ=fields_that_differ(job.spec for job in plan.runs.values()),
        verdicts={} if results is None else added_by_run(results),
    )
    with _progress() as progress:
        task = progress.add_task("runs", total=None)
        return publish(
            ledger.store,
            records,
            ledger.curve,
            options,
            shown,
            lambda tried, total: progress.update(task, completed=tried, total=total),
        )


def _publish_sweep(results: Results, ledger: Ledger, found: Found, options: TrackingOptions) -> int:
    sources = [
        SourceModel(record.id, job.name, f"{record.id}-{wandb_attempt(ledger.store, record)}", record.weights_sha256)
        for job, record in found
        if job.kind == "source"
    ]
    commits = Counter(record.provenance.get("git_sha") for _, record in found)
    content = sweep_content(results, sources, commits.most_common(1)[0][0])
    sent, problem = send_sweep(ledger.store, content, options)
    if problem is not None:
        print(f"not published: the sweep's own W&B run {content.wandb_id}: {printable(problem)}", file=sys.stderr)
        return 1
    what = f"{len(content.tables)} tables, {len(content.figures)} figures, {len(content.files)} files"
    print(f"{content.wandb_id}: {what}{'' if sent else ', there already'}")
    return 0


@contextmanager
def _progress() -> Iterator[Progress]:
    """A bar while a person looks on; nothing otherwise, since what counts is said at the end."""
    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:
        yield progress
