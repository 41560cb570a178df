"""One sweep run five ways: by Frostline, as the documentation shows it, with care (twice), and as bare loops.

    python -m benchmarks.grid [--repeats 1] [--plain-every 30] [--epochs 30]

All are whole commands, timed from their start to their end, one after the other in turn, on all cores of this machine.
`plain` and `careful` compute networks as timm has them; `careful_tuned` and the bare loops as the sweep's recipe says,
and their final test errors must be the product's float32 numbers, run by run, or the benchmark fails. Those of the
other two follow other roundings: their mean must not differ by more than three standard errors. The plain way takes
the longest and its trials share nothing, so of these every 30th is run, four on two cores, and its time in Tune is
taken 30 times; `--plain-every 1` runs all of them. `--epochs` is how long the runs train, if not as the sweep says.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path

import typer
import yaml

from orchestrator.schedule.plan import make_plan
from orchestrator.store.ledger import Ledger
from sweeps.sweep import read

SWEEP = Path(__file__).with_name("grid.yaml")
NAMES = ("frostline", "bare", "careful", "careful_tuned", "plain")
SAME_KERNELS = ("bare", "careful_tuned")
"""Ways that compute as the sweep's recipes say."""
TOLERANCE = 0.005
"""Of the mean final error of a way that rounds otherwise: two test images, where three standard errors are less."""
Errors = dict[str, float]


@dataclass
class Way:
    """One way to run the sweep: its wall times, and the final errors of its last time."""

    name: str
    every: int = 1
    seconds: list[float] = field(default_factory=list)
    errors: Errors = field(default_factory=dict)

    def run(self, sweep: Path, workers: int) -> None:
        with tempfile.TemporaryDirectory() as folder:
            out = Path(folder) / "out"
            began = time.perf_counter()
            _command(self._words(sweep, out, workers))
            self.seconds.append(time.perf_counter() - began)
            self._read(sweep, out)

    def _words(self, sweep: Path, out: Path, workers: int) -> list[str]:
        if self.name == "frostline":
            return ["orchestrator", "run", str(sweep), "--store", str(out), "--wandb", "disabled"]
        if self.name == "bare":
            return ["benchmarks.bare", str(sweep), str(out), str(workers)]
        if self.name == "plain":
            return ["benchmarks.peers.plain", str(sweep), str(out), str(self.every)]
        words = ["benchmarks.peers.careful", str(sweep), str(out)]
        return [*words, "kernels"] if self.name == "careful_tuned" else words

    def _read(self, sweep: Path, out: Path) -> None:
        if self.name == "frostline":
            self.errors = stored_errors(sweep, out)
            return
        content = json.loads(out.read_text())
        if self.name == "bare":
            self.seconds[-1], content = content["seconds"], content["errors"]
        elif self.name == "plain":
            self.seconds[-1] += (self.every - 1) * content["seconds"]
            content = content["errors"]
        self.errors = content


def stored_errors(sweep: Path, store: Path) -> Errors:
    """Final test error of every run of a sweep in a store."""
    ledger = Ledger(store)
    errors: Errors = {}
    for id, job in make_plan(read(str(sweep)), ledger).runs.items():
        record = ledger.result(job)
        assert record is not None, f"{job.name} has no result"
        errors[id] = ledger.curve(record)[-1].test_error
    return errors


def stored_runs(store: Path) -> int:
    """How many runs a store holds results of."""
    return sum(1 for _ in store.glob("runs/*/*/result.json"))


def differing(errors: Errors, reference: Errors, tolerance: float = 1e-6) -> list[str]:
    """Runs whose final error is another number; 1e-6 is the precision of float32, in which the peers report it."""
    assert errors and errors.keys() <= reference.keys()
    return [id for id, error in errors.items() if abs(error - reference[id]) > tolerance]


def measure(repeats: int, plain_every: int, sweep: Path = SWEEP) -> dict[str, Way]:
    """Run the ways in turn, `repeats` times; the plain one once, or not at all if `plain_every` is 0.

    Asserts equal errors.
    """
    workers = os.cpu_count() or 1
    ways = {name: Way(name, plain_every if name == "plain" else 1) for name in NAMES}
    for turn in range(repeats):
        for way in ways.values():
            if way.name != "plain" or (plain_every and turn == 0):
                way.run(sweep, workers)
                print(f"  {way.name}: {way.seconds[-1]:.1f} s", flush=True)
    reference = ways["frostline"].errors
    for way in ways.values():
        if way.name in SAME_KERNELS:
            wrong = differing(way.errors, reference)
            assert not wrong, f"{way.name}: {len(wrong)} of {len(way.errors)} final errors differ: {wrong[:3]}"
        elif way.errors:
            mean, error = mean_difference(way.errors, reference)
            assert abs(mean) <= max(3 * error, TOLERANCE), f"{way.name}: final errors differ by {mean} +- {error}"
    return ways


def mean_difference(errors: Errors, reference: Errors) -> tuple[float, float]:
    """Of the final errors of a way from the reference's, run by run, and its standard error."""
    found = [error - reference[id] for id, error in errors.items()]
    return statistics.fmean(found), statistics.stdev(found) / len(found) ** 0.5


def lines(repeats: int = 1, plain_every: int = 30, sweep: Path = SWEEP) -> list[str]:
    """`against plain`, `against careful` and `trial overhead`, each with the spread of its repeats."""
    ways = measure(repeats, plain_every, sweep)
    own, workers = ways["frostline"].seconds, os.cpu_count() or 1
    peers = [ways[name] for name in ("plain", "careful", "careful_tuned") if ways[name].seconds]
    errors = ways["frostline"].errors
    found = [f"against {peer.name}: {ratio(peer.seconds, own)}; {_equal(peer, errors)}" for peer in peers]
    overhead = ratio([workers * seconds for seconds in own], ways["bare"].seconds)
    return [*found, f"trial overhead: {overhead}; workers x wall over the computing of bare loops"]


def ratio(above: list[float], below: list[float]) -> str:
    """Median over median, and the least and largest that pairs of repeats give."""
    pairs = [a / b for a in above for b in below]
    middle = statistics.median(above) / statistics.median(below)
    times = f"medians {statistics.median(above):.0f} s and {statistics.median(below):.0f} s"
    return f"{middle:.2f}x ({min(pairs):.2f} to {max(pairs):.2f}, n = {len(above)} and {len(below)}, {times})"


def _equal(peer: Way, errors: Errors) -> str:
    scaled = f", its time in Tune times {peer.every}" if peer.every > 1 else ""
    if peer.name in SAME_KERNELS:
        return f"{len(peer.errors)} runs{scaled}, final errors equal"
    mean, error = mean_difference(peer.errors, errors)
    return f"{len(peer.errors)} runs{scaled}, final errors {mean:+.4f} +- {error:.4f} from ours"


def _command(words: list[str]) -> None:
    done = subprocess.run([sys.executable, "-m", *words], capture_output=True, text=True)
    if done.returncode != 0:
        raise RuntimeError(f"{' '.join(words)}: exit {done.returncode}\n{done.stdout[-2000:]}\n{done.stderr[-4000:]}")


def main(repeats: int = 1, plain_every: int = 30, epochs: int = 0, sweep: Path = SWEEP) -> None:
    with tempfile.TemporaryDirectory() as folder:
        longer = Path(folder) / sweep.name
        content = yaml.safe_load(sweep.read_text())
        if epochs:
            content["base"]["train"]["epochs"] = epochs
        longer.write_text(yaml.safe_dump(content, sort_keys=False))
        for line in lines(repeats, plain_every, longer):
            print(line)


if __name__ == "__main__":
    typer.run(main)
