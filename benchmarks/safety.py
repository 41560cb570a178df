"""What safety costs: runs with all of it against the same runs without checkpoints, and without anything at all.

    python -m benchmarks.safety [ROUNDS]

Each round trains the same run three times, in turning order, in one process: as it is (checkpoints within their share
of the time, fsync, leases with heartbeat, digests), with checkpoints off, and bare (checkpoints off, fsync a no-op, no
heartbeat). Printed are medians of the paired ratios of wall time and of this process's own CPU time, each with a 95 %
interval by bootstrap over rounds; and the seconds that the safe run spent inside the calls that make it safe.
"""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
import time
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Any

import numpy as np

from orchestrator.store import durable, lease
from orchestrator.store.jobs import Job
from orchestrator.store.ledger import Ledger
from orchestrator.store.settings import Settings
from orchestrator.train.methods import checkpoint
from orchestrator.train.options import TrialOptions
from orchestrator.train.trial import run_trial
from orchestrator.train.worker_state import LruCache, WorkerState
from sweeps.identity import run_id
from sweeps.spec import RunSpec

SPEC = RunSpec.model_validate(
    {
        "source": None,
        "target": {"task": "digits", "size": 1000, "label_noise": 0.3},
        "model": {"family": "resnet", "depth": 14, "width": 8},
        "train": {"epochs": 30, "batch_size": 64, "optimizer": "sgd", "learning_rate": 0.02, "momentum": 0.9},
    }
)
WAYS = ("safe", "no checkpoints", "bare")
DATA = LruCache(2**30)
"""As in a worker: the data are loaded once."""


def main() -> None:
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 10
    spent: list[float] = []
    _timed(checkpoint.Checkpoints, "save", spent)
    _timed(Ledger, "commit", spent)
    _timed(Ledger, "claim", spent)
    _timed(lease.Lease, "release", spent)
    walls: dict[str, list[float]] = {way: [] for way in WAYS}
    cpus: dict[str, list[float]] = {way: [] for way in WAYS}
    shares: list[float] = []
    run("safe")  # warm: imports, data
    for number in range(rounds):
        for way in (WAYS[(number + place) % len(WAYS)] for place in range(len(WAYS))):
            spent.clear()
            wall, cpu = run(way)
            walls[way].append(wall)
            cpus[way].append(cpu)
            if way == "safe":
                shares.append(sum(spent) / wall)
    print(f"{rounds} rounds; a run takes {np.median(walls['safe']):.2f} s (median)")
    for other in WAYS[1:]:
        for name, measured in (("wall", walls), ("cpu", cpus)):
            print(f"safe over {other}, {name}: {interval(np.array(measured['safe']) / np.array(measured[other]))}")
    print(f"share of the safe run's wall time inside claim, save, commit, release: {interval(np.array(shares))}")


def run(way: str) -> tuple[float, float]:
    """Wall and CPU seconds of one run from claim to release, in a store of its own."""
    folder = Path(tempfile.mkdtemp(prefix="frostline-safety-"))
    ledger = Ledger(folder)
    ledger.open()
    settings = Settings() if way == "safe" else Settings(checkpoint_share=0.0)
    options = TrialOptions(folder, settings=settings)
    state = WorkerState(options)
    state.data = DATA
    fsync, beats = os.fsync, lease.Lease.keep_beating
    try:
        if way == "bare":
            durable.os.fsync = lambda _: None
            lease.Lease.keep_beating = lambda self: None
        wall, cpu = time.perf_counter(), time.process_time()
        assert run_trial(Job("run", run_id(SPEC), SPEC), options, state) == "done"
        return time.perf_counter() - wall, time.process_time() - cpu
    finally:
        durable.os.fsync, lease.Lease.keep_beating = fsync, beats
        shutil.rmtree(folder)


def interval(values: np.ndarray) -> str:
    rng = np.random.default_rng(0)
    medians = np.median(rng.choice(values, (5000, len(values))), axis=1)
    low, high = np.quantile(medians, (0.025, 0.975))
    return f"{np.median(values):.4f} [{low:.4f}, {high:.4f}], n = {len(values)}"


def _timed(owner: Any, name: str, spent: list[float]) -> None:
    plain: Callable[..., Any] = getattr(owner, name)

    @wraps(plain)
    def timed(*arguments: Any, **named: Any) -> Any:
        began = time.perf_counter()
        try:
            return plain(*arguments, **named)
        finally:
            spent.append(time.perf_counter() - began)

    setattr(owner, name, timed)


if __name__ == "__main__":
    main()
