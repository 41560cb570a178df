"""From a plan to its end: choose the runner, show progress, say how it went."""

from __future__ import annotations

import os
import time
import uuid
from dataclasses import dataclass
from typing import Literal

from rich.console import Console

from orchestrator import progress
from orchestrator.runners.resources import use_token
from orchestrator.schedule import launch_log
from orchestrator.schedule.agenda import Agenda
from orchestrator.schedule.cost import CostModel
from orchestrator.schedule.forecast import forecast
from orchestrator.schedule.plan import Plan
from orchestrator.store.ledger import Ledger, StoreError
from orchestrator.tracking.tracker import Mode, TrackingOptions
from orchestrator.train import provenance
from orchestrator.train.options import TrialOptions


@dataclass(frozen=True)
class Launch:
    """Where and how to run; nothing of it changes a result."""

    runner: Literal["ray", "local"] = "ray"
    address: str = "local"
    workers: int | None = None
    gpus_per_run: float = 0.0
    threads_per_run: int = 1
    wandb: Mode = "offline"
    wandb_project: str = "frostline"


def launch(plan: Plan, ledger: Ledger, how: Launch, console: Console) -> int:
    """Run what is open; the exit code: 0 all done, 1 something failed, 130 interrupted."""
    options = TrialOptions(
        store=ledger.layout.root,
        sweep=plan.sweep.name,
        device="cuda" if how.gpus_per_run > 0 else "cpu",
        threads=how.threads_per_run,
        gpus_per_run=how.gpus_per_run,
        tracking=TrackingOptions(mode=how.wandb, project=how.wandb_project, folder=ledger.layout.wandb),
        code=provenance.code(),
        launch=uuid.uuid4().hex,
    )
    workers = workers_of(how)
    before = forecast(plan, workers, how.gpus_per_run > 0)
    agenda = Agenda(plan, CostModel(plan.samples, before.device).seconds, workers)
    began, code = time.monotonic(), 130
    try:
        with progress.shown(agenda, plan, ledger, console):
            _run(agenda, options, how, console)
    except KeyboardInterrupt:
        console.print("interrupted: the same command goes on from the last saved epochs")
        plan.read_statuses(ledger)
    else:
        code = _closing(plan, ledger, agenda, console)
    wall = time.monotonic() - began
    ended = launch_log.actual(plan.seconds, agenda.ended, agenda.costs, wall, code == 0)
    try:
        launch_log.write(ledger, plan.sweep.name, before, ended)
    except StoreError as problem:  # the disk is full, say: of the runs all has been said
        console.print(f"not written down: {problem}", markup=False, soft_wrap=True)
    return code


def workers_of(how: Launch) -> int:
    """How many workers to expect: on a cluster that runs already it is only known once it is asked."""
    return 1 if how.runner == "local" else how.workers or max(1, (os.cpu_count() or 1) // how.threads_per_run)


def _run(agenda: Agenda, options: TrialOptions, how: Launch, console: Console) -> None:
    if how.runner == "local":
        from orchestrator.runners import local

        local.run(agenda, options)
    else:
        if how.address != "local":
            use_token()
        from orchestrator.runners import cluster

        def say(text: str) -> None:
            console.print(text, markup=False, soft_wrap=True)

        cluster.run(agenda, options, address=how.address, workers=how.workers, say=say)


def _closing(plan: Plan, ledger: Ledger, agenda: Agenda, console: Console) -> int:
    plan.read_statuses(ledger)
    counts = plan.counts(plan.runs)
    left = len(plan.open_runs)
    diverged = f" ({counts['diverged']} diverged)" if counts["diverged"] else ""
    console.print(f"{len(plan.runs) - left} of {len(plan.runs)} runs done{diverged} in {ledger.layout.root}")
    if left == 0:
        return 0
    for id, ending in agenda.ended.items():
        job = plan.runs.get(id) or plan.sources[id]
        last = ledger.last_failure(job) if ending == "failed" else None
        if last is not None:
            console.print(f"failed: {job.name}: {last[0].error} ({last[2]})", markup=False, soft_wrap=True)
    console.print(f"{left} runs have no result: python -m orchestrator status {plan.sweep.name} --failed")
    return 1
