"""What an edition's arithmetic brings: the pinned quickstart under two editions, each into an empty store, in turn.

    python -m benchmarks.arithmetic.editions [--repeats 3] [--runner ray]

Whole commands, from start to end, in turn; the ratio is of wall times, on all cores of the machine. With `--runner
local` the ratio of CPU times is printed too (Ray's processes are not this one's children, so theirs cannot be summed).
The verdicts along axes are printed: they are to be the same under both. The sweep is kept beside this file, since the
catalog's may change.
"""

from __future__ import annotations

import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import typer
import yaml

import frostline
from benchmarks.grid import ratio

SWEEP = Path(__file__).with_name("quickstart.yaml")
EDITIONS = (1, 2)


def children_seconds() -> float:
    """CPU seconds of this process's children that have ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def timed(sweep: Path, runner: str, store: Path) -> tuple[float, float, list[str]]:
    """Wall and CPU seconds of one run into an empty store, and its verdicts along axes."""
    began, used = time.perf_counter(), children_seconds()
    command(["run", str(sweep), "--store", str(store), "--wandb", "disabled", "--runner", runner])
    wall, cpu = time.perf_counter() - began, children_seconds() - used
    rows = frostline.load(sweep, store).verdicts.to_dict("records")
    words = ("shape", "significance", "strength")
    return wall, cpu, [f"{row['group']}: {', '.join(str(row[word]) for word in words)}" for row in rows]


def command(words: list[str]) -> None:
    done = subprocess.run([sys.executable, "-m", "frostline", *words], capture_output=True, text=True)
    if done.returncode != 0:
        raise RuntimeError(f"{' '.join(words)}: exit {done.returncode}\n{done.stdout[-2000:]}\n{done.stderr[-2000:]}")


def under(edition: int, folder: Path) -> Path:
    """The sweep of an edition, as a file."""
    path = folder / f"edition{edition}.yaml"
    path.write_text(yaml.safe_dump({**yaml.safe_load(SWEEP.read_text()), "edition": edition}, sort_keys=False))
    return path


def main(repeats: int = 3, runner: str = "ray") -> None:
    wall: dict[int, list[float]] = {edition: [] for edition in EDITIONS}
    cpu: dict[int, list[float]] = {edition: [] for edition in EDITIONS}
    for turn in range(repeats):
        for edition in EDITIONS if turn % 2 == 0 else EDITIONS[::-1]:
            with tempfile.TemporaryDirectory() as folder:
                seconds, used, verdicts = timed(under(edition, Path(folder)), runner, Path(folder) / "store")
            wall[edition].append(seconds)
            cpu[edition].append(used)
            print(f"edition {edition}: {seconds:.1f} s; {'; '.join(verdicts)}", flush=True)
    old, new = EDITIONS
    print(f"wall time, edition {new} over edition {old}: {ratio(wall[new], wall[old])}")
    if runner == "local":
        print(f"CPU time, edition {new} over edition {old}: {ratio(cpu[new], cpu[old])}")


if __name__ == "__main__":
    typer.run(main)
