"""Sweeps on Ray clusters of two and three hosts (network namespaces; needs root), each played again by the simulator.

    python -m benchmarks.replay.hosts [HOSTS ...]

Every host has one core for runs, the head too, and all see the store's folder. They share the cores of this machine,
which may be fewer: so an epoch is little computing and four tenths of a second of waiting (a fault on demand), and what
makes a run's duration is not that another host computes beside it.
"""

from __future__ import annotations

import json
import sys
import tempfile
from itertools import groupby
from pathlib import Path

from benchmarks.replay.prediction import Replayed, replayed, row, total
from tests.hosts.machines import ROOT, Host, cannot, cluster, network

SWEEP = """
name: replayed-on-hosts
about: Two families, runs of different length, two source models of one and one of the other.
base:
  source: {task: "glyphs[A-Z]", size: 40, epochs: 4}
  target: {task: digits, size: 40, label_noise: 0.3}
  model: {family: resnet, depth: 14, width: 4}
  train: {optimizer: adam, learning_rate: 1e-3, batch_size: 32, epochs: 12}
axes: {transfer.frozen: [0, 3, 6, 9, 12], seed: 0..1}
blocks:
  - {}
  - base: {model: {family: vit, depth: 2, width: 16}, train: {epochs: 20}}
    axes: {transfer.frozen: [0, 1, 2], seed: 0..0}
"""
PACE = json.dumps([{"point": "epoch", "do": "sleep", "hit": 0}] * 2)


def measure(hosts: list[Host], folder: Path) -> Replayed:
    """Run the sweep once from the first host and play it again. `folder`: an empty one, on the disk that all see."""
    sweep, store = folder / "replayed.yaml", folder / "store"
    sweep.write_text(SWEEP)
    words = ("frostline", "run", str(sweep), "--store", str(store), "--wandb", "disabled", "--address", "auto", "--yes")
    process = hosts[0].start(*words, PYTHONPATH=str(ROOT), FROSTLINE_FAULTS=PACE)
    output, _ = process.communicate()
    assert process.returncode == 0, output
    return replayed(sweep, store, len(hosts))


def line(numbers: tuple[int, ...]) -> str:
    """`replay on hosts: ...`, after a row for each launch. Launches of one number in a row share a cluster."""
    found: list[Replayed] = []
    for number, launches in groupby(numbers):
        with tempfile.TemporaryDirectory() as temporary, network() as switch:
            names = [f"host{each}" for each in range(1, number + 1)]
            with cluster(switch, Path(temporary), names, "--num-cpus=1") as hosts:
                for launch, _ in enumerate(launches):
                    (folder := Path(temporary) / f"launch{launch}").mkdir()
                    found.append(measure(hosts, folder))
                    print(row(found[-1], "hosts"), flush=True)
    return f"replay on hosts: {total(found)}"


if __name__ == "__main__":
    if why := cannot():
        sys.exit(f"error: {why}")
    print(line(tuple(int(number) for number in sys.argv[1:]) or (2, 2, 2, 3, 3, 3)))
