"""How close the agenda comes to the shortest time possible, played through over recorded durations of real sweeps.

    python -m benchmarks.makespan                                     # all recordings
    python -m benchmarks.makespan --record SWEEP.yaml --store STORE   # add one, from a finished sweep

A recording holds a sweep's text and what each of its jobs took. The agenda orders jobs by what it predicts: from a
tenth of the results, drawn at random, as when a tenth of a sweep was in the store before. Its real class is driven with
an imagined clock; first-come-first-served takes ready jobs in the order in which they became ready. The lower bound is
max(longest chain, total / workers). Where few sources hold up all the runs no order comes near it: the bound used then
also knows that workers without a source to train must wait for the first to end.
"""

from __future__ import annotations

import heapq
import json
import random
import statistics
import tempfile
from collections import defaultdict, deque
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, NamedTuple

import typer

from orchestrator.schedule.agenda import BATCH_SECONDS, Agenda
from orchestrator.schedule.cost import CostModel, Sample, work_of
from orchestrator.schedule.plan import Plan, make_plan
from orchestrator.schedule.simulate import makespan
from orchestrator.store.jobs import Job
from orchestrator.store.ledger import Ledger
from sweeps.sweep import parse

RECORDED = Path(__file__).parent / "recorded"
WORKERS = (2, 8, 32)


class Recording(NamedTuple):
    name: str
    plan: Plan
    seconds: dict[str, float]


def record(sweep: Path, store: Path) -> Path:
    """Keep what each job of a finished sweep took."""
    text = sweep.read_text()
    plan = make_plan(parse(text), Ledger(store))
    assert not plan.open_runs, f"{len(plan.open_runs)} runs have no result"
    path = RECORDED / f"{plan.sweep.name}.json"
    seconds = {id: round(plan.seconds[id], 4) for id in (*plan.sources, *plan.runs)}
    path.write_text(json.dumps({"sweep": text, "seconds": seconds}, indent=0) + "\n")
    return path


def read(path: Path) -> Recording:
    """A recording as a plan of which nothing is done yet."""
    content = json.loads(path.read_text())
    with tempfile.TemporaryDirectory() as empty:
        plan = make_plan(parse(content["sweep"]), Ledger(Path(empty)))
    assert content["seconds"].keys() == plan.sources.keys() | plan.runs.keys(), f"{path}: ids have changed"
    return Recording(plan.sweep.name, plan, content["seconds"])


def learnt(recording: Recording, share: float = 0.1, seed: int = 0) -> CostModel:
    """The cost model after a share of the sweep's jobs."""
    jobs = [*recording.plan.sources.values(), *recording.plan.runs.values()]
    drawn = random.Random(seed).sample(jobs, max(1, round(share * len(jobs))))
    return CostModel(Sample(job.spec.model.family, "cpu", work_of(job), recording.seconds[job.id]) for job in drawn)


def first_come_first_served(recording: Recording, workers: int) -> float:
    """Makespan of a queue: sources as the sweep names them, a source's runs behind it once it is done."""
    seconds, plan = recording.seconds, recording.plan
    behind: defaultdict[str, list[Job]] = defaultdict(list)
    for run in plan.runs.values():
        behind[run.needs or ""].append(run)
    ready = deque([*plan.sources.values(), *behind.pop("", [])])
    busy: list[tuple[float, int, Job]] = []
    now, taken = 0.0, 0
    while ready or busy:
        while ready and len(busy) < workers:
            job, taken = ready.popleft(), taken + 1
            heapq.heappush(busy, (now + seconds[job.id], taken, job))
        now, _, ended = heapq.heappop(busy)
        ready.extend(behind.pop(ended.id, []))
    return now


def lower_bounds(recording: Recording, workers: int) -> tuple[float, float]:
    """(max(longest chain, total / workers), the same with the wait for the first source counted)."""
    seconds, plan = recording.seconds, recording.plan
    chain = max(
        [seconds[job.id] for job in plan.sources.values()]
        + [seconds[job.id] + (seconds[job.needs] if job.needs else 0.0) for job in plan.runs.values()]
    )
    total = sum(seconds.values())
    simple = max(chain, total / workers)
    if any(job.needs is None for job in plan.runs.values()) or len(plan.sources) >= workers:
        return simple, simple
    # Until the first source ends, no more workers than sources have anything to do.
    wait = min(seconds[id] for id in plan.sources)
    idle = (workers - len(plan.sources)) * wait
    return simple, max(simple, (total + idle) / workers)


class Measured(NamedTuple):
    sweep: str
    workers: int
    bound: float
    tight: float
    ours: float
    in_batches: float
    served: float
    informed: float


def measured(recording: Recording, workers: int, draws: int = 5) -> Measured:
    """Makespans in seconds; ours is the median over draws of the tenth that is known before."""
    actual = recording.seconds
    jobs = [*recording.plan.sources.values(), *recording.plan.runs.values()]

    def ours(predicted: Mapping[str, float], batch_seconds: float) -> float:
        return makespan(Agenda(recording.plan, predicted, workers), workers, actual, batch_seconds)

    told = [learnt(recording, seed=seed).costs(jobs).seconds for seed in range(draws)]
    return Measured(
        recording.name,
        workers,
        *lower_bounds(recording, workers),
        statistics.median(ours(costs, 0.0) for costs in told),
        statistics.median(ours(costs, BATCH_SECONDS) for costs in told),
        first_come_first_served(recording, workers),
        ours(actual, 0.0),
    )


def line(draws: int = 5) -> str:
    """All recordings and numbers of workers; the worst of them in one line."""
    found = [measured(read(path), workers, draws) for path in sorted(RECORDED.glob("*.json")) for workers in WORKERS]
    print("sweep, workers: makespan / bound (in batches; foreseeing all), first come first served / bound")
    for one in found:
        loose = f", {one.ours / one.bound:.2f}x max(chain, total / workers)" if one.tight > one.bound else ""
        print(
            f"  {one.sweep}, {one.workers}: {one.ours / one.tight:.3f} ({one.in_batches / one.tight:.3f}; "
            f"{one.informed / one.tight:.3f}), {one.served / one.tight:.3f}{loose}"
        )
    worst = max(one.ours / one.tight for one in found)
    served = max(one.served / one.tight for one in found)
    longer = max(one.ours / one.served for one in found) - 1
    return (
        f"makespan: {worst:.2f}x the lower bound (worst of {len(found)}), FCFS {served:.2f}x; "
        f"against FCFS, side by side, at worst {longer:+.2%}"
    )


def main(
    record_sweep: Annotated[Path | None, typer.Option("--record", help="a finished sweep's YAML file")] = None,
    store: Path = Path("store"),
    draws: int = 5,
) -> None:
    if record_sweep is not None:
        print(record(record_sweep, store))
    else:
        print(line(draws))


if __name__ == "__main__":
    typer.run(main)
