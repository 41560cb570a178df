"""`frostline store copy FROM TO`: the results of a store in another, of whichever kind; the same command goes on.

What is copied: results with their curves and weights, each re-hashed; what unfinished runs have saved, their failures
and resets; records of sweeps with their launches, rankings, theory, places of weights and images, W&B's marks. Not
copied: leases, stored activations (a cache), quarantine, W&B's offline runs.
"""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Annotated, Literal, NamedTuple

import typer

from orchestrator.store.interface import Store
from orchestrator.store.lease import living
from orchestrator.store.ledger import Ledger, StoreError
from orchestrator.store_commands import ledger_at
from sweeps import layout
from sweeps.layout import Place
from sweeps.records import RunRecord
from sweeps.store import records
from sweeps.store.interface import Damaged

FOLDERS = (layout.SWEEPS, layout.RANKINGS, layout.THEORY, layout.CONTENTS, layout.WEIGHTS, layout.PUBLISHED)
UNFINISHED = ("checkpoint-", "failure-", "reset-")


class Copied(NamedTuple):
    """What one place, or one key, came to: results and bytes written; a problem in one line, empty if there is none."""

    results: int = 0
    bytes: int = 0
    problem: str = ""


def store(
    action: Annotated[Literal["copy"], typer.Argument(help="copy: results of one store into another")],
    origin: Annotated[str, typer.Argument(metavar="FROM", help="folder of results, or s3://BUCKET/PREFIX")],
    to: Annotated[str, typer.Argument(metavar="TO", help="the same; made if it is not there")],
) -> None:
    """Copy what a store holds into another, a folder or a bucket. What is there already stays."""
    source, target = ledger_at(origin), ledger_at(to)
    if source.location == target.location:
        raise StoreError(f"TO {to}: is the store that is copied; allowed: another")
    source.check()
    target.check()
    if not source.store.exists(layout.FORMAT_KEY):
        raise StoreError(f"FROM {origin}: no store; allowed: s3://BUCKET/PREFIX or a folder with results")
    done = copy(source, target)
    for problem in [each.problem for each in done if each.problem]:
        print(problem)
    results, size = sum(each.results for each in done), sum(each.bytes for each in done)
    problems = sum(bool(each.problem) for each in done)
    print(f"{results} results copied, {size:,} bytes; {problems} left as they were")
    if problems:
        raise typer.Exit(1)


def copy(source: Ledger, target: Ledger) -> list[Copied]:
    """Of each place and key what came of it. Raises StoreError for a store in use, and where one refuses."""
    try:
        places = list(records.places(source.store))
        if held := living(source.store, places, source.settings):
            raise StoreError(
                f"{source.location}: in use ({held[0].kind} {held[0].id} is running); stop its sweep first"
            )
        target.open()
        with ThreadPoolExecutor(max(source.store.readers, target.store.readers), thread_name_prefix="copy") as pool:
            # Sweeps last: what a recorded sweep speaks of is there.
            done = [*pool.map(lambda place: _place(source.store, target.store, place), places)]
            keys = [entry.key for folder in FOLDERS for entry in source.store.entries(folder) if not entry.unfinished]
            done += pool.map(lambda key: _keys(source.store, target.store, [key]), keys)
        target.store.gather()
    except OSError as problem:
        raise StoreError(
            f"{problem.filename or target.location}: {problem.strerror}; the same command goes on"
        ) from None
    return done


def _place(source: Store, target: Store, place: Place) -> Copied:
    try:
        record = records.result(source, place)
        if record is None:
            if target.exists(place.result):  # computed there: nothing of it goes on, and `gc` would remove it
                return Copied()
            names = source.list(place.folder)
            return _keys(source, target, place.named(names, *UNFINISHED))
        there = target.read(place.result)
        if there is not None:
            same = there == source.read(place.result)
            return Copied(problem="" if same else f"{target.where(place.result)}: another result is there")
        return _result(source, target, place, record)
    except Damaged as problem:
        return Copied(problem=str(problem))


def _result(source: Store, target: Store, place: Place, record: RunRecord) -> Copied:
    """The result last, so that whatever is read of it is there."""
    size = 0
    for key, sha256 in _files(place, record):
        content = records.content(source, key, sha256)
        target.replace(key, content)
        size += len(content)
    names = source.list(place.folder)
    size += _keys(source, target, place.named(names, "failure-", "reset-")).bytes
    result = source.read(place.result) or b""
    made = target.create(place.result, result)
    return Copied(int(made), size + len(result))


def _files(place: Place, record: RunRecord) -> Iterator[tuple[str, str]]:
    yield place.epochs(record.epochs_sha256), record.epochs_sha256
    if record.weights_sha256 is not None:
        yield place.weights(record.weights_sha256), record.weights_sha256


def _keys(source: Store, target: Store, keys: list[str]) -> Copied:
    size = 0
    for key in keys:
        content = source.read(key)
        if content is not None and target.create(key, content):
            size += len(content)
    return Copied(bytes=size)
