"""Planning against a full store: `plan` and `status` of 10,000 and 100,000 runs, as a user calls them.

    python -m benchmarks.plan_scale --runs 100000

The store is made first and not timed: every run and source model of the sweep is committed through the ledger, with
real record types and layout, fsync left out. Each command then runs in a process of its own, imports included. The
store's files are in the page cache, as they are after a sweep.
"""

from __future__ import annotations

import json
import os
import platform
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple, cast
from unittest import mock

import pydantic
import typer

from orchestrator.schedule.plan import make_plan
from orchestrator.store.epoch_file import to_parquet
from orchestrator.store.jobs import Job
from orchestrator.store.lease import Lease
from orchestrator.store.ledger import Ledger
from sweeps.identity import SCHEMA
from sweeps.records import EpochRecord, RunRecord
from sweeps.self_digest import sha256_of
from sweeps.sweep import parse

ROOT = Path(__file__).resolve().parent.parent
PER_SEED = 1000
SWEEP = """
name: scale-{runs}
base:
  source: {{task: "glyphs[A-Z]", size: 1000, epochs: 10}}
  target: {{task: digits, size: 1000, label_noise: 0.3}}
  model: {{family: resnet, depth: 8, width: 8}}
  train: {{optimizer: sgd, learning_rate: 0.02, momentum: 0.9, epochs: 60}}
axes:
  source.size: [500, 1000, 2000, 3000, 4000]
  target.size: [400, 600, 800, 1000, 1200]
  target.label_noise: [0.0, 0.1, 0.2, 0.3, 0.4]
  transfer.frozen: all
  seed: 0..{last_seed}
"""


COMMAND = """
import sys
from pathlib import Path
from orchestrator.cli import main
code = main()
status = Path("/proc/self/status").read_text()
print(status.split("VmHWM:")[1].split()[0], file=sys.stderr)
sys.exit(code)
"""
"""`python -m orchestrator`, and then its peak memory in KiB: getrusage would also count the process it came from."""


class Timed(NamedTuple):
    seconds: float
    peak_mib: float
    answer: dict


class _Unfenced:
    """Stands where a lease does: nobody else writes to this store."""

    def __init__(self, place: object) -> None:
        self.place = place

    def check(self) -> None:
        pass


def sweep_text(runs: int) -> str:
    """A sweep of `runs` runs, a multiple of 1,000."""
    assert runs % PER_SEED == 0
    return SWEEP.format(runs=runs, last_seed=runs // PER_SEED - 1)


def fill(store: Path, text: str) -> int:
    """Commit a result for every job of the sweep; how many there are."""
    ledger = Ledger(store)
    ledger.open()
    made = make_plan(parse(text), ledger)
    ledger.save_sweep(made.record())
    rows = [EpochRecord(1, 16, 0.5, 1.5, 0.5, 1.5, 0.5, 0.5, 0.5, 0.02, 0.01)]
    epochs, weights = to_parquet(rows), b"weights"
    jobs = [*made.sources.values(), *made.runs.values()]
    with mock.patch.object(os, "fsync"):
        for job in jobs:
            place = ledger.place(job)
            given = weights if job.kind == "source" else None
            ledger.commit(cast(Lease, _Unfenced(place)), record(job, epochs, given), epochs, given)
    return len(jobs)


def record(job: Job, epochs: bytes, weights: bytes | None) -> RunRecord:
    """A result as a trial writes it, its times drawn from the job's own size."""
    part = job.spec.source if job.kind == "source" else job.spec.target
    assert part is not None
    seconds = 1e-5 * part.size * job.recipe.epochs * (9 - job.spec.transfer.frozen)
    return RunRecord(
        schema_version=SCHEMA,
        kind=job.kind,
        id=job.id,
        name=job.name,
        spec=job.value,
        status="done",
        epochs=job.recipe.epochs,
        ladder=("stem", *(f"layer{stage}.0.conv{number}" for stage in (1, 2, 3) for number in (1, 2)), "head"),
        trainable_params=20_000,
        total_params=20_000,
        epochs_sha256=sha256_of(epochs),
        weights_sha256=None if weights is None else sha256_of(weights),
        data_sha256="0" * 64,
        wall_seconds=0.2 + seconds,
        compute_seconds=seconds,
        attempts=1,
        device="cpu",
        notes=("frozen prefix of resnet8-w8 computed once: 1,024,000 bytes",),
        provenance={
            "git_sha": "0" * 40,
            "git_dirty": False,
            "python": platform.python_version(),
            "versions": {name: "1.0.0" for name in ("torch", "timm", "pytorch-lightning", "ray", "numpy", "wandb")},
            "platform": platform.platform(),
            "host": "localhost",
            "threads": 1,
        },
    )


def timed(command: str, sweep: Path, store: Path | str) -> Timed:
    """Run a command of the orchestrator in its own process: seconds, peak memory, what it printed as JSON."""
    arguments = [sys.executable, "-c", COMMAND, command, str(sweep), "--store", str(store), "--json"]
    began = time.perf_counter()
    ended = subprocess.run(arguments, cwd=ROOT, capture_output=True, text=True, check=False)
    seconds = time.perf_counter() - began
    assert ended.returncode == 0, ended.stderr
    return Timed(seconds, int(ended.stderr.split()[0]) / 1024, json.loads(ended.stdout))


def measured(runs: int, repeats: int, folder: Path) -> dict[str, list[Timed]]:
    """`plan` of a tenth of the runs and of all, expanded anew and from the record, and `status`."""
    store, found = folder / "store", {}
    for size in (runs // 10, runs):
        (folder / f"{size}.yaml").write_text(sweep_text(size))
    began = time.perf_counter()
    jobs = fill(store, sweep_text(runs))
    print(f"store of {jobs:,} results made in {time.perf_counter() - began:.0f} s (not timed)")
    small, large = folder / f"{runs // 10}.yaml", folder / f"{runs}.yaml"
    found["plan of a tenth, new"] = [timed("plan", small, store) for _ in range(repeats)]
    found["plan, recorded"] = [timed("plan", large, store) for _ in range(repeats)]
    found["status, recorded"] = [timed("status", large, store) for _ in range(repeats)]
    shutil.rmtree(store / "sweeps")
    found["plan, new"] = [timed("plan", large, store) for _ in range(repeats)]
    for name, times in found.items():
        asked = runs // 10 if "tenth" in name else runs
        assert all(sum(once.answer["runs"].values()) == asked for once in times), name
        assert all(once.answer["runs"]["done"] == asked for once in times), name
    return found


def memory_folder(runs: int) -> str | None:
    """A folder in memory if there is one with room, else the usual one: making and deleting 300,000 files takes a
    disk minutes, and what is measured reads from the page cache either way."""
    memory = Path("/dev/shm")
    return str(memory) if memory.is_dir() and shutil.disk_usage(memory).free > 20_000 * runs else None


def line(runs: int = 100_000, repeats: int = 1) -> str:
    """Build, measure, and say in one line."""
    with tempfile.TemporaryDirectory(prefix="frostline-scale-", dir=memory_folder(runs)) as folder:
        found = measured(runs, repeats, Path(folder))
    best = {name: min(times, key=lambda once: once.seconds) for name, times in found.items()}
    for name, once in best.items():
        print(f"{name}: {once.seconds:.1f} s, peak {once.peak_mib:.0f} MiB")
    ratio = best["plan, new"].seconds / best["plan of a tenth, new"].seconds
    worst = max(max(once.seconds for once in found[name]) for name in ("plan, new", "plan, recorded"))
    peak = max(once.peak_mib for times in found.values() for once in times)
    return (
        f"plan: {worst:.1f} s for {runs:,} runs against a store of as many results "
        f"({ratio:.1f}x a tenth of them, peak {peak:.0f} MiB, n = {repeats})"
    )


def main(runs: int = 100_000, repeats: int = 3) -> None:
    print(line(runs, repeats))
    print(f"{os.cpu_count()} cores, Python {platform.python_version()}, pydantic {pydantic.VERSION}")


if __name__ == "__main__":
    typer.run(main)
