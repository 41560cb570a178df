"""The record of what was computed: results committed once, failures counted, states told apart."""

from __future__ import annotations

import errno
import logging
import os
import socket
import traceback
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from orchestrator.store import durable, quarantine
from orchestrator.store.epoch_file import from_parquet
from orchestrator.store.integrity import Damaged, StoreError, problem_of, read_record
from orchestrator.store.jobs import Job
from orchestrator.store.lease import Lease, Watch, claim, current
from sweeps.errors import shown
from sweeps.layout import FORMAT, Kind, Layout, Place
from sweeps.records import EpochRecord, FailureRecord, RunRecord, Status, SweepRecord
from sweeps.self_digest import seal

MOST_ATTEMPTS = 3
"""Attempts in one launch before a run counts as failed."""

log = logging.getLogger("frostline.ledger")
WATCH = Watch()
"""One for the process: how long a heartbeat stood still is only known to who has looked before."""

__all__ = ["Damaged", "Ledger", "StoreError"]


class Ledger:
    """One store. Any number of processes may use it at the same time."""

    def __init__(self, root: Path) -> None:
        self.layout = Layout(root)
        self.damaged: dict[str, str] = {}
        """What is wrong with results that `status` found not to be what was committed, by id."""
        self._watch = WATCH

    def check(self) -> None:
        """Raise StoreError if the folder is there and is no store of this format. Writes nothing."""
        root = self.layout.root
        try:
            if root.exists() and not root.is_dir():
                raise _unusable(root, NotADirectoryError(errno.ENOTDIR, "Not a directory"))
            if not self.layout.format.exists():
                return
            found = self.layout.format.read_text(errors="replace").strip()
        except OSError as problem:
            raise _unusable(root, problem) from None
        if found.isdecimal() and int(found) < FORMAT:
            raise StoreError(
                f"--store {root}: format {found}, written by an older version; bring it to format {FORMAT} with: "
                f"python -m orchestrator upgrade {root}"
            )
        if found != str(FORMAT):
            raise StoreError(f"--store {root}: format {shown(found, 20)}; this version reads {FORMAT}")

    def open(self) -> None:
        """Make the store, or check that it can be written and has this format. Raises StoreError."""
        self.check()
        root = self.layout.root
        try:
            durable.make_folder(root)
            for kind in ("run", "source"):
                durable.make_folder(self.layout.shelf(kind))
            if not self.layout.format.exists():
                durable.publish(self.layout.format, f"{FORMAT}\n".encode())
            probe = root / f".probe-{os.getpid()}"
            probe.touch()
            probe.unlink()
        except OSError as problem:
            raise _unusable(root, problem) from None

    def place(self, job: Job) -> Place:
        return self.layout.place(job.kind, job.id)

    def result(self, job: Job) -> RunRecord | None:
        """The committed result, after comparing its spec with the job's. Raises StoreError, Damaged if altered."""
        record = self.record(job.kind, job.id)
        if record is not None and record.spec != job.value:
            raise StoreError(
                f"{self.place(job).result}: its spec is not that of {job.kind} {job.id}; move it away and run again"
            )
        return record

    def record(self, kind: Kind, id: str) -> RunRecord | None:
        return read_record(self.layout.place(kind, id))

    def curve(self, record: RunRecord) -> list[EpochRecord]:
        """The epochs of a committed result, their digest checked. Raises StoreError, Damaged if altered."""
        path = self.layout.place(record.kind, record.id).epochs(record.epochs_sha256)
        try:
            return from_parquet(self.content(path, record.epochs_sha256))
        except ValueError as problem:
            raise Damaged(f"{path}: {problem}") from None

    def content(self, path: Path, sha256: str) -> bytes:
        """Bytes of a file that a result speaks of. Raises Damaged if they are not there or not those."""
        try:
            content = path.read_bytes()
        except FileNotFoundError as problem:
            raise Damaged(f"{path}: {problem.strerror}") from None
        except OSError as problem:
            raise StoreError(f"{path}: {problem.strerror}") from None
        if durable.sha256(content) != sha256:
            raise Damaged(f"{path}: damaged, its SHA-256 is not that of its result.json")
        return content

    def status(self, job: Job, thorough: bool = False) -> Status:
        """Of one job, without regard to its source: `blocked` is for who knows the plan."""
        return self.status_and_record(job, thorough)[0]

    def status_and_record(self, job: Job, thorough: bool = False) -> tuple[Status, RunRecord | None]:
        """The status of one job, and its result where that is whole.

        A result that is not what was committed counts as missing, and why is in `damaged`. `thorough` also hashes the
        files that a result speaks of.
        """
        try:
            record = self.result(job)
            problem = problem_of(record, self.place(job)) if thorough and record is not None else None
        except Damaged as found:
            record, problem = None, str(found)
        if problem is not None:
            self.damaged[job.id] = problem
            return "missing", None
        if record is not None:
            return record.status, record
        place = self.place(job)
        last = current(place)
        if last is not None and self._watch.alive(place, last):
            return "running", None
        return ("failed" if place.failures() else "missing"), None

    def verified_result(self, job: Job) -> RunRecord | None:
        """The committed result if all of it is whole; if it is not, it is moved to quarantine. For a lease's holder."""
        try:
            record = self.result(job)
            problem = None if record is None else problem_of(record, self.place(job))
        except Damaged as found:
            record, problem = None, str(found)
        if problem is None:
            return record
        quarantine.move_away(self.layout, self.place(job), problem)
        return None

    def progress(self, job: Job) -> tuple[int, int] | None:
        """(epochs done, epochs asked) of a job under way."""
        last = current(self.place(job))
        return None if last is None else (int(last["progress"]), int(last["epochs"]))

    def claim(self, job: Job, launch: str = "") -> Lease:
        """Raises lease.Held."""
        return claim(self.place(job), job.recipe.epochs, self._watch, launch)

    def begun(self, job: Job) -> bool:
        """Whether somebody took the job up and has not given it back."""
        return current(self.place(job)) is not None

    def silent_holder(self, job: Job) -> dict[str, Any] | None:
        """What the lease of a job says whose holder is there, as far as one can know, but has expired."""
        last = current(self.place(job))
        return last if last is not None and last["holder"] and not self._watch.alive(self.place(job), last) else None

    def commit(self, lease: Lease, record: RunRecord, epochs: bytes, weights: bytes | None) -> bool:
        """Publish a result; False if another process had published it before. Raises lease.Fenced.

        What result.json speaks of is durable before result.json is there.
        """
        place = lease.place
        lease.check()
        durable.replace(place.epochs(record.epochs_sha256), epochs)
        if weights is not None:
            assert record.weights_sha256 is not None
            durable.replace(place.weights(record.weights_sha256), weights)
        lease.check()
        published = durable.publish(place.result, seal(record.model_dump_json(indent=1).encode()))
        self._tidy(place)
        return published

    def _tidy(self, place: Place) -> None:
        """After a result stands, what led to it is in the way, except the failures, which are history."""
        for path in (*place.checkpoints(), *place.folder.glob("released-*")):
            path.unlink(missing_ok=True)

    def fail(self, job: Job, error: BaseException) -> FailureRecord:
        """Write down an attempt that ended in an error, if that can be."""
        place = self.place(job)
        failure = FailureRecord(
            kind=job.kind,
            id=job.id,
            name=job.name,
            error=one_line(error),
            traceback="".join(traceback.format_exception(error)),
            host=socket.gethostname(),
            at=datetime.now(UTC).isoformat(timespec="seconds"),
        )
        try:
            durable.make_folder(place.folder)
            number = len(place.failures()) + 1
            while not durable.publish(place.failure(number), failure.model_dump_json(indent=1).encode()):
                number += 1
        except OSError as problem:  # a full disk, most likely what is to be written down
            log.warning("%s: %s; not written down: %s", job.name, failure.error, problem.strerror)
        return failure

    def last_failure(self, job: Job) -> tuple[FailureRecord, int, Path] | None:
        """The latest failure, how many there were, and its file."""
        files = self.place(job).failures()
        if not files:
            return None
        try:
            failure = FailureRecord.model_validate_json(files[-1].read_bytes())
        except (OSError, ValidationError):
            about = {"kind": job.kind, "id": job.id, "name": job.name, "traceback": "", "host": "", "at": ""}
            failure = FailureRecord.model_validate({**about, "error": "its record is damaged"})
        return failure, len(files), files[-1]

    def save_sweep(self, record: SweepRecord) -> None:
        """Raises StoreError if it cannot be written."""
        path = self.layout.sweep(record.name, record.digest)
        content = seal(record.model_dump_json().encode())
        try:
            durable.make_folder(path.parent)
            if not path.exists() or path.read_bytes() != content:
                durable.replace(path, content)
        except OSError as problem:
            raise _unusable(self.layout.root, problem) from None


def _unusable(root: Path, problem: OSError) -> StoreError:
    """One line for a folder that cannot be a store."""
    return StoreError(f"--store {root}: {problem.strerror}; it must be a folder that can be read and written")


def one_line(error: BaseException) -> str:
    return " ".join(f"{type(error).__name__}: {error}".split())[:500]
