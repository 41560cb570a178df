"""`frostline show RUN`: all that a store has of one run, as text or JSON. Changes nothing."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from orchestrator.run_lookup import FoundJob
from orchestrator.store.jobs import Job, source_job
from orchestrator.store.ledger import Ledger
from sweeps.console import for_json
from sweeps.errors import printable
from sweeps.expand import flat
from sweeps.records import EpochRecord, FailureRecord, RunRecord, Status
from sweeps.store.interface import StoreError
from sweeps.store.leases import Lease
from sweeps.store.status import after_source, obstacle

MOST_EPOCHS = 12


def as_json(found: FoundJob, ledger: Ledger) -> dict[str, Any]:
    """Everything that `show` tells: identity, status, spec, curve, last failure, files.

    Numbers that are not finite are None, since JSON has none. `problem`: what cannot be read of the result, or else of
    the last failure.
    """
    job = found.job
    status, reason = status_of(job, ledger)
    record, curve, problem = _read(job, ledger)
    lease, (last, of_failure) = _lease(job, ledger), _last_failure(job, ledger)
    told = {
        "kind": job.kind,
        "id": job.id,
        "name": job.name,
        "status": status,
        "reason": reason,
        "sweeps": list(found.sweeps),
        "source": job.needs,
        "running": None if lease is None or status != "running" else {k: lease.get(k) for k in ("host", "pid")},
        "progress": None if lease is None else [lease["progress"], lease["epochs"]],
        "spec": job.value,
        "result": None if record is None else record.model_dump(mode="json", exclude={"spec"}),
        "curve": [row._asdict() for row in curve],
        "problem": problem or of_failure,
        "failures": 0 if last is None else last[1],
        "last_failure": None if last is None else last[0].model_dump(mode="json"),
        "files": files_of(job, ledger),
    }
    return for_json(told)


def _read(job: Job, ledger: Ledger) -> tuple[RunRecord | None, list[EpochRecord], str | None]:
    """The result, its curve, and what is wrong with the one or the other, on one line."""
    record: RunRecord | None = None
    try:
        record = ledger.result(job)
        return record, [] if record is None else ledger.curve(record), None
    except StoreError as problem:
        return record, [], str(problem)


def status_of(job: Job, ledger: Ledger) -> tuple[Status | None, str | None]:
    """With regard to its source, and why it is blocked. None where the result is one that cannot be read at all."""
    status = _status(job, ledger)
    source = source_job(job.spec, job.varied) if job.kind == "run" else None
    if source is None or status is None:
        return status, None
    of_source = _status(source, ledger)
    told = after_source(status, of_source)
    return told, obstacle(source.name, of_source) if told == "blocked" else None


def _status(job: Job, ledger: Ledger) -> Status | None:
    try:
        return ledger.status(job)
    except StoreError:
        return None


def _lease(job: Job, ledger: Ledger) -> Lease | None:
    """None, too, where it cannot be read: all else is shown."""
    try:
        return ledger.lease(job)
    except (OSError, StoreError):
        return None


def _last_failure(job: Job, ledger: Ledger) -> tuple[tuple[FailureRecord, int, str] | None, str | None]:
    """The last failure as the ledger tells it, and why it cannot be read."""
    try:
        return ledger.last_failure(job), None
    except StoreError as problem:
        return None, str(problem)


def files_of(job: Job, ledger: Ledger) -> list[dict[str, Any]]:
    entries = ledger.store.entries(ledger.place(job).folder)
    found = [{"path": ledger.store.where(entry.key), "bytes": entry.bytes} for entry in entries]
    return sorted(found, key=lambda file: str(file["path"]))


def lines(found: FoundJob, ledger: Ledger, again: str) -> Iterator[str]:
    """The same for a person. `again`: the command that repeats the run."""
    job = found.job
    status, reason = status_of(job, ledger)
    yield f"{job.kind} {job.id} {job.name}"
    yield f"status: {status or 'unknown'}{'' if reason is None else f': {reason}'}"
    lease = _lease(job, ledger)
    if status == "running" and lease is not None:
        yield f"  epoch {lease['progress']} of {lease['epochs']}, on {lease.get('host')}, process {lease.get('pid')}"
    yield f"sweeps: {', '.join(found.sweeps)}"
    if (source := source_job(job.spec, job.varied)) is not None and job.kind == "run":
        yield f"source: {source.id} {source.name} ({_status(source, ledger) or 'unknown'})"
    yield "spec:"
    # What a source model's id covers is the source, the network and the seed.
    yield from (f"  {name}: {value}" for name, value in _fields(job).items() if value is not None)
    yield from _result(job, ledger)
    yield from _failure(job, ledger)
    yield "files:"
    yield from (f"  {file['bytes']:>12,} bytes  {file['path']}" for file in files_of(job, ledger))
    yield f"again, in this process: {again}"


def _fields(job: Job) -> dict[str, Any]:
    fields = flat(job.spec)
    kept = None if job.kind == "run" else ("source", "model", "seed")
    return {name: value for name, value in fields.items() if kept is None or name.split(".")[0] in kept}


def _result(job: Job, ledger: Ledger) -> Iterator[str]:
    record, curve, problem = _read(job, ledger)
    if record is None:
        yield from () if problem is None else (f"result: {problem}",)
        return
    yield (
        f"result: {record.status}, {record.epochs} epochs, attempts {record.attempts}, "
        f"{record.busy_seconds:.1f} s on {record.device}, {record.provenance.get('host', 'an unknown host')}"
    )
    yield from (f"  note: {note}" for note in record.notes if note)
    if problem is not None:
        yield f"curve: {problem}"
        return
    yield "curve: epoch, test error, train error"
    yield from (f"  {row.epoch:>6}  {row.test_error:.4f}  {row.train_error:.4f}" for row in _some(curve))


def _some(curve: list[EpochRecord]) -> list[EpochRecord]:
    """Of a long curve, epochs spread evenly, the last among them."""
    step = max(1, -(-len(curve) // MOST_EPOCHS))
    return curve[::-1][::step][::-1]


def _failure(job: Job, ledger: Ledger) -> Iterator[str]:
    last, problem = _last_failure(job, ledger)
    if last is None:
        yield from () if problem is None else (f"last failure: {problem}",)
        return
    failure, number, place = last
    yield f"failed attempts: {number}; the last, {failure.at} on {failure.host or 'an unknown host'}: {failure.error}"
    yield f"  {place}"
    yield from (f"  | {line}" for line in failure.traceback.rstrip().splitlines())


def printed(text: Iterator[str]) -> Iterator[str]:
    return map(printable, text)
