"""How far the forecast of a sweep is from what it took, when a tenth of it is in the store.

    python -m benchmarks.forecast

Every job of a mixed grid (three families, frozen depths, sizes, epochs) is really trained and committed, in an order
drawn at random, in this process. Then, many times over, a random tenth of the results is taken for the store's history
and the rest is forecast and compared with what it took. The recorded sweeps of benchmarks/recorded are judged as well.
"""

from __future__ import annotations

import os
import platform
import random
import statistics
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import typer

from benchmarks.makespan import RECORDED, read
from orchestrator.schedule.cost import CostModel, Sample, work_of
from orchestrator.schedule.plan import make_plan
from orchestrator.store.jobs import Job
from orchestrator.store.ledger import Ledger
from sweeps.sweep import parse

SWEEP = """
name: forecast-{seeds}
edition: 1
base:
  source: {{task: "glyphs[A-Z]", size: 400, epochs: 2}}
  target: {{task: digits, size: 400, label_noise: 0.2}}
  model: {{family: resnet, depth: 8, width: 8}}
  train: {{optimizer: sgd, learning_rate: 0.02, momentum: 0.9, epochs: 6}}
axes: {{}}
blocks:
  - axes: {{transfer.frozen: [0, 2, 4, 6, 7], target.size: [200, 600], source.size: [200, 600], seed: 0..{last}}}
  - base: {{model: {{family: densenet, depth: 10}}}}
    axes: {{transfer.frozen: [0, 2, 3, 4], target.size: [200, 600], source.size: [200, 600], seed: 0..{last}}}
  - base: {{model: {{family: vit, depth: 2, width: 32}}}}
    axes: {{transfer.frozen: [0, 1, 2, 3], target.size: [200, 600], source.size: [200, 600], seed: 0..{last}}}
"""


class Errors(NamedTuple):
    """Over draws of the tenth: the forecast's relative errors, and how often the interval held the actual total."""

    absolute: list[float]
    inside: float

    def quantile(self, share: float) -> float:
        return sorted(self.absolute)[min(len(self.absolute) - 1, int(share * len(self.absolute)))]


def trained(seeds: int, folder: Path) -> dict[Job, float]:
    """What each job of the grid really took, in seconds."""
    from orchestrator.train.trial import TrialOptions, run_trial  # torch
    from orchestrator.train.worker_state import WorkerState

    ledger = Ledger(folder)
    ledger.open()
    plan = make_plan(parse(SWEEP.format(seeds=seeds, last=seeds - 1)), ledger)
    options = TrialOptions(folder)
    state = WorkerState(options)
    for jobs in (list(plan.sources.values()), list(plan.runs.values())):
        random.Random(0).shuffle(jobs)
        for job in jobs:
            assert run_trial(job, options, state) == "done", job.name
    plan.read_statuses(ledger)
    return {job: plan.seconds[job.id] for job in (*plan.sources.values(), *plan.runs.values())}


def errors(seconds: dict[Job, float], draws: int, share: float = 0.1) -> Errors:
    """Draw a share as history, forecast the rest, compare."""
    rng, jobs = random.Random(1), list(seconds)
    history = {job: Sample(job.spec.model.family, "cpu", work_of(job), taken) for job, taken in seconds.items()}
    found, inside = [], 0
    for _ in range(draws):
        rng.shuffle(jobs)
        known, rest = jobs[: round(share * len(jobs))], jobs[round(share * len(jobs)) :]
        told = CostModel(history[job] for job in known).total(rest)
        actual = sum(seconds[job] for job in rest)
        low, high = told.interval()
        inside += low <= actual <= high
        found.append(abs(told.seconds / actual - 1))
    return Errors(found, inside / draws)


def said(name: str, seconds: Sequence[float], of: Errors) -> str:
    within = sum(error <= 0.25 for error in of.absolute) / len(of.absolute)
    return (
        f"  {name}: {len(seconds)} jobs, {sum(seconds):.0f} s; median error {statistics.median(of.absolute):.1%}, 95 % "
        f"within {of.quantile(0.95):.1%}, {within:.0%} of draws within 25 %, 95 % interval held in {of.inside:.0%}"
    )


def line(seeds: int = 3, draws: int = 500) -> str:
    """Train the grid, judge it and the recorded sweeps, and say in one line what came of the grid."""
    with tempfile.TemporaryDirectory(prefix="frostline-forecast-") as folder:
        real = trained(seeds, Path(folder) / "store")
    for path in sorted(RECORDED.glob("*.json")):
        kept = read(path)
        taken = {job: kept.seconds[job.id] for job in (*kept.plan.sources.values(), *kept.plan.runs.values())}
        print(said(f"recorded {kept.name}", list(taken.values()), errors(taken, draws)))
    found = errors(real, draws)
    print(said("trained now", list(real.values()), found))
    return (
        f"forecast: median error {statistics.median(found.absolute):.1%}, 95 % of draws within "
        f"{found.quantile(0.95):.1%} (n = {draws} draws of a tenth of {len(real)} jobs)"
    )


def main(seeds: int = 3, draws: int = 500) -> None:
    print(line(seeds, draws))
    print(f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}, Python {platform.python_version()}")


if __name__ == "__main__":
    typer.run(main)
