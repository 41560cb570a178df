"""Asked to stop: by Ctrl-C, by whoever takes the machine away (SIGTERM), by Slurm shortly before (SIGUSR1).

The epoch under way is trained to its end and saved, the lease given back; the same command goes on from there. A signal
reaches one process. A driver on Ray tells its workers, wherever they are, by a key in the store.
"""

from __future__ import annotations

import contextlib
import signal
import threading
import time
from collections.abc import Callable, Iterator
from types import FrameType

from sweeps.store.interface import Reading

STOP = threading.Event()
"""Set once this process was asked to stop."""

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGUSR1)
LOOK_SECONDS = 1.0
"""How often, at most, a worker looks for the driver's word."""


@contextlib.contextmanager
def handle_stop_signals(then: Callable[[], object] = lambda: None) -> Iterator[Callable[[], None]]:
    """While the block runs, the first signal sets STOP and calls `then`; a second one is a KeyboardInterrupt.

    Given is a function that takes the signals back from a library that took them for itself meanwhile.
    Python hears signals in the main thread alone; elsewhere this changes nothing.
    """

    def stop(number: int, frame: FrameType | None) -> None:
        if STOP.is_set():
            raise KeyboardInterrupt
        STOP.set()
        then()

    if threading.current_thread() is not threading.main_thread():
        yield lambda: None
        return

    def heed() -> None:
        for number in SIGNALS:
            if signal.getsignal(number) is not stop:
                signal.signal(number, stop)

    before = {number: signal.getsignal(number) for number in SIGNALS}
    heed()
    try:
        yield heed
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


class StopKey:
    """The driver's word to its workers: a key that is in the store once they should stop. None: there is no driver."""

    def __init__(self, store: Reading, key: str | None) -> None:
        self._store = store
        self._key = key
        self._looked = -LOOK_SECONDS

    def asked(self) -> bool:
        """Whether this process, or the launch that it works for, was asked to stop."""
        now = time.monotonic()
        if self._key is not None and not STOP.is_set() and now - self._looked >= LOOK_SECONDS:
            self._looked = now
            return self._store.exists(self._key)
        return STOP.is_set()
