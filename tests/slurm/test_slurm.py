"""The batch scripts of deploy/slurm under a real Slurm: `make slurm`. Undisturbed tables are the oracle."""

from __future__ import annotations

import itertools
import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from analysis.tables.collect import collect, epoch_frame
from analysis.tables.load import read_sweep
from analysis.tables.schema import comparable
from orchestrator.schedule.plan import make_plan
from orchestrator.store.ledger import Ledger
from sweeps.sweep import parse
from tests.csv_text import csv_text
from tests.slurm import cluster

ROOT = Path(__file__).resolve().parents[2]
SCRIPTS = ROOT / "deploy" / "slurm"
REASON = cluster.missing() if os.environ.get("FROSTLINE_SLURM") else "`make slurm` runs it, where Slurm is"
pytestmark = pytest.mark.skipif(bool(REASON), reason=REASON)

SWEEP = """
name: queued
base:
  source: {task: "glyphs[A-D]", size: 100, epochs: 20}
  target: {task: digits, size: 300, label_noise: 0.3}
  model: {family: resnet, depth: 8, width: 4}
  train: {epochs: 50, batch_size: 32}
axes: {transfer.frozen: [0, 3], seed: 0..1}
"""
JOBS = 6


@pytest.fixture(scope="module")
def slurm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[cluster.Slurm]:
    folder = tmp_path_factory.mktemp("slurm")
    (folder / "home").mkdir()
    (folder / "bin").mkdir()
    (folder / "bin" / "frostline").write_text(f'#!/bin/bash\nexec {sys.executable} -m frostline "$@"\n')
    (folder / "bin" / "frostline").chmod(0o755)
    (folder / "queued.yaml").write_text(SWEEP)
    with cluster.running(folder) as running:
        running.environment.update(
            HOME=str(folder / "home"),  # Ray's token is made there
            PYTHONPATH=str(ROOT),
            RAY=str(Path(sys.executable).parent / "ray"),
            FROSTLINE_CHECKPOINT_SHARE="0.05",
            # A fifth of a second an epoch, so that jobs last until Slurm looks, however quick the machine.
            FROSTLINE_FAULTS='[{"point": "epoch", "do": "sleep", "hit": 0}]',
        )
        yield running


@pytest.fixture(scope="module")
def oracle(slurm: cluster.Slurm) -> list[str]:
    """The tables of the sweep, run in one process."""
    store = slurm.folder / "undisturbed"
    words = [
        "run",
        str(slurm.folder / "queued.yaml"),
        "--store",
        str(store),
        "--runner",
        "local",
        "--wandb",
        "disabled",
    ]
    subprocess.run([sys.executable, "-m", "frostline", *words], check=True, capture_output=True, cwd=ROOT)
    return tables(store)


def tables(store: Path) -> list[str]:
    """All three as CSV, without times, machine and provenance."""
    sweep = read_sweep(parse(SWEEP), store)
    made = collect(sweep)
    return [csv_text(comparable(frame)) for frame in (epoch_frame(sweep), made.runs, made.cells)]


def submitted(slurm: cluster.Slurm, script: str, store: Path, *options: str) -> str:
    sweep = slurm.folder / "queued.yaml"
    return slurm.submit("--cpus-per-task=1", *options, SCRIPTS / script, sweep, store, "--wandb", "disabled")


def until_it_trains(slurm: cluster.Slurm, job: str, store: Path, epochs: int = 5, seconds: float = 240.0) -> None:
    """Until some run of a job has that many epochs."""
    ledger, deadline = Ledger(store), time.monotonic() + seconds
    while True:
        assert time.monotonic() < deadline and slurm.state(job) in ("PENDING", "RUNNING"), slurm.logs()
        plan = make_plan(parse(SWEEP), ledger)
        if any(done >= epochs for done, _ in plan.progress().values()):
            return
        time.sleep(0.3)


def finished(slurm: cluster.Slurm, job: str) -> None:
    """Let a job that was requeued begin at once, and see it through."""
    slurm.wait(job, "PENDING", "RUNNING")
    slurm.call("scontrol", "update", f"JobId={job}", "StartTime=now", check=False)
    assert slurm.wait(job, "COMPLETED", "FAILED", "CANCELLED", seconds=240) == "COMPLETED", slurm.logs()


def told(slurm: cluster.Slurm, job: str) -> str:
    return (slurm.folder / f"frostline-{job}.log").read_text()


def test_slurm_takes_the_scripts(slurm: cluster.Slurm) -> None:
    for script in sorted(SCRIPTS.glob("*.sbatch")):
        words = ("sbatch", "--test-only", "--cpus-per-task=1", script, "my.yaml", "store")
        assert re.search(r"Job \d+ to start at", slurm.call(*words, check=False)), script
    refused = slurm.call("sbatch", "--test-only", "--cpus-per-task=64", SCRIPTS / "one_node.sbatch", check=False)
    assert "to start at" not in refused


def test_a_preempted_job_is_requeued_and_ends_with_equal_tables(slurm: cluster.Slurm, oracle: list[str]) -> None:
    store = slurm.folder / "preempted"
    job = submitted(slurm, "one_node.sbatch", store, "--partition=low", "--nodelist=alpha")
    until_it_trains(slurm, job, store)
    urgent = slurm.submit("--partition=high", "--nodelist=alpha", "--output=urgent.log", "--wrap", "sleep 2")
    slurm.wait(urgent, "COMPLETED", seconds=60)
    # Slurm ends Ray's own processes with the workers, which have saved by then what was in hand and given it back.
    saved = {path.parent for path in store.glob("*/*/*/checkpoint-*")}
    assert saved and all(list(folder.glob("released-*")) for folder in saved)
    finished(slurm, job)
    assert "Restarts=1" in slurm.call("scontrol", "show", "job", job)
    assert tables(store) == oracle


def test_a_job_whose_time_is_up_asks_for_another_turn(slurm: cluster.Slurm, oracle: list[str]) -> None:
    store = slurm.folder / "resumed"
    job = submitted(slurm, "one_node.sbatch", store, "--nodelist=beta")
    until_it_trains(slurm, job, store)
    slurm.call("scancel", "--batch", "--signal=USR1", job)  # as `--signal=B:USR1@120` does
    deadline = time.monotonic() + 60
    while "Restarts=1" not in slurm.call("scontrol", "show", "job", job):
        assert time.monotonic() < deadline, slurm.logs()
        time.sleep(0.3)
    finished(slurm, job)
    assert "interrupted: the same command goes on" in told(slurm, job)
    assert tables(store) == oracle


def test_ray_inside_slurm_runs_a_sweep_over_two_nodes(slurm: cluster.Slurm, oracle: list[str]) -> None:
    store = slurm.folder / "two-nodes"
    job = submitted(slurm, "several_nodes.sbatch", store, "--nodes=2")
    assert slurm.wait(job, "COMPLETED", "FAILED", "CANCELLED", seconds=240) == "COMPLETED", slurm.logs()
    assert tables(store) == oracle
    spans = sorted(span(path) for path in store.glob("*/*/*/result.json"))
    assert len(spans) == JOBS
    # Each node has a core: two jobs at a time are jobs on two nodes.
    assert any(after[0] < before[1] - 0.5 for before, after in itertools.pairwise(spans)), spans
    for node in ("head", "worker0"):
        assert "Ray runtime started" in (slurm.folder / f"ray-{job}-{node}.log").read_text()
    assert "RAY_AUTH_MODE" not in told(slurm, job) and (slurm.folder / "home/.ray/auth_token").is_file()


def span(result: Path) -> tuple[float, float]:
    """When a job began and was committed."""
    match = re.search(r'"wall_seconds": ([\d.e+-]+)', result.read_text())
    assert match is not None
    end = result.stat().st_mtime
    return end - float(match[1]), end
