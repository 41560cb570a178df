"""`status --watch`: the same lines again and again, from another terminal than the launch's."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Sequence

from rich.console import Console, Group
from rich.live import Live
from rich.text import Text

from sweeps.console import wrapped

SHARE = 0.1
"""Of the time at most that looking at the store may take."""


def watch(
    look: Callable[[], tuple[Sequence[str], bool]],
    seconds: float,
    console: Console,
    sleep: Callable[[float], None] = time.sleep,
    clock: Callable[[], float] = time.monotonic,
) -> None:
    """Show what `look` returns, (lines, whether all is done), every so many seconds until all is done.

    On a terminal one screen that changes, elsewhere the lines each time with an empty one between. A store that takes
    long to look at is looked at less often.
    """
    shown = 0
    screen = Live(console=console, auto_refresh=False, vertical_overflow="crop") if console.is_terminal else None
    with screen or contextlib.nullcontext():
        while True:
            begin = clock()
            lines, done = look()
            if screen is not None:
                screen.update(_screen(lines, console), refresh=True)
            else:
                console.print("\n".join([*([""] if shown else []), *lines]), markup=False, soft_wrap=True)
            if done:
                return
            shown += 1
            sleep(max(seconds, (clock() - begin) / SHARE))


def _screen(lines: Sequence[str], console: Console) -> Group:
    whole = [part for line in lines for part in wrapped(line.lstrip(" "), console.width, _indent(line))]
    return Group(*(Text(line) for line in whole))


def _indent(line: str) -> str:
    return " " * (len(line) - len(line.lstrip(" ")))
