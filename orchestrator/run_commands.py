"""The commands that take one run, or the runs of a sweep that are in some state."""

from __future__ import annotations

import json
import tempfile
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Literal

import typer

from orchestrator.run_lookup import find
from orchestrator.schedule.plan import Plan
from orchestrator.screen.obstacles import counted
from orchestrator.store.jobs import Job
from orchestrator.store.ledger import Ledger, StoreError
from orchestrator.store_commands import DEFAULT_STORE, StoreOption, Typed, ledger_at
from sweeps.store.location import S3Location, location_of

Run = Annotated[str, typer.Argument(metavar="RUN", help="id of a run or source model, or how it begins")]


class State(StrEnum):
    """What `reset` may be asked for: a state of runs and source models."""

    failed = "failed"
    diverged = "diverged"
    missing = "missing"


def show(
    run: Run,
    store: StoreOption = DEFAULT_STORE,
    as_json: Annotated[bool, typer.Option("--json", help="machine-readable output, the whole curve in it")] = False,
) -> None:
    """Show one run or source model: spec, status, curve, the last failure with its traceback, files."""
    from orchestrator import show_run

    ledger = _checked(store)
    found = find(ledger, run)
    if as_json:
        print(json.dumps(show_run.as_json(found, ledger), indent=1, allow_nan=False))
        return
    again = Typed("", store).about(found.job.id)
    for line in show_run.printed(show_run.lines(found, ledger, again)):
        print(line)


def rerun(
    run: Run,
    store: StoreOption = DEFAULT_STORE,
    debugger: Annotated[bool, typer.Option("--debugger", help="open pdb where it fails")] = False,
    print_only: Annotated[bool, typer.Option("--print", help="print the command, and run nothing")] = False,
    threads: Annotated[
        int | None, typer.Option("--threads-per-run", min=1, help="CPU threads; default: those of its result, or 1")
    ] = None,
    into: Annotated[
        str | None,
        typer.Option("--into", metavar="FOLDER", help="store to compute it in; default: one that is deleted after it"),
    ] = None,
) -> None:
    """Compute one run or source model again, in this process. The store itself is not changed."""
    from orchestrator.rerun import rerun as again

    ledger = _checked(store)
    job = find(ledger, run).job
    if print_only:
        print(Typed("", store).about(job.id))
        return
    where = None if into is None else location_of(into)
    if isinstance(where, S3Location):
        raise StoreError(f"--into {into}: allowed: a folder")
    if where is not None and isinstance(ledger.location, Path) and where.is_relative_to(ledger.location):
        raise StoreError(f"--into {into}: lies in the store; allowed: a folder outside of {ledger.location}")
    with tempfile.TemporaryDirectory(prefix="frostline-rerun-") as scratch:
        folder = where or Path(scratch) / "store"
        raise typer.Exit(again(job, ledger, folder, threads, debugger))


def reset_sweep(plan: Plan, ledger: Ledger, states: list[State]) -> None:
    """Move what failed or diverged runs of a sweep left to quarantine, source models too."""
    from orchestrator.reset import Outcome, reset

    jobs = (*plan.sources.values(), *plan.runs.values())
    found: dict[Outcome, list[Job]] = {"reset": [], "nothing": [], "running": [], "changed": []}
    try:
        for job in jobs:
            if plan.statuses[job.id] in states:
                found[reset(ledger, job, states)].append(job)
    except OSError as problem:
        raise StoreError(f"{problem.filename or ledger.location}: {problem.strerror}") from None
    told = counted(found["reset"]) or "nothing"
    print(f"{told} reset; what they left is in quarantine, and the next `run` begins them anew")
    if found["running"]:
        print(f"{counted(found['running'])} left: running by now")
    if found["changed"]:
        print(f"{counted(found['changed'])} left: of another state by now")


def cancel_sweep(plan: Plan, ledger: Ledger, what: Literal["running", "waiting"]) -> None:
    """Ask all launches that run something of a sweep to end."""
    from orchestrator.cancel import cancel, launches_of

    try:
        launches = launches_of(plan, ledger)
        cancel(ledger, launches, what)
    except OSError as problem:
        raise StoreError(f"{problem.filename or ledger.location}: {problem.strerror}") from None
    if not launches:
        print(f"{plan.sweep.name}: nothing of it runs now")
        return
    how = "what runs saves its epoch and ends" if what == "running" else "what runs is finished, nothing more is begun"
    print(f"{plan.sweep.name}: {len(launches)} launch{'es' * (len(launches) != 1)} asked to end: {how}")


def _checked(store: str) -> Ledger:
    ledger = ledger_at(store)
    ledger.check()
    return ledger
