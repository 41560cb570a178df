"""What a run costs that computes next to nothing, on a Ray cluster of three hosts (network namespaces; needs root).

    python -m benchmarks.noop.hosts [SIZES ...]

Head without cores, two workers with one each, the driver on the head, the store on a folder that they share. Prints for
each size milliseconds of wall time per run, and of the driver's CPU time, which other work on the machine changes less.
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.grid import stored_runs
from benchmarks.noop.here import SWEEP
from tests.hosts.machines import ROOT, Host, cannot, cluster, network


def measure(head: Host, folder: Path, runs: int) -> tuple[float, float]:
    """(wall seconds, CPU seconds of the driver) of a sweep of so many runs. Asserts that all are committed."""
    sweep, store = folder / f"noop-{runs}.yaml", folder / f"store-{runs}"
    sweep.write_text(SWEEP.format(last=runs - 1))
    began = time.perf_counter()
    words = ("frostline", "run", str(sweep), "--store", str(store), "--wandb", "disabled", "--address", "auto")
    driver = head.start("sh", "-c", f"exec {' '.join(words)} > {folder}/noop-{runs}.log 2>&1", PYTHONPATH=str(ROOT))
    _, code, used = os.wait4(driver.pid, 0)
    seconds = time.perf_counter() - began
    assert code == 0 and stored_runs(store) == runs, (folder / f"noop-{runs}.log").read_text()
    return seconds, used.ru_utime + used.ru_stime


def line(sizes: tuple[int, ...]) -> str:
    """`no-op run on 3 hosts: ...` with a figure for every size, and the last over the first."""
    names = ("head", "one", "two")
    with (
        tempfile.TemporaryDirectory() as temporary,
        network() as switch,
        cluster(switch, Path(temporary), names) as (head, *_),
    ):
        found = {runs: measure(head, Path(temporary), runs) for runs in sizes}
    parts = [
        f"{1000 * wall / runs:.1f} ms at {runs:,} ({1000 * cpu / runs:.1f} ms of the driver's CPU)"
        for runs, (wall, cpu) in found.items()
    ]
    first, last = sizes[0], sizes[-1]
    ratio = [found[last][which] / last / (found[first][which] / first) for which in (0, 1)]
    told = f"last over first {ratio[0]:.2f}x, CPU {ratio[1]:.2f}x (n = 1 each)"
    return f"no-op run on 3 hosts: {', '.join(parts)}; {told}"


if __name__ == "__main__":
    if why := cannot():
        sys.exit(f"error: {why}")
    print(line(tuple(int(size) for size in sys.argv[1:]) or (1000, 20_000)))
