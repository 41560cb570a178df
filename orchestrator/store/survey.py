"""What the store holds of many jobs: its folders listed once, the results that are there read side by side."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

from orchestrator.store.jobs import Job
from orchestrator.store.ledger import Ledger
from sweeps.layout import Kind, shelf
from sweeps.records import RunRecord, Status
from sweeps.store.interface import Reading
from sweeps.store.records import unreadable

PIECES = 16_000
"""Jobs of one thread at a time, by the square of the threads: 1,000 in a folder, 15 where each look is a request."""


class Found(NamedTuple):
    """What the store says of one job."""

    job: Job
    status: Status
    record: RunRecord | None


def survey(ledger: Ledger, jobs: Sequence[Job], thorough: bool = False) -> Iterator[Found]:
    """Each job's status and result, in the jobs' order, as `Ledger.status_and_record` tells them and raises StoreError.

    A job without a folder costs no look at the disk.
    """
    folders = list(dict.fromkeys(f"{shelf(job.kind)}/{job.id[:2]}" for job in jobs))
    try:
        view = ledger.store.snapshot(folders)
    except OSError as problem:
        raise unreadable(ledger.store, "", problem) from None
    there = _folders(view, jobs)
    size = max(1, PIECES // view.readers**2)
    pieces = [jobs[start : start + size] for start in range(0, len(jobs), size)]

    def look(piece: Sequence[Job]) -> list[Found]:
        return [
            Found(job, *ledger.status_and_record(job, thorough, view))
            if (job.kind, job.id) in there
            else Found(job, "missing", None)
            for job in piece
        ]

    if len(pieces) <= 1:
        for piece in pieces:
            yield from look(piece)
        return
    with ThreadPoolExecutor(view.readers, thread_name_prefix="survey") as pool:
        waiting = []
        for piece in pieces:  # a few pieces ahead, so that records do not pile up
            waiting.append(pool.submit(look, piece))
            if len(waiting) > 2 * view.readers:
                yield from waiting.pop(0).result()
        for rest in waiting:
            yield from rest.result()


def _folders(view: Reading, jobs: Iterable[Job]) -> set[tuple[Kind, str]]:
    """(kind, id) of the jobs' folders that there are."""
    found: set[tuple[Kind, str]] = set()
    shelves: set[tuple[Kind, str]] = {(job.kind, job.id[:2]) for job in jobs}
    for kind, first in shelves:
        folder = f"{shelf(kind)}/{first}"
        try:
            found.update((kind, name) for name in view.list(folder))
        except OSError as problem:
            raise unreadable(view, folder, problem) from None
    return found
