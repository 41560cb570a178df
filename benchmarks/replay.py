"""What the simulator says of sweeps that were really run: their makespan, from the durations that they recorded.

    python -m benchmarks.replay [WORKERS ...]

Each number of workers is one launch on Ray of its own, into an empty store. Measured is the time from the first job's
beginning to the last one's commit. `simulate` is given what each job took, and the measured limits of driver and store;
not given are the order of the jobs, their places, and which workers wait for each other.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import NamedTuple

from frostline.simulation.together import together
from orchestrator.schedule.agenda import BATCH_SECONDS
from orchestrator.schedule.cluster_model import DRIVER_SECONDS, STORE_RATE, Cluster
from orchestrator.schedule.simulate import simulate
from orchestrator.store.ledger import Ledger

SWEEP = """
name: replayed
about: Two families, runs of different length, two source models each.
base:
  source: {task: "glyphs[A-Z]", size: 500, epochs: 6}
  target: {task: digits, size: 500, label_noise: 0.3}
  model: {family: resnet, depth: 14, width: 4}
  train: {optimizer: adam, learning_rate: 1e-3, batch_size: 32, epochs: 25}
axes: {transfer.frozen: [0, 3, 6, 9, 12], seed: 0..1}
blocks:
  - {}
  - base: {model: {family: vit, depth: 2, width: 16}}
    axes: {transfer.frozen: [0, 1, 2]}
"""


class Replayed(NamedTuple):
    workers: int
    jobs: int
    measured: float
    """Seconds from the first job's beginning to the last one's commit."""
    predicted: float

    @property
    def error(self) -> float:
        """Of the prediction, relative to what was measured."""
        return self.predicted / self.measured - 1


def measure(workers: int, text: str = SWEEP) -> Replayed:
    """Run the sweep once on so many workers and play it again from what it recorded. Asserts that all is done."""
    with tempfile.TemporaryDirectory() as folder:
        sweep, store = Path(folder) / "replayed.yaml", Path(folder) / "store"
        sweep.write_text(text)
        words = ["run", str(sweep), "--store", str(store), "--workers", str(workers), "--wandb", "disabled", "--yes"]
        subprocess.run([sys.executable, "-m", "frostline", *words], stdout=subprocess.DEVNULL, check=True)
        asked = together([str(sweep)], Ledger(store), accelerator=False, replay=True)
        assert asked.actual is not None
        ends = {path.parent.name: path.stat().st_mtime for path in store.glob("*/*/*/result.json")}
        assert ends.keys() == asked.actual.keys()
        measured = max(ends.values()) - min(ends[id] - seconds for id, seconds in asked.actual.items())
        cluster = Cluster(workers, driver=DRIVER_SECONDS, store_rate=STORE_RATE)
        outcome = simulate(asked.plan, asked.expected, cluster, actual=asked.actual, batch_seconds=BATCH_SECONDS)
        return Replayed(workers, len(ends), measured, outcome.wall)


def line(numbers: tuple[int, ...] = (1, 2, 2, 2, 3, 3, 3)) -> str:
    """`replay: ...` with the median absolute error, after a row for each launch."""
    found = []
    for workers in numbers:
        found.append(one := measure(workers))
        print(
            f"  {one.workers} workers, {one.jobs} jobs: measured {one.measured:.1f} s, "
            f"predicted {one.predicted:.1f} s, {one.error:+.1%}",
            flush=True,
        )
    errors = sorted(abs(one.error) for one in found)
    return f"replay: off by {statistics.median(errors):.1%} (median of {len(found)}), at most {errors[-1]:.1%}"


if __name__ == "__main__":
    print(line(tuple(map(int, sys.argv[1:])) or (1, 2, 2, 2, 3, 3, 3)))
