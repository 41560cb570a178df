"""The record of what was computed: results committed once, failures counted, states told apart."""

from __future__ import annotations

import contextlib
import logging
import socket
import traceback
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

from orchestrator.store import quarantine
from orchestrator.store.epoch_file import from_parquet
from orchestrator.store.folder import store_at
from orchestrator.store.interface import Store
from orchestrator.store.jobs import Job
from orchestrator.store.lease import Lease, Watch, claim
from orchestrator.store.settings import DEFAULT, Settings
from sweeps import layout
from sweeps.errors import command_line, printable, shown
from sweeps.layout import FORMAT, FORMAT_KEY, Place
from sweeps.records import EpochRecord, FailureRecord, RunRecord, Status, SweepRecord
from sweeps.self_digest import seal, unsealed
from sweeps.store import leases, records
from sweeps.store.interface import Damaged, Reading, StoreError
from sweeps.store.location import Location
from sweeps.store.status import without_result

ALLOWED = "it must be a bucket whose objects can be listed, read, written and deleted"
MOST_ATTEMPTS = 3
"""Attempts in one launch before a run counts as failed."""

log = logging.getLogger("frostline.ledger")

__all__ = ["Damaged", "Ledger", "StoreError"]


class Ledger:
    """One store. Any number of processes may use it at the same time.

    A process keeps one ledger as long as it lives: how long a heartbeat stood still is only known to who has looked
    before.
    """

    def __init__(self, location: Location, settings: Settings = DEFAULT, store: Store | None = None) -> None:
        """`location` is where the store is; `store` is given where it is open already."""
        self.location = location
        self.settings = settings
        self.store: Store = store or store_at(location, settings.faults)
        self.damaged: dict[str, str] = {}
        """What is wrong with results that `status` found not to be what was committed, by id."""
        self.watch = Watch(settings)
        """What this process saw of leases, and was told of them."""

    @property
    def root(self) -> Path:
        """The folder, of a store that is one. Raises StoreError for another."""
        if not isinstance(self.location, Path):
            raise StoreError(f"--store {self.location}: allowed here: a folder")
        return self.location

    def check(self) -> None:
        """Raise StoreError if the store is there and is none of this format. Writes nothing."""
        try:
            raw = self.store.read(FORMAT_KEY)
        except OSError as problem:
            raise self._unusable(problem) from None
        found = str(FORMAT) if raw is None else raw.decode(errors="replace").strip()
        if found.isdecimal() and int(found) < FORMAT:
            raise StoreError(
                f"--store {self.location}: format {found}, written by an older version; "
                f"bring it to format {FORMAT} with: {command_line('upgrade', self.location)}"
            )
        if found != str(FORMAT):
            raise StoreError(f"--store {self.location}: format {shown(found, 20)}; this version reads {FORMAT}")

    def open(self) -> None:
        """Make the store, or check that it can be written and has this format. Raises StoreError."""
        self.check()
        try:
            self.store.prepare()
            if not self.store.exists(FORMAT_KEY):
                self.store.create(FORMAT_KEY, f"{FORMAT}\n".encode())
        except OSError as problem:
            raise self._unusable(problem) from None

    def place(self, job: Job) -> Place:
        return layout.place(job.kind, job.id)

    def result(self, job: Job) -> RunRecord | None:
        """The committed result, after comparing its spec with the job's. Raises StoreError, Damaged if altered."""
        return records.matching_result(self.store, self.place(job), job.value)

    def curve(self, record: RunRecord) -> list[EpochRecord]:
        """The epochs of a committed result, their digest checked. Raises StoreError, Damaged if altered."""
        key = layout.place(record.kind, record.id).epochs(record.epochs_sha256)
        content = records.content(self.store, key, record.epochs_sha256)
        try:
            return from_parquet(content)
        except ValueError as problem:
            raise Damaged(f"{self.store.where(key)}: {problem}") from None

    def weights_sha256(self, source: str) -> str:
        """Digest of a source model's weights, by its id. Raises Damaged if there is no such result, StoreError where it
        has diverged: nothing starts from it."""
        record = records.result(self.store, layout.place("source", source))
        if record is None or record.weights_sha256 is None:
            raise Damaged(f"source model {source} is not in the store")
        if record.status == "diverged":
            raise StoreError(f"source model {source} has diverged: nothing starts from it")
        return record.weights_sha256

    def weights(self, source: str, sha256: str) -> bytes:
        """Weights of a source model (safetensors), their digest checked. Raises Damaged if they are gone or altered."""
        return records.content(self.store, layout.place("source", source).weights(sha256), sha256, cached=True)

    def status(self, job: Job, thorough: bool = False) -> Status:
        """Of one job, without regard to its source: `blocked` is for who knows the plan."""
        return self.status_and_record(job, thorough)[0]

    def status_and_record(
        self, job: Job, thorough: bool = False, view: Reading | None = None
    ) -> tuple[Status, RunRecord | None]:
        """The status of one job, and its result where that is whole; one that is altered counts as missing, and why is
        in `damaged`. `thorough` also hashes the files of a result. `view`: a snapshot, for who looks at many. Raises
        StoreError where something cannot be read.
        """
        view = view or self.store
        record, problem = self._looked_at(job, thorough, view)
        if problem is not None:
            self.damaged[job.id] = problem
            return "missing", None
        if record is not None:
            return record.status, record
        place = self.place(job)
        try:
            return without_result(view, place, self.watch.alive), None
        except OSError as refused:
            raise records.unreadable(self.store, place.folder, refused) from None

    def verified_result(self, job: Job) -> RunRecord | None:
        """The committed result; one that is Damaged goes to quarantine, not one that is not read (StoreError). For a
        lease's holder."""
        record, problem = self._looked_at(job, True, self.store)
        if problem is None:
            return record
        quarantine.move_away(self.store, self.place(job), problem)
        return None

    def _looked_at(self, job: Job, thorough: bool, view: Reading) -> tuple[RunRecord | None, str | None]:
        """The result, and what is wrong with it."""
        try:
            record = records.matching_result(view, self.place(job), job.value)
        except Damaged as found:
            return None, str(found)
        if record is None or not thorough:
            return record, None
        return record, records.problem_of(self.store, record, self.place(job))

    def progress(self, job: Job) -> tuple[int, int] | None:
        """(epochs done, epochs asked) of a job under way."""
        last = self.lease(job)
        return None if last is None else (int(last["progress"]), int(last["epochs"]))

    def claim(self, job: Job, launch: str = "") -> Lease:
        """Raises lease.Held."""
        return claim(self.store, self.place(job), job.epochs, self.watch, launch)

    def lease(self, job: Job) -> leases.Lease | None:
        """What the last lease of a job says; None where nobody has taken it up, or gave it back."""
        return leases.current(self.store, self.place(job))

    def commit(self, lease: Lease, record: RunRecord, epochs: bytes, weights: bytes | None) -> bool:
        """Publish a result; False if another process had published it before. Raises lease.Fenced.

        What result.json speaks of is durable before result.json is there.
        """
        place = lease.place
        lease.check()
        self.store.replace(place.epochs(record.epochs_sha256), epochs)
        if weights is not None:
            assert record.weights_sha256 is not None
            self.store.replace(place.weights(record.weights_sha256), weights)
        lease.check()
        published = self.store.create(place.result, seal(record.model_dump_json(indent=1).encode()))
        # What led to the result is in the way now, except the failures, which are history. gc removes what stays.
        with contextlib.suppress(OSError):
            self.store.remove(*place.named(self.store.list(place.folder), "checkpoint-", "released-"))
        return published

    def fail(self, job: Job, error: BaseException, host: str | None = None) -> FailureRecord:
        """Write down an attempt that ended in an error, if that can be. `host`: where it ran, if not here."""
        place = self.place(job)
        failure = FailureRecord(
            kind=job.kind,
            id=job.id,
            name=job.name,
            error=one_line(error),
            traceback="".join(traceback.format_exception(error)),
            host=host or socket.gethostname(),
            at=datetime.now(UTC).isoformat(timespec="seconds"),
        )
        try:
            number = len(place.failures(self.store.list(place.folder))) + 1
            while not self.store.create(place.failure(number), failure.model_dump_json(indent=1).encode()):
                number += 1
        except OSError as problem:  # a full disk, most likely what is to be written down
            log.warning("%s: %s; not written down: %s", job.name, failure.error, problem.strerror)
        return failure

    def last_failure(self, job: Job) -> tuple[FailureRecord, int, str] | None:
        """The latest failure, how many there were, and where it is. Raises StoreError where it cannot be read."""
        found = records.last_failure(self.store, self.place(job))
        if found is None:
            return None
        failure, number, key = found
        if failure is None:
            about = {"kind": job.kind, "id": job.id, "name": job.name, "traceback": "", "host": "", "at": ""}
            failure = FailureRecord.model_validate({**about, "error": "its record is damaged"})
        return failure, number, self.store.where(key)

    def save_sweep(self, record: SweepRecord) -> None:
        """Raises StoreError if it cannot be written."""
        key = layout.sweep(record.name, record.digest)
        content = seal(record.model_dump_json().encode())
        try:
            if self.store.read(key) != content:
                self.store.replace(key, content)
        except OSError as problem:
            raise self._unusable(problem) from None

    def save_contents(self, contents: Mapping[str, bytes]) -> None:
        """What workers are told of images of the user's own, by digest. Raises StoreError if it cannot be written."""
        try:
            for digest, record in contents.items():
                self.store.replace(layout.content(digest), seal(record))
        except OSError as problem:
            raise self._unusable(problem) from None

    def content(self, digest: str) -> bytes | None:
        """What a launch has written down of a content; None if there is nothing. Raises Damaged if it is altered."""
        raw = self.store.read(layout.content(digest))
        try:
            return None if raw is None else unsealed(raw)
        except ValueError as problem:
            raise Damaged(f"{self.store.where(layout.content(digest))}: {problem}") from None

    def _unusable(self, problem: OSError) -> StoreError:
        """One line for what cannot be a store."""
        allowed = "it must be a folder that can be read and written" if isinstance(self.location, Path) else ALLOWED
        return StoreError(f"--store {self.location}: {problem.strerror}; {allowed}")


def one_line(error: BaseException) -> str:
    return printable(" ".join(f"{type(error).__name__}: {error}".split()))[:500]
