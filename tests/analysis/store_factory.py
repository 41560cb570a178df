"""Small stores in the true format, their curves made up: what a finished, half-finished or damaged sweep looks like."""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from sweeps import layout
from sweeps.expand import expand
from sweeps.identity import SCHEMA, canonical, run_id, run_name, source_id
from sweeps.records import EPOCH_TYPES, FailureRecord, RunRecord, SweepRecord
from sweeps.spec import RunSpec
from sweeps.sweep import SweepSpec, parse
from tasks.steps import budget
from tests.sweeps.example_specs import Words

LADDER = 14
Curve = Callable[[RunSpec, np.ndarray], tuple[np.ndarray, np.ndarray]]
"""(spec, epochs) -> test errors, train errors."""

SWEEP = """
name: made-up
about: Test <only> & nothing else.
base:
  source: {task: "glyphs[A-Z]", size: 3000}
  target: {task: digits, size: 1000, label_noise: 0.3}
  model: {family: resnet, depth: 14, width: 4}
  train: {epochs: %d}
axes:
  transfer.frozen: %s
  seed: 0..%d
"""


def sweep_text(epochs: int = 40, frozen: str = "all", last_seed: int = 2) -> str:
    return SWEEP % (epochs, frozen, last_seed)


def double_descent(spec: RunSpec, epochs: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Freezing-wise: a peak at frozen = 10, a dip at 12. Epoch-wise: a bump at epoch 10 while frozen < 11."""
    rng = np.random.default_rng([spec.seed, spec.transfer.frozen, spec.model.width])
    frozen = spec.transfer.frozen
    level = 0.28 + 0.06 * np.exp(-(((frozen - 10) / 1.5) ** 2)) - 0.06 * (frozen == 12) + 0.03 * (frozen == 13)
    bump = 0.08 * np.exp(-((np.log(epochs / 10) / 0.4) ** 2)) if frozen < 11 else 0.0
    test = level + 0.4 * np.exp(-epochs / 2) + bump + 0.002 * rng.standard_normal(len(epochs))
    train = (0.0 if frozen < 11 else 0.1 * (frozen - 10)) + 0.6 * np.exp(-epochs / (4 + frozen / 3))
    return test + 0.004 * rng.standard_normal(), np.clip(train, 0.0, 1.0)


def planned(text: str, store: Path) -> tuple[SweepSpec, dict[str, RunSpec]]:
    """Writes the sweep's record, as planning it does; no run has a result yet."""
    sweep = parse(text)
    runs = expand(sweep, Words(lambda _: LADDER))
    record = SweepRecord(
        schema_version=SCHEMA,
        name=sweep.name,
        about=sweep.about,
        digest=sweep.digest,
        runs={id: spec.model_dump(mode="json") for id, spec in runs.items()},
        citations={"digits": "Digits. doi:10.24432/C50P49", "glyphs": "Glyphs."},
        edition=sweep.edition,
    )
    path = store / layout.sweep(sweep.name, sweep.digest)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(record.model_dump_json())
    return sweep, runs


def finished(
    store: Path, spec: RunSpec, curve: Curve = double_descent, clock: float = 1.0, **changes: Any
) -> RunRecord:
    """Commits one run. `clock` scales what depends on the machine; `changes` are fields of the record."""
    place = layout.place("run", run_id(spec))
    (store / place.folder).mkdir(parents=True, exist_ok=True)
    buffer = io.BytesIO()
    pq.write_table(epoch_table(spec, curve, clock), buffer)
    sha256 = hashlib.sha256(buffer.getvalue()).hexdigest()
    (store / place.epochs(sha256)).write_bytes(buffer.getvalue())
    fields = {
        "schema_version": SCHEMA,
        "kind": "run",
        "id": run_id(spec),
        "name": run_name(spec),
        "spec": canonical(spec),
        "status": "done",
        "epochs": length_of(spec),
        "ladder": tuple(f"unit{unit}" for unit in range(LADDER)),
        "trainable_params": 1000 * (LADDER - spec.transfer.frozen),
        "total_params": 1000 * LADDER,
        "epochs_sha256": sha256,
        "data_sha256": "d" * 64,
        "wall_seconds": 2.0 * clock,
        "compute_seconds": 1.5 * clock,
        "attempts": 1,
        "device": "cpu",
        "provenance": {
            "git_sha": "0" * 40,
            "git_dirty": False,
            "python": "3.11.2",
            "versions": {"torch": "2.15", "ray": None},
            "platform": "Linux",
            "host": f"host-{clock:g}",
            "threads": 1,
        },
    } | changes
    record = RunRecord.model_validate(fields)
    (store / place.result).write_text(record.model_dump_json())
    return record


def length_of(spec: RunSpec) -> int:
    """Epochs that a run trains, whether its budget is told in epochs or in steps."""
    return budget(spec.train, spec.target.size).epochs


def epoch_table(spec: RunSpec, curve: Curve, clock: float = 1.0) -> pa.Table:
    epochs = np.arange(1, length_of(spec) + 1)
    test, train = curve(spec, epochs.astype(np.float64))
    nothing = np.full(len(epochs), np.nan)
    columns = {
        "epoch": epochs,
        "step": 16 * epochs,
        "test_error": test,
        "test_loss": 2 * test,
        "train_error": train,
        "train_loss": 2 * train,
        "train_error_clean": train,
        "train_error_flipped_given": train,
        "train_error_flipped_true": nothing,
        "learning_rate": np.full(len(epochs), 1e-3),
        "seconds": np.full(len(epochs), 0.01 * clock),
    }
    types = {name: pa.type_for_alias(kind) for name, kind in EPOCH_TYPES.items()}
    return pa.table({name: pa.array(columns[name], types[name]) for name in EPOCH_TYPES})


def failed(store: Path, spec: RunSpec, kind: str = "run") -> None:
    """One failed attempt of a run, or of its source model."""
    id = run_id(spec) if kind == "run" else source_id(spec)
    assert id is not None
    place = layout.place("source" if kind == "source" else "run", id)
    (store / place.folder).mkdir(parents=True, exist_ok=True)
    record = FailureRecord(
        kind="source" if kind == "source" else "run", id=id, name=run_name(spec), error="RuntimeError: <b>no</b>",
        traceback="Traceback", host="here", at="2026-01-01T00:00:00Z",
    )  # fmt: skip
    (store / place.failure(1)).write_text(record.model_dump_json())


def running(store: Path, spec: RunSpec) -> None:
    """A lease on a run, as its worker holds it on another machine."""
    place = layout.place("run", run_id(spec))
    (store / place.folder).mkdir(parents=True, exist_ok=True)
    holder = {"holder": "ab" * 16, "token": 1, "beat": 3, "progress": 2, "epochs": 8, "host": "elsewhere"}
    (store / place.lease(1)).write_text(json.dumps(holder))


def whole(store: Path, text: str | None = None, curve: Curve = double_descent, clock: float = 1.0) -> SweepSpec:
    """A sweep of which every run is done."""
    sweep, runs = planned(text or sweep_text(), store)
    for spec in runs.values():
        finished(store, spec, curve, clock)
    return sweep
