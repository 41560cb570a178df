"""One store, one sweep, the command as users give it, and faults to break it with. Everything here is real."""

from __future__ import annotations

import json
import os
import random
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from analysis.tables.collect import collect, epoch_frame
from analysis.tables.load import read_sweep
from analysis.tables.schema import comparable
from orchestrator.store.folder import store_at
from orchestrator.store.gc import garbage, remove
from orchestrator.store.interface import Store
from orchestrator.store.verify import problems
from sweeps.layout import Place
from sweeps.store import records
from sweeps.store.leases import current
from sweeps.sweep import parse
from tests.csv_text import csv_text

ROOT = Path(__file__).resolve().parents[2]
SWEEP = """
name: chaos
about: Sixteen runs and seven source models of all three families; one run diverges.
base:
  source: {task: "glyphs[A-D]", size: 40, epochs: 3, batch_size: 16}
  target: {task: digits, size: 60, label_noise: 0.3}
  model: {family: resnet, depth: 8, width: 4}
  train: {epochs: 8, batch_size: 16}
axes:
  transfer.frozen: [0, 4]
  seed: 0..2
blocks:
  - base: {model: {family: vit, depth: 2, width: 16}}
    axes: {transfer.frozen: [0, 2], seed: 0..1}
  - base: {model: {family: densenet, depth: 10, width: 4}}
    axes: {transfer.frozen: [0, 2], seed: 0..1}
  - base: {source: null}
    axes: {transfer.frozen: [0], seed: 0..0}
  - base: {source: null, train: {optimizer: sgd, learning_rate: 1.0e+30}}
    axes: {transfer.frozen: [0], seed: 0..0}
"""
RUNS, SOURCES = 16, 7
FULL = os.environ.get("FROSTLINE_CHAOS") == "full"
"""The long form, `make chaos`."""
LOCAL = ("--runner", "local", "--wandb", "disabled")
RAY = ("--workers", "2", "--wandb", "disabled")
MOST_COMMANDS = 12


@dataclass
class Scene:
    folder: Path
    environment: dict[str, str] = field(default_factory=dict)
    store_folder: Path | None = None
    bucket: str | None = None
    """Where the store is if it is no folder: s3://BUCKET/PREFIX."""

    def __post_init__(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        self.sweep = self.folder / "chaos.yaml"
        self.sweep.write_text(SWEEP)
        self._numbers = iter(range(10_000))

    @property
    def store(self) -> Path:
        return self.store_folder or self.folder / "store"

    @property
    def address(self) -> str:
        return self.bucket or str(self.store)

    @property
    def opened(self) -> Store:
        return store_at(self.address)

    @property
    def trace(self) -> Path:
        return self.folder / "trace.jsonl"

    def fault(self, point: str, do: str, **more: Any) -> dict[str, Any]:
        """One fault that happens once among all processes, and is written down."""
        marker = self.folder / f"fault-{next(self._numbers)}"
        return {"point": point, "do": do, "marker": str(marker), "log": str(self.trace), **more}

    def start(
        self, *arguments: str, faults: Iterable[dict[str, Any]] = (), **environment: str
    ) -> subprocess.Popen[str]:
        """The run command, in a process group of its own."""
        traced = [
            {"point": point, "do": "log", "hit": 0, "log": str(self.trace)} for point in ("epoch", "checkpoint.done")
        ]
        return subprocess.Popen(
            [sys.executable, "-m", "orchestrator", "run", str(self.sweep), "--store", self.address, *arguments],
            cwd=ROOT,
            env={
                **{name: value for name, value in os.environ.items() if not name.startswith(("WANDB", "FROSTLINE"))},
                "FROSTLINE_FAULTS": json.dumps([*traced, *faults]),
                "FROSTLINE_CHECKPOINT_SHARE": "inf",
                "RAY_worker_niceness": "0",
                **self.environment,
                **environment,
            },
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )

    def run(self, *arguments: str, faults: Iterable[dict[str, Any]] = (), **environment: str) -> tuple[int, str]:
        return ended(self.start(*arguments, faults=faults, **environment))

    def until_done(self, *arguments: str, faults: Iterable[dict[str, Any]] = (), **environment: str) -> list[int]:
        """The same command again and again until it says that all is done; the exit codes."""
        faults, codes = list(faults), []
        output = ""
        for _ in range(MOST_COMMANDS):
            code, output = self.run(*arguments, faults=faults, **environment)
            codes.append(code)
            assert "Traceback" not in output, output
            if code == 0:
                return codes
        raise AssertionError(f"not done after {codes}: {output}")

    def events(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.trace.read_text().splitlines()] if self.trace.exists() else []

    def injected(self) -> int:
        return sum(event["do"] != "log" for event in self.events())

    def lost_epochs(self) -> int:
        """Epochs trained again although a checkpoint after them had been written whole."""
        saved: dict[str, int] = {}
        reached: dict[str, int] = {}
        lost = 0
        for event in self.events():
            if event["do"] != "log":
                continue
            if event["point"] == "checkpoint.done":
                path = Path(event["subject"])
                saved[path.parent.name] = int(path.name.split("-")[1])
                continue
            _, id, epoch = event["subject"].split()
            if int(epoch) != reached.get(id, 0) + 1:
                lost += max(0, saved.get(id, 0) - (int(epoch) - 1))
            reached[id] = int(epoch)
        return lost

    def tables(self) -> list[str]:
        """The sweep's three tables as CSV, without times, machine and provenance."""
        sweep = read_sweep(parse(SWEEP), self.address)
        made = collect(sweep)
        return [csv_text(comparable(frame)) for frame in (epoch_frame(sweep), made.runs, made.cells)]

    def check(self, oracle: list[str], lost: bool = True) -> None:
        """Everything is there, once, whole, equal to the undisturbed sweep to the byte; gc leaves nothing behind."""
        store = self.opened
        remove(store, garbage(store))
        assert self.tables() == oracle
        found = list(problems(store))
        assert [problem for _, problem in found if problem is not None] == [] and len(found) == RUNS + SOURCES
        for place, _ in found:
            names = sorted(name.partition("-")[0] for name in store.list(place.folder))
            wanted = ["epochs"] + ["lease.json"] * store.one_lease + ["result.json"] + ["weights"] * is_source(place)
            assert [name for name in names if name != "failure"] == wanted, names
        if lost:
            assert self.lost_epochs() == 0

    def trained(self) -> dict[str, int]:
        """The last epoch of each job that has no result."""
        told = [event["subject"].split()[1:] for event in self.events() if event["point"] == "epoch"]
        finished = {path.parent.name for path in self.store.glob("*/*/*/result.json")}
        return {id: int(epoch) for id, epoch in told if id not in finished}

    def kept(self) -> dict[str, int]:
        """The epoch of the newest checkpoint of each job."""
        return {path.parent.name: int(path.name.split("-")[1]) for path in sorted(self.store.rglob("checkpoint-*"))}

    def asked(self) -> list[str]:
        """The runs of the sweep, as its record in the store has them."""
        (record,) = self.store.glob("sweeps/chaos/*.json")
        return list(json.loads(record.read_text())["runs"])

    def leases(self) -> list[dict[str, Any]]:
        """Of all jobs, those that somebody holds."""
        store = self.opened
        found = [current(store, place) for place in records.places(store)]
        return [lease for lease in found if lease is not None and lease["holder"]]

    def worker(self, process: subprocess.Popen[str], besides: Iterable[int] = ()) -> int:
        """The process number of some worker that trains and has saved an epoch."""
        passed = set(besides)

        def found() -> int | None:
            for path in self.store.glob("runs/*/*/checkpoint-*"):
                for lease in path.parent.glob("lease-*.json"):
                    match = re.search(r'"pid": (\d+)', lease.read_text())
                    if match and int(match[1]) not in passed and Path(f"/proc/{match[1]}").exists():
                        return int(match[1])
            return None

        return wait_for(found, process)


def is_source(place: Place) -> bool:
    return place.kind == "source"


def wait_for(found: Callable[[], Any], process: subprocess.Popen[str] | None = None, seconds: float = 300) -> Any:
    """What `found` returns once it is something; fails when the process ends before, or the time is over."""
    deadline = time.monotonic() + seconds
    while True:
        try:
            if value := found():
                return value
        except OSError:  # it went away while it was read
            pass
        if process is not None and process.poll() is not None:
            raise AssertionError(f"ended with {process.returncode}: {process.communicate()[0]}")
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.02)


def ended(process: subprocess.Popen[str], seconds: float = 900) -> tuple[int, str]:
    """Exit code and output. A process that hangs is killed with its whole group, and is a failure."""
    try:
        output, _ = process.communicate(timeout=seconds)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        raise AssertionError(f"hangs: {process.communicate()[0]}") from None
    return process.returncode, output


def flip(path: Path, rng: random.Random) -> None:
    """One bit of a file, some bit."""
    content = bytearray(path.read_bytes())
    content[rng.randrange(len(content))] ^= 1 << rng.randrange(8)
    path.write_bytes(content)
