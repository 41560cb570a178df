"""One run or source model of a store, by its id or how that begins."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from orchestrator.store.jobs import Job, source_job
from orchestrator.store.ledger import Ledger
from sweeps import layout
from sweeps.errors import SpecError, shown
from sweeps.layout import KINDS, Kind
from sweeps.naming import differing
from sweeps.store import records
from sweeps.store.interface import StoreError

MOST_NAMED = 5
LENGTH = 20


@dataclass(frozen=True)
class FoundJob:
    """A job, and the sweeps on record that ask for it."""

    job: Job
    sweeps: tuple[str, ...]


def find(ledger: Ledger, given: str) -> FoundJob:
    """The run or source model whose id begins with `given`. Raises SpecError unless there is exactly one."""
    if not re.fullmatch(f"[0-9a-f]{{1,{LENGTH}}}", given):
        raise SpecError(f"RUN {shown(given)}: allowed: an id ({LENGTH} hex digits), or how one begins")
    asked, unread = _asked(ledger, given)
    not_read = f"; not read: {unread}" if unread else ""
    known: set[tuple[Kind, str]] = {*_stored(ledger, given), *asked}
    if not known:
        raise SpecError(f"RUN {given}: no run or source model of {ledger.location} has an id that begins so{not_read}")
    if len(known) > 1:
        named = ", ".join(f"{id} ({kind})" for kind, id in sorted(known)[:MOST_NAMED])
        more = f" and {len(known) - MOST_NAMED} more" if len(known) > MOST_NAMED else ""
        raise SpecError(f"RUN {given}: {len(known)} ids begin so: {named}{more}")
    ((kind, id),) = known
    if (kind, id) not in asked:
        raise SpecError(f"RUN {id}: no recorded sweep of {ledger.location} asks for this {kind}{not_read}")
    return asked[kind, id]


def _asked(ledger: Ledger, given: str) -> tuple[dict[tuple[Kind, str], FoundJob], str]:
    """What the sweeps on record ask for, of the ids that begin so; and of the first record that cannot be used, why."""
    found: dict[tuple[Kind, str], FoundJob] = {}
    unread = ""
    for key in records.sweep_keys(ledger.store):
        try:
            record = records.sweep(ledger.store, key)
            specs = {} if record is None else records.specs(ledger.store, key, record)
        except StoreError as problem:  # another sweep's record, as a rule, is none of this run's business
            unread = unread or str(problem)
            continue
        assert record is not None or not specs
        varied = differing(specs.values())
        for id, spec in specs.items():
            for job in (Job("run", id, spec, varied), source_job(spec, varied)):
                if job is not None and job.id.startswith(given):
                    before = found.get((job.kind, job.id))
                    names = {*(before.sweeps if before else ()), *([record.name] if record else ())}
                    found[job.kind, job.id] = FoundJob(before.job if before else job, tuple(sorted(names)))
    return found, unread


def _stored(ledger: Ledger, given: str) -> Iterator[tuple[Kind, str]]:
    for kind in KINDS:
        try:
            shelves = [first for first in ledger.store.list(layout.shelf(kind)) if first.startswith(given[:2])]
            for first in shelves:
                for name in ledger.store.list(f"{layout.shelf(kind)}/{first}"):
                    if name.startswith(given):
                        yield kind, name
        except NotADirectoryError:
            continue
        except OSError as problem:
            raise records.unreadable(ledger.store, layout.shelf(kind), problem) from None
