"""From a plan to its end: choose the runner, show progress, say how it went."""

from __future__ import annotations

import contextlib
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from rich.console import Console

from orchestrator import progress
from orchestrator.cancel import watching
from orchestrator.runners.limits import usable_cores
from orchestrator.runners.meanwhile import meanwhile
from orchestrator.runners.resources import place_of, use_token
from orchestrator.schedule import launch_log
from orchestrator.schedule.agenda import Agenda
from orchestrator.schedule.forecast import Forecast
from orchestrator.schedule.plan import Plan
from orchestrator.screen import obstacles
from orchestrator.store.ledger import Ledger, StoreError
from orchestrator.store_commands import Typed
from orchestrator.tracking.description import fields_that_differ
from orchestrator.tracking.options import Mode, TrackingOptions
from orchestrator.train import provenance
from orchestrator.train.options import TrialOptions
from sweeps.console import wrapped
from sweeps.errors import INTERRUPTED
from sweeps.records import FINAL

MOST_ALIKE = 5
GATHER_SECONDS = 600.0
"""Between two times that a launch gathers results for plans: a listing of the store."""
JOIN_SECONDS = 1.0
"""How long an ending launch waits for a gathering that is under way. It harms nobody if it is cut short."""


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
    wandb_system: bool = False
    most_alike: int | None = MOST_ALIKE
    """Jobs that may fail alike before the launch is ended."""

    def expected_workers(self) -> int:
        """How many runs at a time; for a cluster that runs already a guess, until it is asked."""
        return 1 if self.runner == "local" else self.workers or max(1, usable_cores() // self.threads_per_run)


def launch(plan: Plan, expected: Forecast, ledger: Ledger, how: Launch, typed: Typed, console: Console) -> int:
    """Run what is open; the exit code: 0 all done, 1 something failed, 130 interrupted or cancelled.

    `expected` is the forecast of this plan: its costs order the jobs, and it is kept beside what the launch took.
    `typed`: how the sweep and the store were given.
    """
    options = TrialOptions(
        store=ledger.location,
        sweep=plan.sweep.name,
        varied=next((job.varied for job in plan.runs.values()), ()),
        differ=fields_that_differ(job.spec for job in plan.runs.values()),
        device="cuda" if how.gpus_per_run > 0 else "cpu",
        threads=how.threads_per_run,
        gpus_per_run=how.gpus_per_run,
        tracking=TrackingOptions(ledger.location, how.wandb, how.wandb_project, how.wandb_system),
        code=provenance.code(),
        launch=uuid.uuid4().hex,
        settings=ledger.settings,
    )
    agenda = Agenda(
        plan,
        expected.costs.seconds,
        expected.workers,
        error_of=lambda job: last.error if (last := obstacles.last_failure(ledger, job)) is not None else "",
        most_alike=how.most_alike,
        place_of=lambda job: place_of(job, how.gpus_per_run),
    )
    began, code = time.monotonic(), INTERRUPTED
    try:
        with (
            watching(ledger, agenda, options.launch, plan.sweep.name) as cancelled,
            progress.shown(agenda, plan, ledger, console),
            gathering(ledger, agenda),
        ):
            _run(agenda, options, how, console)
    except KeyboardInterrupt:
        _say(console, "interrupted: the same command goes on from the last saved epochs")
        plan.read_statuses(ledger)  # and gathers nothing: in a large bucket that outlasts what a scheduler grants
    else:
        _gather(ledger)
        code = _closing(plan, ledger, agenda, typed, console)
        if cancelled.is_set() and code != 0:
            _say(console, "cancelled: the same command goes on from the last saved epochs")
            code = INTERRUPTED
    wall = time.monotonic() - began
    try:
        launch_log.write(ledger, plan, expected, agenda.ended, wall, code == 0)
    except StoreError as problem:  # the disk is full, say: of the runs all has been said
        _say(console, f"not written down: {problem}")
    return code


@contextlib.contextmanager
def gathering(ledger: Ledger, agenda: Agenda, every: float = GATHER_SECONDS) -> Iterator[None]:
    """While the block runs, gather what has ended: of a driver that is killed, little is left to be read one by one."""
    seen = 0

    def gather() -> None:
        nonlocal seen
        ended = len(agenda.ended)
        if ended > seen:
            _gather(ledger)
        seen = ended

    with meanwhile(gather, every, "gathering", JOIN_SECONDS):
        yield


def _gather(ledger: Ledger) -> None:
    with contextlib.suppress(OSError):  # of use to plans, and nothing else
        ledger.store.gather()


def _say(console: Console, text: str) -> None:
    """A line, wrapped at words on a terminal."""
    for line in wrapped(text, console.width if console.is_terminal else None):
        console.print(line, markup=False, highlight=False, soft_wrap=True)


def _run(agenda: Agenda, options: TrialOptions, how: Launch, console: Console) -> None:
    if how.runner == "local":
        agenda.starting = "loading PyTorch"
        from orchestrator.runners import local

        local.run(agenda, options)
    else:
        if how.address != "local":
            use_token(how.address)
        from orchestrator.runners import cluster

        def say(text: str) -> None:
            _say(console, text)

        cluster.run(agenda, options, address=how.address, workers=how.workers, say=say)


def _closing(plan: Plan, ledger: Ledger, agenda: Agenda, typed: Typed, console: Console) -> int:
    def say(text: str) -> None:
        _say(console, text)

    plan.read_statuses(ledger)
    counts = plan.counts(plan.runs)
    left = len(plan.runs) - sum(counts[status] for status in FINAL)
    diverged = f" ({counts['diverged']} diverged)" if counts["diverged"] else ""
    say(f"{len(plan.runs) - left} of {len(plan.runs)} runs done{diverged} in {ledger.location}")
    if left == 0:
        return 0
    for line in obstacles.lines(plan, ledger):
        say(line)
    if agenda.alike is not None:
        say(f"stopped: {agenda.alike[0]} jobs failed alike; --max-same-failure says after how many")
    failed = [job for _, jobs in obstacles.failures(plan, ledger) for job in jobs]
    if failed:
        say(f"one of them again, with its traceback: {typed.about(failed[0].id)}")
    say(f"{left} runs have no result: {typed.command('status', '--failed')}")
    return 1
