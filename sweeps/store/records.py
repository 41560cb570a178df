"""The one reader of what the store holds: results, curves, sweeps, failures, each with its digest checked.

All errors are StoreError; Damaged where the content is not what was committed.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from typing import Any, TypeVar

from pydantic import ValidationError

from sweeps import layout
from sweeps.errors import from_pydantic
from sweeps.identity import SCHEMA, digest, run_id
from sweeps.layout import FORMAT, FORMAT_KEY, KINDS, Kind, Place
from sweeps.records import FailureRecord, RankingRecord, RecordedRuns, RunRecord, SweepRecord, TheoryRecord
from sweeps.self_digest import Altered, sha256_of, unsealed, unsealed_if_sealed
from sweeps.spec import RunSpec
from sweeps.store.interface import Damaged, Reading, StoreError
from sweeps.sweep import RUN_KEYS, allowed_keys

Record = TypeVar("Record", RunRecord, SweepRecord, RecordedRuns, RankingRecord, TheoryRecord)


def has_digests(store: Reading) -> bool:
    """Whether the store's JSON files carry their own digest: from format 2 on. Raises StoreError for a later format.

    A store without a format is taken for one of format 1.
    """
    try:
        found = (store.read(FORMAT_KEY) or b"1").decode(errors="replace").strip()
    except OSError as problem:
        raise unreadable(store, FORMAT_KEY, problem) from None
    if found not in ("1", str(FORMAT)):
        raise StoreError(f"{store.where(FORMAT_KEY)}: format {found[:20]!r}; this version reads 1 to {FORMAT}")
    return found != "1"


def result(store: Reading, place: Place, sealed: bool = True) -> RunRecord | None:
    """The committed result; None if there is none. `sealed`: it carries its own digest (from format 2 on).

    Raises Damaged, or StoreError if it cannot be read.
    """
    raw = _raw(store, place.result)
    return None if raw is None else _record(store, place.result, raw, RunRecord, sealed)


def matching_result(store: Reading, place: Place, spec: dict[str, Any], sealed: bool = True) -> RunRecord | None:
    """The same, of the run or source model with this canonical spec. Raises StoreError where it is another's."""
    record = result(store, place, sealed)
    if record is not None and (record.id != place.id or record.spec != spec):
        raise StoreError(
            f"{store.where(place.result)}: its spec is not that of {place.kind} {place.id}; move it away and run again"
        )
    return record


def problem_of(store: Reading, record: RunRecord, place: Place) -> str | None:
    """What is wrong with the files that a result speaks of; None if nothing is. Reads and hashes all of them.

    Raises StoreError where one cannot be read: it may be whole.
    """
    result = store.where(place.result)
    if record.id != place.id or digest(place.kind, record.spec) != place.id:
        return f"{result}: its spec is not the one its id stands for"
    expected = [(place.epochs(record.epochs_sha256), record.epochs_sha256)]
    if record.kind == "source":
        if record.weights_sha256 is None:
            return f"{result}: a source model without weights"
        expected.append((place.weights(record.weights_sha256), record.weights_sha256))
    for key, sha256 in expected:
        try:
            content(store, key, sha256)
        except Damaged as problem:
            return str(problem)
    return None


def content(store: Reading, key: str, sha256: str, cached: bool = False) -> bytes:
    """Bytes that a result speaks of. Raises Damaged if they are not there or not those, StoreError if unreadable.

    `cached`: a copy of this machine serves as well (`Reading.read_cached`).
    """
    try:
        found = store.read_cached(key) if cached else store.read(key)
    except OSError as problem:
        raise unreadable(store, key, problem) from None
    if found is None:
        raise Damaged(f"{store.where(key)}: No such file or directory")
    if sha256_of(found) != sha256:
        raise Damaged(f"{store.where(key)}: damaged, its SHA-256 is not that of its result.json")
    return found


def sweep(store: Reading, key: str, sealed: bool = True) -> SweepRecord | None:
    """The record of a sweep; None if there is none. Raises Damaged, or StoreError if it cannot be read."""
    raw = _raw(store, key)
    return None if raw is None else _record(store, key, raw, SweepRecord, sealed)


def runs_of_sweep(store: Reading, key: str) -> frozenset[str] | None:
    """The ids of the runs that the record of a sweep has; None if there is none. Raises as `sweep` does."""
    raw = _raw(store, key)
    return None if raw is None else frozenset(_record(store, key, raw, RecordedRuns, True).runs)


def ranking(store: Reading, key: str) -> RankingRecord | None:
    """The ranking of a sweep's sources; None if there is none. Raises Damaged, or StoreError if it cannot be read."""
    raw = _raw(store, key)
    return None if raw is None else _record(store, key, raw, RankingRecord, True)


def theory(store: Reading, key: str) -> TheoryRecord | None:
    """What theory predicts of a sweep; None if nothing was predicted. Raises as `ranking` does."""
    raw = _raw(store, key)
    return None if raw is None else _record(store, key, raw, TheoryRecord, True)


def specs(store: Reading, key: str, record: SweepRecord) -> dict[str, RunSpec]:
    """The specs of a sweep's runs by their ids. `key` is the record's. Raises Damaged where one is not its id's."""
    found = {}
    for id, value in record.runs.items():
        try:
            spec = RunSpec.model_validate({"source": None, **value})  # canonical specs leave None out
        except ValidationError as error:
            raise Damaged(f"{store.where(key)}: run {id}: {from_pydantic(error, RUN_KEYS)}") from None
        if run_id(spec) != id:
            raise Damaged(f"{store.where(key)}: run {id} has the specification of run {run_id(spec)}")
        found[id] = spec
    return found


def sweep_keys(store: Reading, name: str | None = None) -> list[str]:
    """Keys of the records of all sweeps, or of all versions of one."""
    names = sorted(_listed(store, layout.SWEEPS)) if name is None else [name]
    keys = []
    for each in names:
        folder = f"{layout.SWEEPS}/{each}"
        keys += [f"{folder}/{found}" for found in sorted(_listed(store, folder)) if found.endswith(".json")]
    return keys


Shelf = tuple[Kind, str]
"""A folder of places, `runs/ab` or as found, and their kind."""


def shelves(store: Reading, kind: Kind | None = None) -> list[Shelf]:
    """In order, those of source models first."""
    kinds: tuple[Kind, ...] = KINDS if kind is None else (kind,)
    return [shelf for each in kinds for shelf in _shelves_of(store, each)]


def _shelves_of(store: Reading, kind: Kind) -> list[Shelf]:
    folder = layout.shelf(kind)
    return [(kind, f"{folder}/{first}") for first in sorted(_listed(store, folder))]


def places(store: Reading, kind: Kind | None = None) -> Iterator[Place]:
    """Where something is kept, by kind, then by id. A place's folder is as found, even where it is the wrong one."""
    yield from places_on(store, shelves(store, kind))


def places_on(store: Reading, shelves: Iterable[Shelf]) -> Iterator[Place]:
    """The same, of some shelves. As many are listed ahead as the store has readers: who ends early asks for no more."""
    left = iter(shelves)
    with ThreadPoolExecutor(store.readers, thread_name_prefix="places") as pool:
        while ahead := list(islice(left, store.readers)):
            listed = pool.map(lambda shelf: _listed(store, shelf[1]), ahead)
            for (kind, folder), ids in zip(ahead, listed, strict=True):
                yield from (Place(kind, id, f"{folder}/{id}") for id in sorted(ids))


def last_failure(store: Reading, place: Place) -> tuple[FailureRecord | None, int, str] | None:
    """The latest failure (None where its file is damaged), how many there were, and its key; None if there is none.

    Raises StoreError if it cannot be read.
    """
    keys = place.failures(_listed(store, place.folder))
    if not keys:
        return None
    try:
        failure = FailureRecord.model_validate_json(_raw(store, keys[-1]) or b"")
    except ValidationError:
        failure = None
    return failure, len(keys), keys[-1]


def unreadable(store: Reading, key: str, problem: OSError) -> StoreError:
    """A failure of the storage as one line that names the key."""
    return StoreError(f"{store.where(key)}: {problem.strerror or problem}")


def _listed(store: Reading, folder: str) -> list[str]:
    try:
        return store.list(folder)
    except NotADirectoryError:  # a stray file, as a person may leave one
        return []
    except OSError as problem:
        raise unreadable(store, folder, problem) from None


def _raw(store: Reading, key: str) -> bytes | None:
    try:
        return store.read(key)
    except OSError as problem:
        raise unreadable(store, key, problem) from None


def _record(store: Reading, key: str, raw: bytes, model: type[Record], sealed: bool) -> Record:
    try:
        record = model.model_validate_json(unsealed(raw) if sealed else unsealed_if_sealed(raw))
    except ValidationError as error:
        raise Damaged(f"{store.where(key)}: damaged ({from_pydantic(error, allowed_keys(model))})") from None
    except Altered as problem:
        raise Damaged(f"{store.where(key)}: damaged ({problem})") from None
    if record.schema_version != SCHEMA:
        raise StoreError(f"{store.where(key)}: schema_version = {record.schema_version}; this version reads {SCHEMA}")
    return record
