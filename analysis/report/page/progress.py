"""How far the making of a page is, on a terminal; elsewhere nothing is shown."""

from __future__ import annotations

from types import TracebackType

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn


class Steps:
    """A line on standard error: what is done now, how many of the steps are done, for how long. It goes at the end.

    Example: `with Steps(2) as step: step("reading"); ...; step("writing"); ...`
    """

    def __init__(self, count: int, console: Console | None = None) -> None:
        console = console or Console(stderr=True)
        columns = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn(20), MofNCompleteColumn())
        self._bar = Progress(
            *columns, TimeElapsedColumn(), console=console, transient=True, disable=not console.is_terminal
        )
        self._task = self._bar.add_task("", total=count)
        self._begun = 0

    def __call__(self, text: str) -> None:
        self._bar.update(self._task, description=text, completed=self._begun)
        self._begun += 1

    def __enter__(self) -> Steps:
        self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._bar.stop()
