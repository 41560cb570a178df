"""One sweep, its store, and the command as a user gives it on some host of a cluster."""

from __future__ import annotations

import json
import subprocess
import time
from pathlib import Path

from analysis.tables.collect import collect, epoch_frame
from analysis.tables.load import read_sweep
from analysis.tables.schema import comparable
from orchestrator.store.folder import store_at
from orchestrator.store.interface import Store
from orchestrator.store.verify import problems
from sweeps.store import records
from sweeps.store.leases import current
from sweeps.sweep import parse
from tests.chaos.scene import ended, wait_for
from tests.csv_text import csv_text
from tests.hosts.machines import ROOT, Host
from tests.object_store import SECRET

SWEEP = """
name: hosts
about: Eight runs of two families and three source models.
base:
  source: {task: "glyphs[A-D]", size: 40, epochs: 2, batch_size: 16}
  target: {task: digits, size: 60, label_noise: 0.3}
  model: {family: resnet, depth: 8, width: 4}
  train: {epochs: 12, batch_size: 16}
axes:
  transfer.frozen: [0, 4]
  seed: 0..1
blocks:
  - base: {model: {family: vit, depth: 2, width: 16}}
    axes: {transfer.frozen: [0, 2], seed: 0..0}
  - base: {source: null}
    axes: {transfer.frozen: [0], seed: 0..1}
"""
RUNS, SOURCES = 8, 3
PACE = json.dumps([{"point": "epoch", "do": "sleep", "hit": 0}])
"""A fifth of a second an epoch, so that there is time to break something, at no cost of computing."""


class Launches:
    """A sweep's file and store, and launches of it. `shared`: a folder of the disk that all hosts see."""

    def __init__(self, folder: Path, bucket: str | None = None) -> None:
        """The store is in `shared`, or in a bucket at an address s3://BUCKET/PREFIX."""
        self.shared = folder / "shared"
        self.shared.mkdir(parents=True)
        self.file = folder / "hosts.yaml"
        self.file.write_text(SWEEP)
        self.address = bucket or str(self.shared / "store")

    @property
    def store(self) -> Store:
        """As this process sees it, which is on no host."""
        return store_at(self.address)

    def start(
        self, host: Host, *arguments: str, address: str = "auto", faults: str = "[]", **environment: str
    ) -> subprocess.Popen[str]:
        given = {"FROSTLINE_FAULTS": faults, "FROSTLINE_CHECKPOINT_SHARE": "inf", "FROSTLINE_LEASE_EXPIRY": "10"}
        return host.start(
            *("frostline", "run", str(self.file), "--store", self.address, "--wandb", "disabled"),
            *("--address", address, *arguments),
            **{"PYTHONPATH": str(ROOT), **given, **environment},
        )

    def finish(self, process: subprocess.Popen[str], code: int = 0) -> str:
        """Its output, once it has ended as it should."""
        found, output = ended(process, 300)
        assert found == code and "Traceback" not in output and SECRET not in output, output
        return output

    def until_saved(self, process: subprocess.Popen[str], host: Host) -> None:
        """Wait for a run that trains on a host and has saved an epoch."""
        store = self.store

        def found() -> bool:
            time.sleep(store.look_seconds / 20)  # each look at a bucket is many requests
            return any(
                (lease := current(store, place)) is not None
                and lease.get("host") == host.name
                and place.checkpoints(store.list(place.folder))
                for place in records.places(store, "run")
            )

        wait_for(found, process, 90)

    def hosts_of_results(self) -> set[str]:
        """Names of the hosts that computed what the store holds."""
        store = self.store
        found = [records.result(store, place) for place in records.places(store)]
        return {str(record.provenance["host"]) for record in found if record is not None}

    def failures(self) -> list[dict[str, str]]:
        store = self.store
        keys = [key for place in records.places(store) for key in place.failures(store.list(place.folder))]
        return [json.loads(store.read(key) or b"") for key in keys]

    def tables(self) -> list[str]:
        """The sweep's three tables as CSV, without times, machine and provenance."""
        sweep = read_sweep(parse(SWEEP), self.address)
        made = collect(sweep)
        return [csv_text(comparable(frame)) for frame in (epoch_frame(sweep), made.runs, made.cells)]

    def check(self, oracle: list[str]) -> None:
        """All is there, whole, and equal to the single machine's to the byte."""
        found = list(problems(self.store))
        assert [problem for _, problem in found if problem is not None] == [] and len(found) == RUNS + SOURCES
        assert self.tables() == oracle
