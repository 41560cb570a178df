"""Stopping early: on Ctrl-C, on SIGTERM from the machine's scheduler, on Slurm's SIGUSR1 shortly before the time limit.

The current epoch is trained to its end and saved, and the lease is given back; the same command continues from there.
A signal reaches one process. A driver on Ray tells its workers, on whichever machine, by keys in the store: one for
those that are to save and end, one for those that are to begin nothing more.
"""

from __future__ import annotations

import contextlib
import math
import signal
import threading
import time
from collections.abc import Callable, Iterator
from types import FrameType

from orchestrator.store.interface import Store
from sweeps.store.interface import Reading

TELL_SECONDS = 1.0
"""Between two attempts of a driver to write a key that the store refused."""
SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGUSR1)


class Stopped(Exception):
    """A run ended early because it was asked to stop; its last epoch is saved."""


class StopRequest:
    """Whether a process was asked to stop: by a signal (`set`), or by the driver of its launch (`key` in the store).

    Example: `with handle_stop_signals(stop): ...` and, after each epoch, `if stop.asked(): ...`.
    """

    def __init__(self, store: Reading | None = None, key: str | None = None) -> None:
        self._store = store
        self._key = key
        self._signalled = threading.Event()
        self._found = False
        self._looked = -math.inf

    @property
    def signalled(self) -> bool:
        """Whether a signal asked this process; the driver's key does not count."""
        return self._signalled.is_set()

    def set(self) -> None:
        self._signalled.set()

    def asked(self, afresh: bool = False) -> bool:
        """True from the first request on. Looks for the key at most once in the store's `look_seconds`, or `afresh`.

        Where the store refuses the look, that is no request: the next look follows, and the run goes on.
        """
        if self._store is None or self._key is None or self._found or self.signalled:
            return self._found or self.signalled
        now = time.monotonic()
        if afresh or now - self._looked >= self._store.look_seconds:
            self._looked = now
            with contextlib.suppress(OSError):
                self._found = self._store.read(self._key) is not None
        return self._found


class StopKeys:
    """The driver's side: the keys in the store by which its workers know that they are to stop."""

    def __init__(self, store: Store, say: Callable[[str], None], clock: Callable[[], float] = time.monotonic) -> None:
        """`say` is told, once, where the store refuses a key."""
        self._store = store
        self._say = say
        self._clock = clock
        self._there: set[str] = set()
        self._tried: set[str] = set()
        self._next = -math.inf

    def tell(self, key: str | None) -> None:
        """Have a key in the store, where there is one.

        To be called again and again: where the store refuses it, the next attempt follows TELL_SECONDS later.
        """
        if key is None or key in self._there or self._clock() < self._next:
            return
        self._tried.add(key)
        try:
            self._store.create(key, b"")
        except OSError as problem:
            if self._next == -math.inf:
                self._say(f"the workers cannot be told to stop yet, it is tried again: {problem}")
            self._next = self._clock() + TELL_SECONDS
        else:
            self._there.add(key)

    def remove(self) -> None:
        """Take back all that were told, or may have been."""
        for key in self._tried:
            with contextlib.suppress(OSError):
                self._store.remove(key)


@contextlib.contextmanager
def handle_stop_signals(stop: StopRequest, then: Callable[[], object] = lambda: None) -> Iterator[Callable[[], None]]:
    """While the block runs, the first signal sets `stop` and calls `then`; a second one raises KeyboardInterrupt.

    Yields a function that installs the handlers again, for use with a library that replaces them with its own.
    Python delivers signals to the main thread only; in any other thread this changes nothing.
    """

    def handle(number: int, frame: FrameType | None) -> None:
        if stop.signalled:
            raise KeyboardInterrupt
        stop.set()
        then()

    if threading.current_thread() is not threading.main_thread():
        yield lambda: None
        return

    def install() -> None:
        for number in SIGNALS:
            if signal.getsignal(number) is not handle:
                signal.signal(number, handle)

    before = {number: signal.getsignal(number) for number in SIGNALS}
    install()
    try:
        yield install
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
