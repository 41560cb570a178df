"""Something that is done again and again while a block runs."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator


@contextlib.contextmanager
def meanwhile(do: Callable[[], None], seconds: float, name: str, patience: float | None = None) -> Iterator[None]:
    """While the block runs, call `do` in a thread of this name, `seconds` after the start and after each call.

    patience: how many seconds to wait at the end for a call that is under way; None: as long as it takes.
    """
    done = threading.Event()

    def work() -> None:
        while not done.wait(seconds):
            do()

    thread = threading.Thread(target=work, name=name, daemon=True)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join(patience)
