"""What a run costs that computes next to nothing: the orchestrator's own price, on the real Ray path.

    python -m benchmarks.noop [SIZES ...]

Sweeps of runs that train for no epoch, each a whole command from its start to its end: planning, Ray's start, leases,
commits and the closing count included. Prints milliseconds of wall time per run and the driver's peak memory.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.grid import stored_runs

SWEEP = """
name: noop
about: Runs that train for no epoch.
base:
  source: null
  target: {{task: digits, size: 200}}
  model: {{family: resnet, depth: 8, width: 4}}
  train: {{epochs: 0}}
axes: {{seed: 0..{last}}}
"""


def measure(runs: int) -> tuple[float, float]:
    """(seconds, GiB of the driver's peak memory) of a sweep of so many runs. Asserts that all are committed."""
    with tempfile.TemporaryDirectory() as folder:
        sweep, store = Path(folder) / "noop.yaml", Path(folder) / "store"
        sweep.write_text(SWEEP.format(last=runs - 1))
        words = ["orchestrator", "run", str(sweep), "--store", str(store), "--wandb", "disabled"]
        began = time.perf_counter()
        driver = subprocess.Popen([sys.executable, "-m", *words], stdout=subprocess.DEVNULL)
        peak = 0.0
        while driver.poll() is None:
            peak = max(peak, _peak_gib(driver.pid))
            time.sleep(0.2)
        seconds = time.perf_counter() - began
        assert driver.returncode == 0 and stored_runs(store) == runs
        return seconds, peak


def line(sizes: tuple[int, ...] = (1000, 10_000)) -> str:
    """`no-op run: ...` with a figure for every size, and the last over the first."""
    found = {runs: measure(runs) for runs in sizes}
    each = {runs: 1000 * seconds / runs for runs, (seconds, _) in found.items()}
    parts = [f"{each[runs]:.1f} ms at {runs:,} ({found[runs][1]:.2f} GiB driver)" for runs in sizes]
    return f"no-op run: {', '.join(parts)}; last over first {each[sizes[-1]] / each[sizes[0]]:.2f}x (n = 1 each)"


def _peak_gib(pid: int) -> float:
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return 0.0
    found = [line.split()[1] for line in status.splitlines() if line.startswith("VmHWM")]
    return int(found[0]) / 2**20 if found else 0.0
