"""Runs that finish in a fraction of a second, ways to look at what they left, and one to keep anybody from looking."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from orchestrator.store.jobs import Job, source_job
from orchestrator.store.ledger import Ledger
from orchestrator.train.options import TrialOptions
from sweeps.identity import run_id
from sweeps.records import TIME_COLUMNS
from sweeps.spec import RunSpec
from sweeps.sweep import overlay

MODELS: dict[str, dict[str, Any]] = {
    "resnet": {"family": "resnet", "depth": 8, "width": 4},
    "preact_resnet": {"family": "preact_resnet", "depth": 8, "width": 4},
    "densenet": {"family": "densenet", "depth": 10, "width": 4},
    "vit": {"family": "vit", "depth": 2, "width": 16},
    "vgg": {"family": "vgg", "depth": 11, "width": 4},
    "timm": {"family": "timm", "depth": 1, "width": 1, "name": "test_efficientnet"},
}
WHOLE_BATCHES = {"size": 64}
"""A target set without a small last batch, of which some processors compute other bits."""


def small(**changes: Any) -> RunSpec:
    """Letters to digits, a handful of images, three epochs."""
    base = {
        "source": {"task": "glyphs[A-D]", "size": 40, "epochs": 1, "batch_size": 16},
        "target": {"task": "digits", "size": 60, "label_noise": 0.3},
        "model": MODELS["resnet"],
        "train": {"epochs": 3, "batch_size": 16},
    }
    return RunSpec.model_validate(overlay(base, changes))


def small_sweep(epochs: int, name: str = "small") -> str:
    """A sweep of `small()` with so many epochs, as text."""
    return f"""
name: {name}
edition: 1
base:
  source: {{task: "glyphs[A-D]", size: 40, epochs: 1, batch_size: 16}}
  target: {{task: digits, size: 60, label_noise: 0.3}}
  model: {{family: resnet, depth: 8, width: 4}}
  train: {{epochs: {epochs}, batch_size: 16}}
"""


def seeds_sweep(seeds: int) -> str:
    """A sweep of so many seeds of one network from scratch, as text."""
    return f"""
name: seeds
base:
  source: null
  target: {{task: digits, size: 60}}
  model: {{family: resnet, depth: 8, width: 4}}
  train: {{epochs: 2}}
axes: {{seed: 0..{seeds - 1}}}
"""


def run_of(spec: RunSpec) -> Job:
    return Job("run", run_id(spec), spec)


def source_of(spec: RunSpec) -> Job:
    job = source_job(spec)
    assert job is not None
    return job


def opened(folder: Path) -> tuple[Ledger, TrialOptions]:
    ledger = Ledger(folder / "store")
    ledger.open()
    return ledger, TrialOptions(ledger.root)


def path_of(ledger: Ledger, key: str) -> Path:
    """The file of a key."""
    return ledger.root / key


def folder_of(ledger: Ledger, job: Job) -> Path:
    """The folder of a run or source model."""
    return path_of(ledger, ledger.place(job).folder)


def curve(ledger: Ledger, job: Job) -> dict[str, list[Any]]:
    """The committed epochs without the columns that time fills; NaN as None, so that equal curves compare equal."""
    record = ledger.result(job)
    assert record is not None
    table = pq.read_table(path_of(ledger, ledger.place(job).epochs(record.epochs_sha256)))
    columns = table.drop_columns([name for name in TIME_COLUMNS if name in table.column_names]).to_pydict()
    return {name: [None if value != value else value for value in values] for name, values in columns.items()}


@contextlib.contextmanager
def refused(path: Path) -> Iterator[None]:
    """While the block runs, the file system refuses whatever is asked of a path: it is a link to itself (ELOOP)."""
    aside = path.with_name(f".aside-{path.name}")
    path.rename(aside)
    path.symlink_to(path.name)
    yield
    path.unlink()
    aside.rename(path)
