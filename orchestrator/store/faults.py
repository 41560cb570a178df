"""Faults on demand, so that tests can break a real process at a named point.

They are part of the settings (orchestrator/store/settings.py), where a command reads them from FROSTLINE_FAULTS: a
JSON list, empty if it is not set. Each fault is an object:

    point    where: "<file>.<stage>" for what store/durable.py writes, stages begin, half, written, named, done;
             "epoch" after each trained epoch; * and ? match as in file names
    subject  what the point is about, the path of a file or "run <id> <epoch>", must contain this text (default: any)
    hit      at which matching visit of this process, 1 the first (default), 0 each
    do       kill, stop, term, usr1: the signal to this process; ENOSPC, EIO, EROFS, ...: OSError; memory: MemoryError;
             cuda: torch's out-of-memory error; sleep: a fifth of a second; log: only write it down
    marker   a file: the fault happens once among all processes, in the one that creates it. (default: each time)
    log      a file that each happening adds a line to: JSON of point, subject, pid and time

Example, a full disk at the second checkpoint: [{"point": "checkpoint.half", "do": "ENOSPC", "hit": 2}]
"""

from __future__ import annotations

import errno
import fnmatch
import json
import os
import signal
import time
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

SIGNALS = {"kill": signal.SIGKILL, "stop": signal.SIGSTOP, "term": signal.SIGTERM, "usr1": signal.SIGUSR1}


@dataclass
class Fault:
    point: str
    do: str
    subject: str = ""
    hit: int = 1
    marker: str | None = None
    log: str | None = None
    visits: int = 0

    def __getstate__(self) -> dict[str, Any]:
        """Visits are counted by each process from the beginning, a worker's too."""
        return {**self.__dict__, "visits": 0}

    def visit(self, point: str, subject: str) -> None:
        if not fnmatch.fnmatchcase(point, self.point) or self.subject not in subject:
            return
        self.visits += 1
        if self.hit not in (0, self.visits) or not self._is_first():
            return
        self._write_down(point, subject)
        _do(self.do)

    def _is_first(self) -> bool:
        if self.marker is None:
            return True
        try:
            os.close(os.open(self.marker, os.O_CREAT | os.O_EXCL | os.O_WRONLY))
        except FileExistsError:
            return False
        return True

    def _write_down(self, point: str, subject: str) -> None:
        if self.log is None:
            return
        told: dict[str, Any] = {"point": point, "subject": subject, "do": self.do, "pid": os.getpid()}
        line = json.dumps({**told, "monotonic": time.monotonic()}) + "\n"
        descriptor = os.open(self.log, os.O_CREAT | os.O_APPEND | os.O_WRONLY, 0o600)
        os.write(descriptor, line.encode())  # one call: lines of several processes do not mix
        os.close(descriptor)


class Faults:
    """The faults that this process is asked to run into, in the order in which they were given."""

    def __init__(self, faults: Iterable[Fault] = ()) -> None:
        self._faults = tuple(faults)

    def point(self, name: str, subject: object = "") -> None:
        """A place where a fault may happen. `subject` is what it is about: a path, an id."""
        for fault in self._faults:
            fault.visit(name, str(subject))


NO_FAULTS = Faults()


def _do(what: str) -> None:
    if what in SIGNALS:
        os.kill(os.getpid(), SIGNALS[what])
    elif what == "memory":
        raise MemoryError("injected")
    elif what == "cuda":
        import torch

        raise torch.cuda.OutOfMemoryError("CUDA out of memory (injected)")
    elif what == "sleep":
        time.sleep(0.2)
    elif what != "log":
        number = getattr(errno, what)
        raise OSError(number, os.strerror(number))


def parse(text: str) -> Faults:
    """Faults from their JSON list. Raises ValueError or TypeError for anything else."""
    return Faults(Fault(**fault) for fault in json.loads(text or "[]"))
