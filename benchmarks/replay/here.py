"""Sweeps on workers of this machine, each played again by the simulator.

    python -m benchmarks.replay [WORKERS ...]

Each number of workers is one launch on Ray of its own, into an empty store.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

from benchmarks.replay.prediction import Replayed, replayed, row, total

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


def measure(workers: int, text: str = SWEEP) -> Replayed:
    """Run the sweep once on so many workers and play it again from what it recorded. Asserts that all is done."""
    with tempfile.TemporaryDirectory() as folder:
        sweep, store = Path(folder) / "replayed.yaml", Path(folder) / "store"
        sweep.write_text(text)
        words = ["run", str(sweep), "--store", str(store), "--workers", str(workers), "--wandb", "disabled", "--yes"]
        subprocess.run([sys.executable, "-m", "frostline", *words], stdout=subprocess.DEVNULL, check=True)
        return replayed(sweep, store, workers)


def line(numbers: tuple[int, ...] = (1, 2, 2, 2, 3, 3, 3)) -> str:
    """`replay: ...` with the median absolute error, after a row for each launch."""
    found: list[Replayed] = []
    for workers in numbers:
        found.append(measure(workers))
        print(row(found[-1]), flush=True)
    return f"replay: {total(found)}"
