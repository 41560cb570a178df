"""What a person sees while a sweep runs: one live screen on a terminal, a line every ten seconds elsewhere."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from rich.console import Console
from rich.live import Live

from orchestrator.runners.meanwhile import meanwhile
from orchestrator.schedule.agenda import Agenda
from orchestrator.schedule.plan import Plan
from orchestrator.screen.view import View
from orchestrator.store.ledger import Ledger
from sweeps.console import wrapped

LINE_SECONDS = 10.0
JOIN_SECONDS = 1.0
"""How long the end waits for a look at the store that is under way."""


@contextlib.contextmanager
def shown(agenda: Agenda, plan: Plan, ledger: Ledger, console: Console) -> Iterator[None]:
    """Show progress while the block runs."""
    view = View(agenda, plan, ledger)

    def say(line: str) -> None:  # it may quote Ray's logs, whose brackets are no markup
        for part in wrapped(line, console.width if console.is_terminal else None):
            console.print(part, markup=False, highlight=False, soft_wrap=True)

    if console.is_terminal:
        looking = meanwhile(view.look, ledger.store.look_seconds, "looks", JOIN_SECONDS)
        with looking, Live(get_renderable=lambda: view, console=console, refresh_per_second=2, transient=True):
            yield
        say(view.line())
        return

    def look_and_say() -> None:
        view.look()
        say(view.line())

    try:
        with meanwhile(look_and_say, LINE_SECONDS, "progress", JOIN_SECONDS):
            yield
    finally:
        say(view.line())
