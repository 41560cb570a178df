"""What a person sees while a sweep runs: counts, the runs under way with their epochs, the time left."""

from __future__ import annotations

import contextlib
import threading
import time
from collections import Counter
from collections.abc import Iterator

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from orchestrator.schedule.agenda import Agenda
from orchestrator.schedule.forecast import span
from orchestrator.schedule.plan import Plan
from orchestrator.store.ledger import Ledger

LINE_SECONDS = 10.0
MOST_SHOWN = 12

UnderWay = tuple[str, int | None, int]
"""A job that was handed out: its name, epochs done (None: not begun), epochs asked."""


@contextlib.contextmanager
def shown(agenda: Agenda, plan: Plan, ledger: Ledger, console: Console) -> Iterator[None]:
    """Show progress while the block runs: a live table on a terminal, a line every ten seconds elsewhere."""
    view = View(agenda, plan, ledger)
    stop = threading.Event()
    if console.is_terminal:
        with Live(get_renderable=view.table, console=console, refresh_per_second=2, transient=True):
            yield
        console.print(view.line())
        return

    def lines() -> None:
        while not stop.wait(LINE_SECONDS):
            console.print(view.line(), soft_wrap=True)

    thread = threading.Thread(target=lines, name="progress", daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()
        console.print(view.line(), soft_wrap=True)


class View:
    """Progress as text or table, from the agenda and the heartbeats."""

    def __init__(self, agenda: Agenda, plan: Plan, ledger: Ledger) -> None:
        self._agenda = agenda
        self._ledger = ledger
        self._began = time.monotonic()
        self._total = agenda.remaining_cost()
        self._runs = set(plan.runs)
        self._before = sum(id not in agenda.costs for id in plan.runs)
        self._all = len(plan.runs)

    def line(self) -> str:
        under_way = self._under_way()
        first = ", ".join(f"{name} {done}/{asked}" for name, done, asked in under_way[:2] if done is not None)
        return f"{self._counts(under_way)}{': ' + first if first else ''}"

    def table(self) -> RenderableType:
        table = Table.grid(padding=(0, 2))
        under_way = self._under_way()
        for name, done, asked in under_way[:MOST_SHOWN]:
            if done is None:
                table.add_row(Text(name), Text("waiting for a worker", style="dim"), "")
            else:
                table.add_row(Text(name), ProgressBar(max(asked, 1), done, width=30), f"epoch {done}/{asked}")
        return Group(Text(self._counts(under_way), style="bold"), table)

    def _counts(self, under_way: list[UnderWay]) -> str:
        """What waits in a worker's batch, or for a worker, is not running yet."""
        agenda = self._agenda
        running = sum(done is not None for _, done, _ in under_way)
        endings = Counter(agenda.ended.copy().values())
        failed = endings["failed"] + len(agenda.blocked)
        text = f"{self._before + self._runs_done()} of {self._all} runs done, {running} running"
        text += f", {failed} failed" if failed else ""
        left = self._seconds_left()
        return text + (f", about {span(left)} left" if left is not None else "")

    def _runs_done(self) -> int:
        ended = self._agenda.ended.copy()
        return sum(ending in ("done", "diverged") for id, ending in ended.items() if id in self._runs)

    def _under_way(self) -> list[UnderWay]:
        """Those that have begun first."""
        found: list[UnderWay] = []
        for job in list(self._agenda.running.values()):
            epochs = self._ledger.progress(job)
            found.append((job.name, None, 0) if epochs is None else (job.name, *epochs))
        return sorted(found, key=lambda entry: entry[1] is None)

    def _seconds_left(self) -> float | None:
        """What remains at the pace so far: expected seconds of what ended over the time it took.

        Until a twentieth has ended, the expectation itself, shared by the workers: what a runner takes to start says
        nothing of the runs.
        """
        left = self._agenda.remaining_cost()
        spent = self._total - left
        elapsed = time.monotonic() - self._began
        if left <= 0:
            return None
        under_way = self._agenda.ended and spent > self._total / 20
        return left * elapsed / spent if under_way else left / self._agenda.workers
