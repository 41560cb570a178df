"""A sweep as the store holds it: its record, the state of each of its runs, their results, their epochs.

Reading only: nothing here writes to the store. All errors are StoreError with one line.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from pydantic import ValidationError

from analysis.tables.schema import spec_types
from sweeps.errors import InputError, from_pydantic
from sweeps.expand import flat
from sweeps.identity import SCHEMA, canonical, run_id, source_id
from sweeps.layout import Layout, Place
from sweeps.records import EPOCH_TYPES, RunRecord, Status, SweepRecord
from sweeps.self_digest import Altered, unsealed_if_sealed
from sweeps.spec import RunSpec
from sweeps.sweep import RUN_KEYS, SweepSpec, allowed_keys

Record = TypeVar("Record", RunRecord, SweepRecord)

BATCH = 256  # runs in memory at a time while epochs stream by


ADVICE = "`python -m orchestrator verify` lists what is damaged"


class StoreError(InputError):
    """A store that cannot be read as it stands. Its text is one line."""


@dataclass(frozen=True)
class StoredRun:
    """One run that the sweep asks for; `result` is None until it is done or diverged."""

    id: str
    spec: RunSpec
    status: Status
    result: RunRecord | None
    place: Place


@dataclass(frozen=True)
class StoredSweep:
    """A sweep and its runs, in the one order that all tables follow: by specification, seed last."""

    record: SweepRecord
    layout: Layout
    runs: tuple[StoredRun, ...]


def read_sweep(sweep: SweepSpec, store: Path) -> StoredSweep:
    """The sweep's record and the state of its runs.

    Raises StoreError where the store or the sweep's record is missing, or a file in it contradicts its name.
    """
    layout = Layout(store)
    if not store.is_dir():
        raise StoreError(f"store {str(store)!r}: no such folder; --store or FROSTLINE_STORE names another")
    path = layout.sweep(sweep.name, sweep.digest)
    if not path.is_file():
        others = len(list(path.parent.glob("*.json"))) if path.parent.is_dir() else 0
        known = f" (it holds {others} other version{'s' * (others != 1)} of {sweep.name})" if others else ""
        raise StoreError(
            f"sweep {sweep.name}: store {str(store)!r} has no plan of this version{known}; "
            f"`python -m orchestrator run` makes it"
        )
    record = _record(path, SweepRecord)
    specs = {id: _spec(path, id, value) for id, value in record.runs.items()}
    ordered = sorted(specs.items(), key=lambda item: order_key(item[1]))
    sources: dict[str, bool] = {}
    return StoredSweep(record, layout, tuple(_run(layout, id, spec, sources) for id, spec in ordered))


def order_key(spec: RunSpec) -> tuple[Any, ...]:
    """Position of a run in every table: its fields in the order of the columns, missing ones first."""
    fields = flat(spec)
    values = (fields.get(name) for name in spec_types())
    return tuple((0, 0) if value is None else (1, value) for value in values)


def _record(path: Path, model: type[Record]) -> Record:
    try:
        record = model.model_validate_json(unsealed_if_sealed(path.read_bytes()))
    except Altered as problem:
        raise StoreError(f"{path}: {problem}; {ADVICE}") from None
    except ValidationError as error:
        raise StoreError(f"{path}: {from_pydantic(error, allowed_keys(model))}") from None
    except OSError as problem:
        raise StoreError(f"{path}: {problem.strerror or problem}") from None
    if record.schema_version != SCHEMA:
        raise StoreError(f"{path}: schema_version = {record.schema_version}; this version reads {SCHEMA}")
    return record


def _spec(path: Path, id: str, value: dict[str, Any]) -> RunSpec:
    try:
        spec = RunSpec.model_validate({"source": None, **value})  # canonical specs leave None out
    except ValidationError as error:
        raise StoreError(f"{path}: run {id}: {from_pydantic(error, RUN_KEYS)}") from None
    if run_id(spec) != id:
        raise StoreError(f"{path}: run {id} has the specification of run {run_id(spec)}")
    return spec


def _run(layout: Layout, id: str, spec: RunSpec, sources: dict[str, bool]) -> StoredRun:
    place = layout.place("run", id)
    if place.result.is_file():
        result = _record(place.result, RunRecord)
        if result.id != id or result.spec != canonical(spec):
            raise StoreError(f"{place.result}: its specification is not that of run {id}; {ADVICE}")
        return StoredRun(id, spec, result.status, result, place)
    status: Status = _without_result(place)
    if status == "missing" and (source := source_id(spec)) is not None:
        if source not in sources:
            sources[source] = _failed_source(layout.place("source", source))
        status = "blocked" if sources[source] else "missing"
    return StoredRun(id, spec, status, None, place)


def _without_result(place: Place) -> Status:
    try:
        names = os.listdir(place.folder)
    except FileNotFoundError:
        return "missing"
    except OSError as problem:
        raise StoreError(f"{place.folder}: {problem.strerror or problem}") from None
    if any(name.startswith("lease-") for name in names):
        return "running"
    return "failed" if any(name.startswith("failure-") for name in names) else "missing"


def _failed_source(place: Place) -> bool:
    return not place.result.is_file() and _without_result(place) == "failed"


def read_epochs(run: StoredRun, columns: list[str] | None = None) -> pa.Table:
    """The epochs of a finished run, one row each: the given columns of EPOCH_TYPES, or all.

    Raises StoreError where the file is not the one that the result was committed with.
    """
    assert run.result is not None
    path = run.place.epochs(run.result.epochs_sha256)
    try:
        raw = path.read_bytes()
    except OSError as problem:
        raise StoreError(f"{path}: {problem.strerror or problem}; {ADVICE}") from None
    if hashlib.sha256(raw).hexdigest() != run.result.epochs_sha256:
        raise StoreError(f"{path}: SHA-256 differs from epochs_sha256 in result.json; {ADVICE}")
    try:
        file = pq.ParquetFile(pa.BufferReader(raw))
        table = file.read(columns=columns or list(EPOCH_TYPES), use_threads=False)
    except (pa.ArrowException, OSError) as problem:
        raise StoreError(f"{path}: {' '.join(str(problem).split())}; {ADVICE}") from None
    return _checked(table.replace_schema_metadata(None), run, columns or list(EPOCH_TYPES))


def _checked(table: pa.Table, run: StoredRun, columns: list[str]) -> pa.Table:
    assert run.result is not None
    path = run.place.epochs(run.result.epochs_sha256)
    found = {field.name: "float64" if str(field.type) == "double" else str(field.type) for field in table.schema}
    if found != {name: EPOCH_TYPES[name] for name in columns}:
        raise StoreError(f"{path}: columns {found}; allowed: {EPOCH_TYPES}; {ADVICE}")
    if table.num_rows != run.result.epochs:
        raise StoreError(f"{path}: {table.num_rows} epochs; result.json says {run.result.epochs}")
    if "epoch" in columns and not np.array_equal(table["epoch"].to_numpy(), np.arange(1, table.num_rows + 1)):
        raise StoreError(f"{path}: epochs are not 1, 2, 3, ..., {table.num_rows}")
    return table


def epoch_batches(
    runs: tuple[StoredRun, ...], columns: list[str] | None = None, batch: int = BATCH
) -> Iterator[tuple[tuple[StoredRun, ...], list[pa.Table]]]:
    """Finished runs and their epoch tables, in order, `batch` at a time: memory does not grow with the
    sweep.
    """
    with ThreadPoolExecutor(max_workers=min(4, os.cpu_count() or 1)) as pool:
        for start in range(0, len(runs), batch):
            chosen = runs[start : start + batch]
            yield chosen, list(pool.map(lambda run: read_epochs(run, columns), chosen))


def provenance_text(value: dict[str, Any]) -> str:
    """Provenance as one line of JSON with sorted keys."""
    return json.dumps(value, sort_keys=True, ensure_ascii=True)
