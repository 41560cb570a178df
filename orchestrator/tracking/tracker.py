"""W&B as a window onto runs: shown there, never read back, and no failure of it is a run's failure.

The store is the record. In offline mode a run's rows are kept here and written as one W&B run when it finishes:
training is not interrupted and no half-written W&B run stays behind. In online mode they are sent as they come.
All calls into wandb are made in one background thread: a trial waits for them no longer than finish() says.
Keys are found by wandb itself, in the environment or in netrc: never passed, kept or written here.
"""

from __future__ import annotations

import logging
import os
import shutil
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from pathlib import Path
from typing import Any, Literal

from orchestrator.store.folder import store_at
from orchestrator.tracking.copies import check_whole, remove_since, tidy
from orchestrator.tracking.metrics import AXES, is_shown, shown_row, without_nan
from orchestrator.tracking.options import Mode, TrackingOptions
from orchestrator.tracking.published import mark_published
from orchestrator.tracking.wandb_service import CLEANUP, FAILURES_IN_A_ROW, RunSettings, WandbService
from sweeps.records import FINAL, EpochRecord

__all__ = ["LONGEST_WAIT", "Mode", "Tracker", "TrackingOptions"]

JOB_TYPES = {"run": "target", "source": "source", "sweep": "sweep"}
PATIENCE = 60.0
"""Seconds that finish() waits for wandb before it gives the W&B run up."""
LONGEST_WAIT = PATIENCE + 2 * CLEANUP
"""Seconds that finish() takes at most, with what it then clears away."""
BATCH_SECONDS = 1.0
"""Rows that are sent as they come are handed over together, this often at most."""

Media = Callable[[Any, Any], None]
"""Adds tables, pictures and artifacts to a W&B run that is open: called with the module wandb and the run."""

logger = logging.getLogger("frostline.tracking")


class Tracker:
    """The W&B run of one attempt at a run or source model. No method raises; `problem` says what went wrong.

    A resumed attempt logs the curve so far before it goes on: the last attempt's W&B run has every epoch.
    """

    problem: str | None

    def __init__(
        self,
        options: TrackingOptions,
        *,
        kind: Literal["run", "source", "sweep"],
        id: str,
        group: str,
        name: str,
        attempt: int | None,
        config: Mapping[str, Any],
        tags: Sequence[str] = (),
        sweeps: Sequence[str] = (),
        commit: str | None = None,
        replayed: bool = False,
        axes: Mapping[str, str] = AXES,
        media: Media | None = None,
        patience: float | None = None,
        verdict: Mapping[str, Any] | None = None,
    ) -> None:
        """Opens the W&B run, where rows are to be sent as they come.

        attempt: told apart by W&B ids; None for what has no attempts. sweeps: whose tags it has. commit: of the code.
        replayed: all rows are in the store; then no rest is taken, nothing is logged, no copy is kept. axes: pattern of
        metrics -> their x-axis. media: called before the end. patience: seconds to wait for the end, PATIENCE by
        default. verdict: what the mark of its arrival says of the summary.
        """
        self.wandb_id = id if attempt is None else f"{id}-{attempt}"
        self.problem = None
        self._id = id
        self._options = options
        self._name = name
        self._described: dict[str, Any] = {
            "id": self.wandb_id,
            "group": group,
            "job_type": JOB_TYPES[kind],
            "name": name,
            "config": {**config, **({} if attempt is None else {"attempt": attempt})},
            "tags": list(tags) or None,
        }
        self._sweeps = list(sweeps)
        self._verdict = verdict
        self._axes, self._media = axes, media
        self._patience = PATIENCE if patience is None else patience
        system = options.system and options.mode == "online" and not replayed
        self._settings = RunSettings(options.mode, options.project, options.runs, commit, system, patience)
        self._replayed = replayed
        self._opened: str | None = None
        self._rows: list[dict[str, Any]] = []
        self._last: EpochRecord | None = None
        self._elapsed = 0.0
        self._sent, self._handed_over = 0, -BATCH_SECONDS
        self._run: Any = None
        self.folder: Path | None = None
        """Where wandb keeps the run, once it is open."""
        self._lock = threading.Lock()
        self._service = None if options.mode == "disabled" else service()
        if self._service is not None and self._service.resting() and not replayed:
            self._warn(f"left alone for a while after {FAILURES_IN_A_ROW} failures in a row")
        if options.mode == "online":
            self._later(self._open)

    def log(self, record: EpochRecord) -> None:
        """Shows one epoch, or leaves it out of a long curve (`is_shown`); the last is always shown. Returns at once."""
        self._elapsed += record.seconds
        self._last = None
        if is_shown(record.epoch):
            self.log_row(shown_row(record, self._elapsed))
        else:
            self._last = record

    def log_row(self, row: Mapping[str, Any]) -> None:
        """One row of W&B's history, in its metrics. Returns at once."""
        self._rows.append(dict(row))
        if self._options.mode == "online" and time.monotonic() - self._handed_over >= BATCH_SECONDS:
            self._handed_over = time.monotonic()
            self._later(self._send)

    def finish(self, status: str, summary: Mapping[str, Any]) -> None:
        """Ends the W&B run, as failed unless `status` is final. Waits at most PATIENCE and what is then cleared."""
        if self._last is not None:
            self._rows.append(shown_row(self._last, self._elapsed))
        values = {**without_nan(summary), "status": status}
        done = self._later(lambda: self._close(status, values))
        if done is None:
            return
        try:
            done.result(timeout=self._patience)
        except TimeoutError:
            self._fail(f"no answer within {self._patience:.0f} s")

    def _later(self, call: Callable[[], object]) -> Future[None] | None:
        """Queues a call behind the earlier ones of this run; None where nothing is to be shown (any more)."""
        if self._service is None or self.problem is not None:
            return None

        def guarded() -> None:
            if self.problem is None:
                try:
                    call()
                except Exception as error:
                    self._fail(f"{type(error).__name__}: {error}")

        return self._service.lane.submit(guarded)

    def _open(self) -> None:
        assert self._service is not None
        self._opened, self._sent = time.strftime("%Y%m%d_%H%M%S"), 0
        self._run = self._service.open(self._settings, self._described, self._axes)
        self.folder = Path(self._run.settings.sync_dir)

    def _send(self) -> None:
        """Hands over all rows that have come since the last time."""
        for row in self._rows[self._sent :]:
            self._run.log(row)
            self._sent += 1

    def _close(self, status: str, summary: Mapping[str, Any]) -> None:
        assert self._service is not None
        if self._options.mode == "online":
            self._end(status, summary)
            return
        try:
            self._write(status, summary)
        except Exception:
            if self.problem is not None:
                raise
            # wandb-core may have died since the last run. All rows are still here, so another one can take them.
            self._remove_half()
            self._service.restart()
            self._write(status, summary)

    def _write(self, status: str, summary: Mapping[str, Any]) -> None:
        self._open()
        self._end(status, summary)

    def _end(self, status: str, summary: Mapping[str, Any]) -> None:
        assert self._service is not None and self.folder is not None
        self._send()
        if self._media is not None:
            self._service.add(self._media)
        self._run.summary.update(summary)
        self._service.close(exit_code=0 if status in FINAL else 1)
        if self._options.mode == "online":
            path = "/".join((self._run.entity, self._run.project, self.wandb_id))
            self._service.check_arrived(path, self._rows)
            if status in FINAL:
                mark_published(
                    store_at(self._options.store),
                    self._id,
                    project=self._options.project,
                    wandb_id=self.wandb_id,
                    url=self._run.url,
                    sweeps=self._sweeps,
                    verdict=self._verdict,
                )
            self._service.count_success()
            shutil.rmtree(self.folder, ignore_errors=True)
            return
        tidy(self.folder, keep_media=self._media is not None)
        check_whole(self.folder, self.wandb_id)
        self._service.count_success()

    def _fail(self, reason: str) -> None:
        if self._warn(reason) and self._service is not None:
            self._service.count_failure()
            self._service.restart()
            self._remove_half()

    def _remove_half(self) -> None:
        """Removes what this attempt began to write, and a whole run too where all of it is in the store."""
        if self._opened is not None:
            offline = self._options.mode == "offline"
            remove_since(self._options.runs, self.wandb_id, self._opened, offline, whole_too=self._replayed)

    def _warn(self, reason: str) -> bool:
        with self._lock:
            if self.problem is not None:
                return False
            # wandb goes on with advice for who calls it.
            self.problem = f"W&B: {' '.join(reason.partition('Consider increasing')[0].split())}"
        if not self._replayed:
            logger.warning("%s (%s; the run goes on without it)", self.problem, self._name)
        return True


_SERVICE: WandbService | None = None


def service() -> WandbService:
    """This process's own; made when it is first asked for."""
    global _SERVICE
    if _SERVICE is None or os.getpid() != _SERVICE.pid:
        _SERVICE = WandbService(_load)
    return _SERVICE


def _load() -> Any:
    import wandb

    return wandb
