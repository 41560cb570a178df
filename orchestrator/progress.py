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
from sweeps.records import FINAL

LINE_SECONDS = 10.0
MOST_SHOWN = 12

UnderWay = tuple[str, str, int | None, int]
"""A job that was handed out: its id, its name, epochs done (None: not begun), epochs asked."""


@contextlib.contextmanager
def shown(agenda: Agenda, plan: Plan, ledger: Ledger, console: Console) -> Iterator[None]:
    """Show progress while the block runs: a live table on a terminal, a line every ten seconds elsewhere."""
    view = View(agenda, plan, ledger)
    stop = threading.Event()

    def say(line: str) -> None:  # it may quote Ray's logs, whose brackets are no markup
        console.print(line, markup=False, highlight=False, soft_wrap=True)

    if console.is_terminal:
        with Live(get_renderable=view.table, console=console, refresh_per_second=2, transient=True):
            yield
        say(view.line())
        return

    def lines() -> None:
        while not stop.wait(LINE_SECONDS):
            say(view.line())

    thread = threading.Thread(target=lines, name="progress", daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()
        say(view.line())


class View:
    """Progress as text or table, from the agenda and the heartbeats."""

    def __init__(self, agenda: Agenda, plan: Plan, ledger: Ledger) -> None:
        self._agenda = agenda
        self._ledger = ledger
        self._began = time.monotonic()
        self._total = agenda.remaining_cost({})
        self._runs = set(plan.runs)
        self._blocked = sum(id not in agenda.costs and plan.statuses[id] not in FINAL for id in plan.runs)
        self._before = sum(plan.statuses[id] in FINAL for id in plan.runs)
        self._all = len(plan.runs)

    def line(self) -> str:
        under_way = self._under_way()
        first = ", ".join(f"{name} {done}/{asked}" for _, name, done, asked in under_way[:2] if done is not None)
        return f"{self._counts(under_way)}{': ' + first if first else ''}"

    def table(self) -> RenderableType:
        table = Table.grid(padding=(0, 2))
        under_way = self._under_way()
        for _, name, done, asked in under_way[:MOST_SHOWN]:
            if done is None:
                table.add_row(Text(name), Text("waiting for a worker", style="dim"), "")
            else:
                table.add_row(Text(name), ProgressBar(max(asked, 1), done, width=30), f"epoch {done}/{asked}")
        return Group(Text(self._counts(under_way), style="bold"), table)

    def _counts(self, under_way: list[UnderWay]) -> str:
        """What waits in a worker's batch, or for a worker, is not running yet."""
        agenda = self._agenda
        running = sum(done is not None for _, _, done, _ in under_way)
        endings = Counter(agenda.ended.copy().values())
        text = f"{self._before + self._runs_done()} of {self._all} runs done, {running} running"
        counts = {"failed": endings["failed"], "blocked": self._blocked + len(agenda.blocked)}
        text += "".join(f", {number} {status}" for status, number in counts.items() if number)
        left = self._seconds_left(under_way)
        text += f", about {span(left)} left" if left is not None else ""
        return f"{text}; {agenda.notice}" if agenda.notice and not running else text

    def _runs_done(self) -> int:
        ended = self._agenda.ended.copy()
        return sum(ending in ("done", "diverged") for id, ending in ended.items() if id in self._runs)

    def _under_way(self) -> list[UnderWay]:
        """Those that have begun first."""
        found: list[UnderWay] = []
        for job in list(self._agenda.running.values()):
            epochs = self._ledger.progress(job)
            done, asked = epochs or (None, 0)
            found.append((job.id, job.name, done, asked))
        return sorted(found, key=lambda entry: entry[2] is None)

    def _seconds_left(self, under_way: list[UnderWay]) -> float | None:
        """What remains at the pace so far: expected seconds of what is done, epochs of running jobs too, over the
        time it took.

        Until a twentieth has ended, the expectation itself, shared by the workers: what a runner takes to start says
        nothing of the runs.
        """
        shares = {id: done / asked for id, _, done, asked in under_way if done is not None and asked > 0}
        left = self._agenda.remaining_cost(shares)
        spent = self._total - left
        elapsed = time.monotonic() - self._began
        if left <= 0:
            return None
        known = self._agenda.ended and spent > self._total / 20
        return left * elapsed / spent if known else left / self._agenda.workers
