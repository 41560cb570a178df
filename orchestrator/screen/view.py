"""A launch under way: what is done, what runs now by what differs, what failed, the time left."""

from __future__ import annotations

import contextlib
import time
from collections import Counter
from collections.abc import Iterator
from typing import NamedTuple

from rich.console import Console, ConsoleOptions, RenderResult
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from orchestrator.schedule.agenda import Agenda
from orchestrator.schedule.forecast import span
from orchestrator.schedule.plan import Plan
from orchestrator.screen.labels import Labels
from orchestrator.screen.obstacles import last_failure
from orchestrator.store.jobs import Job
from orchestrator.store.ledger import Ledger
from sweeps.errors import printable
from sweeps.records import FINAL
from sweeps.store.many import look_at_each

MOST_SHOWN = 12
MOST_FAILURES = 3
LONGEST_ERROR = 160
WITH_BARS = 72
"""Columns from which each job has a bar of its own."""


class UnderWay(NamedTuple):
    """A job that was handed out. done: epochs so far; None where no worker has begun it."""

    job: Job
    done: int | None
    asked: int


class View:
    """Progress as a line of text (`line`) or, for rich to print, as a screen of any width.

    The store is asked by `look` alone: a terminal is drawn anew more often than a request should be made, and must not
    wait for one.
    """

    def __init__(self, agenda: Agenda, plan: Plan, ledger: Ledger) -> None:
        self._agenda = agenda
        self._plan = plan
        self._ledger = ledger
        self._labels = Labels(plan.runs.values())
        self._began = time.monotonic()
        self._total = agenda.remaining_cost({})
        self._blocked = sum(id not in agenda.costs and plan.statuses[id] not in FINAL for id in plan.runs)
        self._before = sum(plan.statuses[id] in FINAL for id in plan.runs)
        self._errors: dict[str, str] = {}
        self._progress: dict[str, tuple[int, int]] = {}
        """Epochs done and asked of what is under way, by id."""
        self._told: set[str] = set()
        """Failed jobs whose error has been read."""
        self._some_begun = False

    def look(self) -> None:
        """Ask the store how far the jobs under way are, and why others failed."""
        ledger = self._ledger
        found = look_at_each(ledger.store, self._progress_of, self._agenda.under_way())
        self._progress = {job.id: progress for job, progress in found if progress is not None}
        for id in self._failed():
            if id not in self._told:
                last = last_failure(ledger, self._plan.runs.get(id) or self._plan.sources[id])
                self._errors[id] = _shortened("its failure is not on record" if last is None else last.error)
                if last is None or last.file is not None:  # else it cannot be read just now: at the next look, maybe
                    self._told.add(id)

    def line(self) -> str:
        """For where there is no terminal."""
        under_way = self._under_way()
        begun = [f"{self._labels.of(job)} {done}/{asked}" for job, done, asked in under_way[:2] if done is not None]
        named = ", ".join(begun)
        notice = self._notice(under_way)
        told = f"{self._done()} of {len(self._plan.runs)} runs done, {', '.join(self._counts(under_way))}"
        return f"{told}, {self._times(under_way)}{': ' + named if named else ''}{'; ' + notice if notice else ''}"

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        under_way = self._under_way()
        width = options.max_width
        yield Text(f"{self._plan.sweep.name}: {self._done()} of {len(self._plan.runs)} runs done", style="bold")
        bar = Table.grid()  # a bar alone ends no line
        bar.add_row(ProgressBar(max(len(self._plan.runs), 1), self._done(), width=min(width, 80)))
        yield bar
        yield Text(self._times(under_way))
        yield Text(", ".join(self._counts(under_way)))
        if notice := self._notice(under_way):
            yield Text(printable(notice), style="yellow")
        failures = list(self._failures())
        most = max(1, min(MOST_SHOWN, (console.height or 24) - 7 - 2 * len(failures)))
        yield self._jobs(under_way[:most], width)
        if len(under_way) > most:
            yield Text(f"and {len(under_way) - most} more", style="dim")
        for label, error in failures:
            yield Text(f"failed: {label}: {error}", style="red")

    def _jobs(self, under_way: list[UnderWay], width: int) -> Table:
        table = Table.grid(padding=(0, 2), expand=False)
        table.add_column(overflow="fold")
        for job, done, asked in under_way:
            label = Text(self._labels.of(job))
            if width < WITH_BARS:  # first what is short, so that a label that wraps stays one text
                table.add_row(Text("waits", style="dim") if done is None else Text(f"{done}/{asked}"), label)
            elif done is None:
                table.add_row(label, Text("waits for a worker", style="dim"))
            else:
                table.add_row(label, Text(f"epoch {done} of {asked}"), ProgressBar(max(asked, 1), done, width=20))
        return table

    def _done(self) -> int:
        ended = self._agenda.ended.copy()
        runs = self._plan.runs
        return self._before + sum(ending in ("done", "diverged") for id, ending in ended.items() if id in runs)

    def _counts(self, under_way: list[UnderWay]) -> list[str]:
        """Jobs by state. What waits in a worker's batch, or for a worker, is not running yet."""
        agenda = self._agenda
        running = sum(done is not None for _, done, _ in under_way)
        endings = Counter(agenda.ended.copy().values())
        blocked = self._blocked + len(agenda.blocked)
        failed = endings["failed"]
        waiting = len(agenda.costs) - sum(endings.values()) - len(agenda.blocked) - running
        counts = {"waiting": waiting, "failed": failed, "diverged": endings["diverged"], "blocked": blocked}
        return [f"{running} running", *(f"{number} {state}" for state, number in counts.items() if number > 0)]

    def _times(self, under_way: list[UnderWay]) -> str:
        left = self._seconds_left(under_way)
        elapsed = f"{span(time.monotonic() - self._began)} elapsed"
        return f"{elapsed}, about {span(left)} left" if left is not None else elapsed

    def _notice(self, under_way: list[UnderWay]) -> str:
        """What is waited for, where nothing runs."""
        running = any(done is not None for _, done, _ in under_way)
        self._some_begun = self._some_begun or running or bool(self._agenda.ended)
        if running:
            return ""
        return self._agenda.notice or ("" if self._some_begun else self._agenda.starting)

    def _failures(self) -> Iterator[tuple[str, str]]:
        """Label and error of the last jobs that failed for good, or why that could not be read at the last look."""
        for id in self._failed():
            if id in self._errors:
                yield self._labels.of(self._plan.runs.get(id) or self._plan.sources[id]), self._errors[id]

    def _failed(self) -> list[str]:
        return [id for id, ending in self._agenda.ended.copy().items() if ending == "failed"][-MOST_FAILURES:]

    def _progress_of(self, job: Job) -> tuple[int, int] | None:
        with contextlib.suppress(OSError):  # as at the last look; at the next one, maybe
            return self._ledger.progress(job)
        return self._progress.get(job.id)

    def _under_way(self) -> list[UnderWay]:
        """Those that have begun first."""
        progress = self._progress
        found = [UnderWay(job, *progress.get(job.id, (None, 0))) for job in list(self._agenda.running.values())]
        return sorted(found, key=lambda entry: entry.done is None)

    def _seconds_left(self, under_way: list[UnderWay]) -> float | None:
        """What remains at the pace so far: expected seconds of what is done, epochs of running jobs too, over the
        time it took.

        Until a twentieth has ended, the expectation itself, shared by the workers: what a runner takes to start says
        nothing of the runs.
        """
        shares = {job.id: done / asked for job, done, asked in under_way if done is not None and asked > 0}
        left = self._agenda.remaining_cost(shares)
        spent = self._total - left
        elapsed = time.monotonic() - self._began
        if left <= 0:
            return None
        known = self._agenda.ended and spent > self._total / 20
        return left * elapsed / spent if known else left / self._agenda.workers


def _shortened(error: str) -> str:
    text = printable(error)
    return text if len(text) <= LONGEST_ERROR else f"{text[:LONGEST_ERROR]} [...]"
