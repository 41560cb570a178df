"""One background thread that makes calls in order: a call that hangs need not be waited for."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable
from concurrent.futures import Future

Calls = queue.SimpleQueue[tuple[Callable[[], object], Future[None]] | None]


class SerialCalls:
    """Calls made one after the other in one thread. The thread never holds up the exit of the process."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._start()

    def submit(self, call: Callable[[], object]) -> Future[None]:
        """Queues `call` behind the earlier ones. The future ends with it, and carries what it raised."""
        done: Future[None] = Future()
        self._calls.put((call, done))
        return done

    def is_current(self) -> bool:
        """Whether the caller runs in this lane, where waiting for another call would wait for ever."""
        return threading.current_thread() is self._thread

    def renew(self) -> None:
        """Leaves a thread that hangs to itself, with what it had queued, and goes on in a new one."""
        self._calls.put(None)
        self._start()

    def _start(self) -> None:
        self._calls: Calls = queue.SimpleQueue()
        # A daemon, which the threads of concurrent.futures are not: the interpreter would join it at exit.
        self._thread = threading.Thread(target=_work_off, args=(self._calls,), name=self._name, daemon=True)
        self._thread.start()


def _work_off(calls: Calls) -> None:
    while (item := calls.get()) is not None:
        call, done = item
        try:
            call()
        except BaseException as error:  # also SystemExit: nothing may end the thread while others wait for it
            done.set_exception(error)
        else:
            done.set_result(None)
