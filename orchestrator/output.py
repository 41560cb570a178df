"""What `run` prints, where nobody may read it to the end: the work goes on without a reader."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from rich.console import Console

from sweeps.errors import discard_output


class LastingConsole(Console):
    """A console whose closed pipe (`frostline run ... | head`) ends the printing and not the process."""

    def on_broken_pipe(self) -> None:
        self.quiet = True
        discard_output()


@contextlib.contextmanager
def unread_is_no_error() -> Iterator[None]:
    """The same for what the block prints by `print`."""
    try:
        yield
        print(end="", flush=True)
    except BrokenPipeError:
        discard_output()
