"""The command as users give it, in real processes: the real Ray, the in-process runner, kills and extensions."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from analysis.tables.collect import collect, epoch_frame
from analysis.tables.load import read_sweep
from analysis.tables.schema import comparable
from orchestrator.schedule.plan import make_plan
from orchestrator.store.ledger import Ledger
from orchestrator.tracking.description import group_name
from orchestrator.tracking.metrics import METRICS
from sweeps.sweep import parse
from tests.csv_text import csv_text
from tests.orchestrator.small_runs import curve
from tests.wandb_file import read_run

ROOT = Path(__file__).parents[3]
SWEEP = """
name: runners
base:
  source: {task: "glyphs[A-D]", size: 40, epochs: 1, batch_size: 16}
  target: {task: digits, size: 60, label_noise: 0.3}
  model: {family: resnet, depth: 8, width: 4}
  train: {epochs: 3, batch_size: 16}
axes:
  transfer.frozen: [0, 4]
  seed: 0..1
blocks:
  - base: {model: {family: vit, depth: 2, width: 16}}
    axes: {transfer.frozen: [2], seed: 0..0}
  - base: {model: {family: densenet, depth: 10, width: 4}}
    axes: {transfer.frozen: [2], seed: 0..0}
"""
LONGER = SWEEP.replace("epochs: 3, batch_size: 16", "epochs: 30, batch_size: 4")


def write(folder: Path, text: str) -> Path:
    path = folder / "sweep.yaml"
    path.write_text(text)
    return path


def command(sweep: Path, store: Path, *arguments: str) -> list[str]:
    return [sys.executable, "-m", "orchestrator", "run", str(sweep), "--store", str(store), *arguments]


def run(sweep: Path, store: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command(sweep, store, *arguments), cwd=ROOT, capture_output=True, text=True, timeout=300, check=False
    )


def curves(text: str, store: Path) -> dict[str, dict[str, list]]:
    ledger = Ledger(store)
    plan = make_plan(parse(text), ledger)
    return {id: curve(ledger, job) for id, job in (plan.sources | plan.runs).items()}


def tables(text: str, store: Path) -> list[str]:
    """The sweep's three tables as CSV, without times, machine and provenance."""
    sweep = read_sweep(parse(text), store)
    made = collect(sweep)
    return [csv_text(comparable(frame)) for frame in (epoch_frame(sweep), made.runs, made.cells)]


def files(store: Path) -> dict[str, tuple[int, int]]:
    return {
        str(path.relative_to(store)): (path.stat().st_mtime_ns, path.stat().st_size)
        for path in store.rglob("*")
        if path.is_file()
    }


@pytest.fixture(scope="module")
def by_ray(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store filled by the Ray runner."""
    folder = tmp_path_factory.mktemp("ray")
    ended = run(write(folder, SWEEP), folder / "store")
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert "6 of 6 runs done" in ended.stdout
    return folder / "store"


def test_every_run_has_an_offline_wandb_run_with_every_epoch(by_ray: Path) -> None:
    """Read from the files themselves, runs and source models, and compared with the store row by row."""
    ledger = Ledger(by_ray)
    plan = make_plan(parse(SWEEP), ledger)
    shown = {run.config["run_id"]: run for run in map(read_run, by_ray.rglob("*.wandb"))}
    assert shown.keys() == plan.sources.keys() | plan.runs.keys()
    for id, job in (plan.sources | plan.runs).items():
        record = ledger.result(job)
        assert record is not None
        run, rows = shown[id], ledger.curve(record)
        assert run.job_type == ("source" if job.kind == "source" else "target")
        assert run.group == group_name(job.kind, job.value)
        assert run.step_metrics["test/*"] == "epoch"
        assert len(run.history) == len(rows) == job.recipe.epochs
        for line, row in zip(run.history, rows, strict=True):
            for name, value in row._asdict().items():
                assert line.get(METRICS[name]) == (None if value != value else pytest.approx(value))


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store filled without a fault: the oracle of the disturbed ones."""
    folder = tmp_path_factory.mktemp("undisturbed")
    assert run(write(folder, LONGER), folder / "store", "--runner", "local", "--wandb", "disabled").returncode == 0
    return folder / "store"


def test_both_runners_give_the_same_curves(by_ray: Path, tmp_path: Path) -> None:
    ended = run(write(tmp_path, SWEEP), tmp_path / "store", "--runner", "local", "--wandb", "disabled")
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert curves(SWEEP, tmp_path / "store") == curves(SWEEP, by_ray)
    assert tables(SWEEP, tmp_path / "store") == tables(SWEEP, by_ray)


def test_again_there_is_nothing_to_do_and_nothing_changes(by_ray: Path, tmp_path: Path) -> None:
    before = files(by_ray)
    ended = run(write(tmp_path, SWEEP), by_ray)
    assert ended.returncode == 0
    assert "nothing to do" in ended.stdout
    assert files(by_ray) == before


def test_one_more_seed_starts_only_the_new_runs(by_ray: Path, tmp_path: Path) -> None:
    before = files(by_ray)
    more = SWEEP.replace("seed: 0..1", "seed: 0..2")
    ended = run(write(tmp_path, more), by_ray, "--runner", "local", "--wandb", "disabled")
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert "to do: 1 source models, 2 runs" in ended.stdout
    after = files(by_ray)
    assert {name: after[name] for name in before} == before
    results = [name for name in set(after) - set(before) if name.endswith("result.json")]
    assert sorted(name.split("/")[0] for name in results) == ["runs", "runs", "sources"]


@pytest.mark.parametrize(("number", "code"), [(signal.SIGKILL, -9), (signal.SIGTERM, 130), (signal.SIGINT, 130)])
def test_stopped_half_way_the_same_command_goes_on(
    undisturbed: Path, tmp_path: Path, number: signal.Signals, code: int
) -> None:
    sweep, store = write(tmp_path, LONGER), tmp_path / "store"
    arguments = ("--runner", "local", "--wandb", "disabled")
    process = subprocess.Popen(command(sweep, store, *arguments), cwd=ROOT, stdout=subprocess.PIPE, text=True)
    _wait_for_checkpoint(store, process)
    process.send_signal(number)
    process.communicate(timeout=60)
    assert process.returncode == code
    assert len(list(store.glob("runs/*/*/result.json"))) < 6
    kept = {path.parent.name for path in store.glob("*/*/*/checkpoint-*")}
    assert len(kept) == 1
    ended = run(sweep, store, *arguments)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert curves(LONGER, store) == curves(LONGER, undisturbed)
    assert tables(LONGER, store) == tables(LONGER, undisturbed)
    assert not list(store.glob("*/*/*/checkpoint-*")) and not list(store.glob("*/*/*/lease-*"))


def _wait_for_checkpoint(store: Path, process: subprocess.Popen[str]) -> None:
    deadline = time.monotonic() + 120
    while not list(store.glob("runs/*/*/checkpoint-*")):
        assert process.poll() is None and time.monotonic() < deadline
        time.sleep(0.02)


def test_a_killed_ray_worker_costs_an_attempt_not_the_sweep(undisturbed: Path, tmp_path: Path) -> None:
    sweep, store = write(tmp_path, LONGER), tmp_path / "store"
    process = subprocess.Popen(
        command(sweep, store, "--wandb", "disabled"),
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    _wait_for_checkpoint(store, process)
    checkpoint = next(store.glob("runs/*/*/checkpoint-*"))
    (lease,) = checkpoint.parent.glob("lease-*")
    os.kill(int(lease.read_text().split('"pid": ')[1].split(",")[0]), signal.SIGKILL)
    output, errors = process.communicate(timeout=240)
    assert process.returncode == 0, output + errors
    assert "6 of 6 runs done" in output
    failures = list(store.glob("runs/*/*/failure-*"))
    assert len(failures) == 1 and "WorkerDied" in failures[0].read_text()
    told = subprocess.run(
        [sys.executable, "-m", "orchestrator", "status", str(sweep), "--store", str(store)],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    assert "more than one attempt: 1 results, at most 2 each" in told.stdout
    assert curves(LONGER, store) == curves(LONGER, undisturbed)
    assert tables(LONGER, store) == tables(LONGER, undisturbed)
