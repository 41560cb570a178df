"""A sweep as the store holds it: its record, the state of each of its runs, their results, their epochs.

Reading only: nothing here writes to the store. All errors are StoreError with one line.
"""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from analysis.tables.schema import spec_types
from sweeps import layout
from sweeps.editions import EDITIONS
from sweeps.errors import printable
from sweeps.expand import flat
from sweeps.identity import canonical, source_id, source_name
from sweeps.layout import Place
from sweeps.records import EPOCH_TYPES, RunRecord, Status, SweepRecord
from sweeps.spec import RunSpec
from sweeps.store import records
from sweeps.store.interface import Damaged, Reading, StoreError
from sweeps.store.location import Location, S3Location, reading_at
from sweeps.store.status import after_source, obstacle, without_result
from sweeps.sweep import SweepSpec

__all__ = ["StoreError", "StoredRun", "StoredSweep", "epoch_batches", "read_epochs", "read_sweep"]

BATCH = 256  # runs in memory at a time while epochs stream by

ADVICE = "`frostline verify` of the store lists what is damaged"


@dataclass(frozen=True)
class StoredRun:
    """One run that the sweep asks for; `result` is None until it is done or diverged."""

    id: str
    spec: RunSpec
    fields: dict[str, Any]
    """The specification flattened with dots, as the table `runs` has it."""
    status: Status
    result: RunRecord | None
    place: Place
    reason: str | None = None
    """Of a run without a result: its last error, or which source model blocks it and why."""


@dataclass(frozen=True)
class StoredSweep:
    """A sweep and its runs, in the one order that all tables follow: by specification, seed last."""

    asked: SweepSpec
    record: SweepRecord
    store: Reading
    runs: tuple[StoredRun, ...]


def read_sweep(sweep: SweepSpec, store: str | Location | Reading) -> StoredSweep:
    """The sweep's record and the state of its runs. `store` is where it is, or a store that is open already.

    Raises StoreError where the store or the sweep's record is missing, or a file in it contradicts its name.
    """
    if isinstance(store, str | Path | S3Location):
        store = reading_at(store)
    try:
        return _read(sweep, store)
    except Damaged as problem:
        raise Damaged(f"{problem}; {ADVICE}") from None


def _read(sweep: SweepSpec, store: Reading) -> StoredSweep:
    sealed = records.has_digests(store)
    key = layout.sweep(sweep.name, sweep.digest)
    record = records.sweep(store, key, sealed)
    if record is None:
        others = records.sweep_keys(store, sweep.name)
        known = f" (it holds {len(others)} other version{'s' * (len(others) != 1)} of {sweep.name})" if others else ""
        for edition in EDITIONS:
            if layout.sweep(sweep.name, sweep.under(edition).digest) in others:
                known = f" (it holds one of edition {edition}: add `edition: {edition}` to read it)"
        raise StoreError(
            f"sweep {sweep.name}: store {store.where()!r} has no plan of this version{known}; "
            "`frostline run` of it makes it"
        )
    names = tuple(spec_types())
    specs = [(id, spec, flat(spec)) for id, spec in records.specs(store, key, record).items()]
    specs.sort(key=lambda run: _order_key(run[2], names))
    try:
        view = store.snapshot({layout.parent(layout.place("run", id).folder) for id, *_ in specs})
    except OSError as problem:
        raise records.unreadable(store, "", problem) from None
    sources: dict[str, Status] = {}
    with ThreadPoolExecutor(view.readers if len(specs) > 1 else 1, thread_name_prefix="results") as pool:
        runs = pool.map(lambda run: _run(view, run[0], run[1], run[2], sources, sealed), specs)
        return StoredSweep(sweep, record, view, tuple(runs))


def _order_key(fields: dict[str, Any], names: tuple[str, ...]) -> tuple[Any, ...]:
    """Position of a run in every table: its fields in the order of the columns, missing ones first."""
    values = (fields.get(name) for name in names)
    return tuple((0, 0) if value is None else (1, value) for value in values)


def _run(
    store: Reading, id: str, spec: RunSpec, fields: dict[str, Any], sources: dict[str, Status], sealed: bool
) -> StoredRun:
    """A run by one look at the store; `sources` has the states of source models that were looked at before."""
    place = layout.place("run", id)
    result = records.matching_result(store, place, canonical(spec), sealed)
    if result is not None:
        return StoredRun(id, spec, fields, result.status, result, place)
    try:
        status = without_result(store, place)
        source = source_id(spec) if status in ("missing", "failed") else None
        if source is not None and source not in sources:
            sources[source] = _source_status(store, layout.place("source", source), sealed)
    except OSError as problem:
        raise records.unreadable(store, place.folder, problem) from None
    told = after_source(status, sources.get(source or ""))
    return StoredRun(id, spec, fields, told, None, place, _reason(store, spec, told, place, sources))


def _reason(store: Reading, spec: RunSpec, status: Status, place: Place, sources: dict[str, Status]) -> str | None:
    if status == "blocked":
        return obstacle(source_name(spec), sources.get(source_id(spec) or ""))
    if status != "failed":
        return None
    try:
        failure, *_ = records.last_failure(store, place) or (None,)
    except StoreError:
        failure = None
    return "its failure record cannot be read" if failure is None else printable(failure.error)


def _source_status(store: Reading, place: Place, sealed: bool) -> Status:
    """As a plan has it: a damaged source model counts as missing, being trained again."""
    try:
        result = records.result(store, place, sealed)
    except Damaged:
        return "missing"
    return without_result(store, place) if result is None else result.status


def read_epochs(store: Reading, run: StoredRun, columns: list[str] | None = None) -> pa.Table:
    """The epochs of a finished run, one row each: the given columns of EPOCH_TYPES, or all.

    Raises StoreError where the file is not the one that the result was committed with.
    """
    assert run.result is not None
    key, wanted = run.place.epochs(run.result.epochs_sha256), columns or list(EPOCH_TYPES)
    try:
        raw = records.content(store, key, run.result.epochs_sha256, cached=True)
        file = pq.ParquetFile(pa.BufferReader(raw))
        table = file.read(columns=wanted, use_threads=False)
    except Damaged as problem:
        raise Damaged(f"{problem}; {ADVICE}") from None
    except (pa.ArrowException, OSError) as problem:
        raise Damaged(f"{store.where(key)}: {' '.join(str(problem).split())}; {ADVICE}") from None
    checked = _checked(table.replace_schema_metadata(None), run.result, store.where(key), wanted)
    if "epoch" in wanted:
        _check_epochs(checked["epoch"].to_numpy(), run.spec.train.evaluate is None, store.where(key))
    return checked


def _checked(table: pa.Table, result: RunRecord, where: str, columns: list[str]) -> pa.Table:
    found = {field.name: "float64" if str(field.type) == "double" else str(field.type) for field in table.schema}
    if found != {name: EPOCH_TYPES[name] for name in columns}:
        raise Damaged(f"{where}: columns {found}; allowed: {EPOCH_TYPES}; {ADVICE}")
    if table.num_rows != result.epochs:
        raise Damaged(f"{where}: {table.num_rows} epochs; result.json says {result.epochs}")
    return table


def _check_epochs(epochs: NDArray[np.int64], every: bool, where: str) -> None:
    """`every`: sets were evaluated after every epoch, else after some."""
    if every and not np.array_equal(epochs, np.arange(1, len(epochs) + 1)):
        raise Damaged(f"{where}: epochs are not 1, 2, 3, ..., {len(epochs)}")
    if len(epochs) and (epochs[0] < 1 or (np.diff(epochs) < 1).any()):
        raise Damaged(f"{where}: epochs do not ascend")


def epoch_batches(
    sweep: StoredSweep, columns: list[str] | None = None, batch: int = BATCH
) -> Iterator[tuple[tuple[StoredRun, ...], list[pa.Table]]]:
    """Finished runs and their epoch tables, in order, `batch` at a time: memory does not grow with the sweep."""
    runs = tuple(run for run in sweep.runs if run.result is not None)
    with ThreadPoolExecutor(max_workers=max(sweep.store.readers // 2, 1)) as pool:
        for start in range(0, len(runs), batch):
            chosen = runs[start : start + batch]
            yield chosen, list(pool.map(lambda run: read_epochs(sweep.store, run, columns), chosen))
