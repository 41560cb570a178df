"""`frostline tables` on 1,000 runs of 500 epochs: all four tables, every verdict, LaTeX. Prints its figures.

    python -m benchmarks.tables --epochs 500 --repeats 3

The store is made first and not timed: 200 cells of five seeds, every result committed through the ledger with real
record types and layout, fsync left out; test errors are drawn from the families of the detector's synthetic curves.
The command runs in a process of its own, imports included, on a store in the page cache.
"""

from __future__ import annotations

import os
import platform
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple, cast
from unittest import mock

import numpy as np
import typer

from analysis.scoring.curve_families import FAMILIES
from analysis.scoring.synthetic import labelled
from benchmarks.plan_scale import ROOT, record
from orchestrator.schedule.plan import make_plan
from orchestrator.store.epoch_file import to_parquet
from orchestrator.store.jobs import Job
from orchestrator.store.lease import Lease
from orchestrator.store.ledger import Ledger
from sweeps.identity import cell_id
from sweeps.records import EpochRecord
from sweeps.sweep import parse

SEEDS = 5
SWEEP = """
name: many-tables
edition: 1
base:
  source: {{task: "glyphs[A-Z]", size: 1000, epochs: 10}}
  target: {{task: digits, size: 1000, label_noise: 0.3}}
  model: {{family: resnet, depth: 8, width: 8}}
  train: {{optimizer: sgd, learning_rate: 0.02, momentum: 0.9, epochs: {epochs}}}
axes:
  target.size: {sizes}
  target.label_noise: [0.0, 0.1, 0.2, 0.3, 0.4]
  transfer.frozen: all
  seed: 0..{last_seed}
"""


class Timed(NamedTuple):
    seconds: float
    cpu_seconds: float


class _Unfenced:
    """Stands where a lease does: nobody else writes to this store."""

    def __init__(self, place: object) -> None:
        self.place = place

    def check(self) -> None:
        pass


def sweep_text(epochs: int, sizes: tuple[int, ...] = (400, 600, 800, 1000, 1200)) -> str:
    return SWEEP.format(epochs=epochs, sizes=list(sizes), last_seed=SEEDS - 1)


def fill(store: Path, text: str) -> int:
    """Commit a result with a curve for every run of the sweep, and its source models; how many runs there are."""
    ledger = Ledger(store)
    ledger.open()
    made = make_plan(parse(text), ledger)
    ledger.save_sweep(made.record())
    drawn: dict[str, np.ndarray] = {}
    with mock.patch.object(os, "fsync"):
        for job in (*made.sources.values(), *made.runs.values()):
            if job.kind == "source":
                epochs, weights = to_parquet(_rows(np.linspace(0.5, 0.1, job.epochs))), b"weights"
            else:
                epochs, weights = to_parquet(_rows(_curve(job, drawn))), None
            lease = cast(Lease, _Unfenced(ledger.place(job)))
            ledger.commit(lease, record(job, epochs, weights), epochs, weights)
    return len(made.runs)


def _curve(job: Job, drawn: dict[str, np.ndarray]) -> np.ndarray:
    """(epochs,) test errors: the seeds of a cell are replicates of one curve."""
    cell = cell_id(job.spec)
    number = 0
    while cell not in drawn:  # families that are logged at some epochs only, or end early, are passed over
        family = list(FAMILIES)[(len(drawn) + number) % len(FAMILIES)]
        found = labelled(family, SEEDS, np.random.default_rng([len(drawn), number]), job.epochs).errors
        if found.shape == (SEEDS, job.epochs) and np.isfinite(found).all():
            drawn[cell] = np.clip(found, 0.0, 1.0)
        number += 1
    return drawn[cell][job.spec.seed]


def _rows(test: np.ndarray) -> list[EpochRecord]:
    train = 0.6 * np.exp(-np.arange(len(test)) / 40)
    return [
        EpochRecord(at + 1, 16 * (at + 1), float(error), 2 * float(error), t, 2 * t, t, t, t, 0.02, 0.01)
        for at, (error, t) in enumerate(zip(test, train.tolist(), strict=True))
    ]


def timed(command: str, sweep: Path, store: Path, out: Path) -> Timed:
    """The whole command (`tables`, `report`), imports included: wall and CPU seconds."""
    line = [sys.executable, "-m", "frostline", command, str(sweep), "--store", str(store), "--out", str(out)]
    before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    done = subprocess.run(line, cwd=ROOT, capture_output=True, text=True, check=False)
    seconds, after = time.perf_counter() - began, resource.getrusage(resource.RUSAGE_CHILDREN)
    assert done.returncode == 0, done.stderr
    return Timed(seconds, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)


def line(epochs: int = 500, repeats: int = 3) -> str:
    """Build, measure, and say in one line."""
    with tempfile.TemporaryDirectory(prefix="frostline-tables-") as folder:
        sweep, store, out = (Path(folder) / name for name in ("sweep.yaml", "store", "out"))
        sweep.write_text(sweep_text(epochs), encoding="utf-8")
        runs = fill(store, sweep_text(epochs))
        times = [timed("tables", sweep, store, out) for _ in range(repeats)]
        size = sum(path.stat().st_size for path in out.iterdir())
    wall, cpu = (statistics.median(each[part] for each in times) for part in (0, 1))
    return (
        f"tables: {runs:,} runs of {epochs} epochs: {wall:.1f} s, {cpu:.1f} s of CPU (medians of {repeats}, slowest "
        f"{max(times).seconds:.1f} s), {size / 1e6:.0f} MB written"
    )


def main(epochs: int = 500, repeats: int = 3) -> None:
    print(line(epochs, repeats))
    print(f"{os.cpu_count()} cores, Python {platform.python_version()}, load {os.getloadavg()[0]:.1f}")


if __name__ == "__main__":
    typer.run(main)
