"""W&B as a window onto runs: shown there, never read back, and no failure of it is a run's failure.

The store is the record. In offline mode a run's rows are kept here and written as one W&B run when it finishes:
training is not interrupted and no half-written W&B run stays behind. In online mode they are sent as they come.
All calls into wandb are made in one background thread: a trial waits for them no longer than finish() says.
Keys are found by wandb itself, in the environment or in netrc: never passed, kept or written here.
"""

from __future__ import annotations

import logging
import math
import os
import shutil
import threading
import time
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from orchestrator.store.folder import store_at
from orchestrator.tracking.published import mark_published
from orchestrator.tracking.wandb_service import CLEANUP, FAILURES_IN_A_ROW, WandbService
from sweeps.layout import WANDB
from sweeps.records import FINAL, EpochRecord

Mode = Literal["offline", "online", "disabled"]
JOB_TYPES = {"run": "target", "source": "source"}
PATIENCE = 60.0
"""Seconds that finish() waits for wandb before it gives the W&B run up."""
LONGEST_WAIT = PATIENCE + 2 * CLEANUP
"""Seconds that finish() takes at most, with what it then clears away."""
TAG_LENGTH, NAME_LENGTH = 64, 128
"""W&B takes no longer ones."""

logger = logging.getLogger("frostline.tracking")


@dataclass(frozen=True)
class TrackingOptions:
    """Where W&B runs go. Plain data, sent to workers: holds no key. `store` is where the store is."""

    store: Path
    mode: Mode = "offline"
    project: str = "frostline"

    @property
    def runs(self) -> Path:
        """Where wandb keeps its runs: a folder that it insists on calling `wandb`."""
        return store_at(self.store).local_folder(WANDB).absolute()


class Tracker:
    """The W&B run of one attempt at a run or source model. No method raises; `problem` says what went wrong.

    A resumed attempt logs the curve so far before it goes on: the last attempt's W&B run has every epoch.
    """

    problem: str | None

    def __init__(
        self,
        options: TrackingOptions,
        *,
        kind: Literal["run", "source"],
        id: str,
        cell: str,
        name: str,
        attempt: int,
        spec: Mapping[str, Any],
        sweep: str | None = None,
        replayed: bool = False,
    ) -> None:
        """`replayed`: all rows are in the store. Then no rest is taken, nothing is logged, no copy is kept."""
        self.wandb_id = f"{id}-{attempt}"
        self.problem = None
        self._id = id
        self._options = options
        self._name = name
        self._described: dict[str, Any] = {
            "id": self.wandb_id,
            "group": cell,
            "job_type": JOB_TYPES[kind],
            "name": name[:NAME_LENGTH],
            "config": {**spec, "run_id": id, "attempt": attempt},
            "tags": [sweep[:TAG_LENGTH]] if sweep else None,
        }
        self._replayed = replayed
        self._opened: str | None = None
        self._rows: list[dict[str, Any]] = []
        self._epochs: set[int] = set()
        self._run: Any = None
        self._lock = threading.Lock()
        self._service = None if options.mode == "disabled" else _service()
        if self._service is not None and self._service.resting() and not replayed:
            self._warn(f"left alone for a while after {FAILURES_IN_A_ROW} failures in a row")
        if options.mode == "online":
            self._later(self._open)

    def log(self, record: EpochRecord) -> None:
        """Shows one epoch; its number is the x-axis, a value that is NaN is left out. Returns at once."""
        row = _without_nan(record._asdict())
        self._epochs.add(record.epoch)
        if self._options.mode == "offline":
            self._rows.append(row)
        else:
            self._later(lambda: self._run.log(row))

    def finish(self, status: str, summary: Mapping[str, Any]) -> None:
        """Ends the W&B run, as failed unless `status` is final. Waits at most `LONGEST_WAIT` seconds."""
        values = {**_without_nan(summary), "status": status}
        done = self._later(lambda: self._close(status, values))
        if done is None:
            return
        try:
            done.result(timeout=PATIENCE)
        except TimeoutError:
            self._fail(f"no answer within {PATIENCE:.0f} s")

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
        options = self._options
        self._opened = time.strftime("%Y%m%d_%H%M%S")
        self._run = self._service.open(options.mode, options.project, options.runs, self._described)

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
        for row in self._rows:
            self._run.log(row)
        self._end(status, summary)

    def _end(self, status: str, summary: Mapping[str, Any]) -> None:
        assert self._service is not None
        self._run.summary.update(summary)
        self._service.close(exit_code=0 if status in FINAL else 1)
        folder = Path(self._run.settings.sync_dir)
        # Beside the run's own file lie wandb's logs: of no use after success, and thousands of files in a sweep.
        if self._options.mode == "online":
            self._service.check_arrived("/".join((self._run.entity, self._run.project, self.wandb_id)), self._epochs)
            if status in FINAL:
                url, project = self._run.url, self._options.project
                mark_published(
                    store_at(self._options.store), self._id, project=project, wandb_id=self.wandb_id, url=url
                )
            self._service.count_success()
            shutil.rmtree(folder, ignore_errors=True)
            return
        for leftover in ("logs", "files", "tmp"):
            shutil.rmtree(folder / leftover, ignore_errors=True)
        _check_whole(folder / f"run-{self.wandb_id}.wandb", self.wandb_id)
        self._service.count_success()

    def _fail(self, reason: str) -> None:
        if self._warn(reason) and self._service is not None:
            self._service.count_failure()
            self._service.restart()
            self._remove_half()

    def _remove_half(self) -> None:
        """Removes what this attempt began to write: half a curve would be mistaken for a whole one.

        Nothing else is touched: not a copy that was there before, and not a whole one that has not arrived.
        """
        if self._opened is None:
            return
        kind = "offline-run" if self._options.mode == "offline" else "run"
        for folder in self._options.runs.glob(f"{kind}-*-{self.wandb_id}"):
            began = folder.name.removeprefix(f"{kind}-").removesuffix(f"-{self.wandb_id}")
            if began >= self._opened and (self._replayed or not _is_whole(folder, self.wandb_id)):
                shutil.rmtree(folder, ignore_errors=True)

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


def _service() -> WandbService:
    global _SERVICE
    if _SERVICE is None or os.getpid() != _SERVICE.pid:
        _SERVICE = WandbService(_load)
    return _SERVICE


def _load() -> Any:
    import wandb

    return wandb


def _check_whole(file: Path, wandb_id: str) -> None:
    """OSError where wandb could not write the run's last record: of a full disk it says nothing itself."""
    with file.open("rb") as opened:
        opened.seek(max(0, file.stat().st_size - 256))
        if wandb_id.encode() not in opened.read():
            raise OSError(f"{file} has no end; is the disk full?")


def _is_whole(folder: Path, wandb_id: str) -> bool:
    try:
        _check_whole(folder / f"run-{wandb_id}.wandb", wandb_id)
    except OSError:
        return False
    return True


def _without_nan(values: Mapping[str, Any]) -> dict[str, Any]:
    nan = {name for name, value in values.items() if isinstance(value, float) and math.isnan(value)}
    return {name: value for name, value in values.items() if name not in nan}
