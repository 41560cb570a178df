"""The record of what was computed: results committed once, failures counted, states told apart."""

from __future__ import annotations

import errno
import os
import socket
import traceback
from datetime import UTC, datetime
from pathlib import Path

from pydantic import ValidationError

from orchestrator import durable
from orchestrator.curve import from_parquet
from orchestrator.jobs import Job
from orchestrator.lease import Lease, Watch, claim, current
from sweeps.errors import shown
from sweeps.identity import SCHEMA, restored, run_id
from sweeps.layout import Kind, Layout, Place
from sweeps.records import EpochRecord, FailureRecord, RunRecord, Status, SweepRecord

MOST_ATTEMPTS = 3
"""Attempts in one launch before a run counts as failed."""


class StoreError(ValueError):
    """The store cannot be used, or holds what it should not. Its text is one line."""


class Ledger:
    """One store. Any number of processes may use it at the same time."""

    def __init__(self, root: Path) -> None:
        self.layout = Layout(root)
        self._watch = Watch()

    def check(self) -> None:
        """Raise StoreError if the folder is there and is no store of this schema. Writes nothing."""
        root = self.layout.root
        try:
            if root.exists() and not root.is_dir():
                raise _unusable(root, NotADirectoryError(errno.ENOTDIR, "Not a directory"))
            if not self.layout.format.exists():
                return
            found = self.layout.format.read_text(errors="replace").strip()
        except OSError as problem:
            raise _unusable(root, problem) from None
        if found != str(SCHEMA):
            raise StoreError(
                f"--store {root}: schema version {shown(found, 20)}; this is version {SCHEMA}; use another folder"
            )

    def open(self) -> None:
        """Make the store, or check that it can be written and has this schema. Raises StoreError."""
        self.check()
        root = self.layout.root
        try:
            durable.make_folder(root)
            for kind in ("run", "source"):
                durable.make_folder(self.layout.shelf(kind))
            if not self.layout.format.exists():
                durable.publish(self.layout.format, f"{SCHEMA}\n".encode())
            probe = root / f".probe-{os.getpid()}"
            probe.touch()
            probe.unlink()
        except OSError as problem:
            raise _unusable(root, problem) from None

    def place(self, job: Job) -> Place:
        return self.layout.place(job.kind, job.id)

    def result(self, job: Job) -> RunRecord | None:
        """The committed result, after comparing its spec with the job's. Raises StoreError."""
        record = self.record(job.kind, job.id)
        if record is not None and record.spec != job.value:
            raise StoreError(
                f"{self.place(job).result}: its spec is not that of {job.kind} {job.id}; move it away and run again"
            )
        return record

    def record(self, kind: Kind, id: str) -> RunRecord | None:
        path = self.layout.place(kind, id).result
        try:
            return RunRecord.model_validate_json(path.read_bytes())
        except FileNotFoundError:
            return None
        except OSError as problem:
            raise StoreError(f"{path}: {problem.strerror}") from None
        except ValidationError as error:
            field = ".".join(map(str, error.errors(include_url=False)[0]["loc"])) or "file"
            raise StoreError(f"{path}: damaged ({field}); move it away and run again") from None

    def curve(self, record: RunRecord) -> list[EpochRecord]:
        """The epochs of a committed result, their digest checked. Raises StoreError."""
        path = self.layout.place(record.kind, record.id).epochs(record.epochs_sha256)
        try:
            content = path.read_bytes()
        except OSError as problem:
            raise StoreError(f"{path}: {problem.strerror}") from None
        if durable.sha256(content) != record.epochs_sha256:
            raise StoreError(f"{path}: damaged, its SHA-256 is not that of its result.json")
        return from_parquet(content)

    def status(self, job: Job) -> Status:
        """Of one job, without regard to its source: `blocked` is for who knows the plan."""
        record = self.result(job)
        if record is not None:
            return record.status
        place = self.place(job)
        last = current(place)
        if last is not None and self._watch.alive(place, last):
            return "running"
        return "failed" if place.failures() else "missing"

    def progress(self, job: Job) -> tuple[int, int] | None:
        """(epochs done, epochs asked) of a job under way."""
        last = current(self.place(job))
        return None if last is None else (int(last["progress"]), int(last["epochs"]))

    def claim(self, job: Job) -> Lease:
        """Raises lease.Held."""
        return claim(self.place(job), job.recipe.epochs, self._watch)

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
        published = durable.publish(place.result, record.model_dump_json(indent=1).encode())
        self._tidy(place)
        return published

    def _tidy(self, place: Place) -> None:
        """After a result stands, what led to it is in the way, except the failures, which are history."""
        for path in (*place.checkpoints(), *place.folder.glob("released-*")):
            path.unlink(missing_ok=True)

    def fail(self, job: Job, error: BaseException) -> FailureRecord:
        """Write down an attempt that ended in an error."""
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
        durable.make_folder(place.folder)
        number = len(place.failures()) + 1
        while not durable.publish(place.failure(number), failure.model_dump_json(indent=1).encode()):
            number += 1
        return failure

    def last_failure(self, job: Job) -> tuple[FailureRecord, int, Path] | None:
        """The latest failure, how many there were, and its file."""
        files = self.place(job).failures()
        if not files:
            return None
        return FailureRecord.model_validate_json(files[-1].read_bytes()), len(files), files[-1]

    def sweep(self, name: str, digest: str) -> SweepRecord | None:
        """The expansion on record, if it was made under this schema and is whole; each run's id is checked."""
        try:
            record = SweepRecord.model_validate_json(self.layout.sweep(name, digest).read_bytes())
            whole = all(run_id(restored(spec)) == id for id, spec in record.runs.items())
        except (OSError, ValidationError):
            return None
        return record if whole and (record.schema_version, record.digest) == (SCHEMA, digest) else None

    def save_sweep(self, record: SweepRecord) -> None:
        path = self.layout.sweep(record.name, record.digest)
        durable.make_folder(path.parent)
        content = record.model_dump_json().encode()
        if not path.exists() or path.read_bytes() != content:
            durable.replace(path, content)


def _unusable(root: Path, problem: OSError) -> StoreError:
    """One line for a folder that cannot be a store."""
    return StoreError(f"--store {root}: {problem.strerror}; it must be a folder that can be read and written")


def one_line(error: BaseException) -> str:
    return " ".join(f"{type(error).__name__}: {error}".split())[:500]
