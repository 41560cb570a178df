"""What is still to be done and how long it will take: per family, in device hours and on a clock."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from orchestrator.schedule.agenda import Agenda
from orchestrator.schedule.cost import CostModel, Costs, Estimate
from orchestrator.schedule.plan import Plan
from orchestrator.schedule.simulate import makespan
from orchestrator.store.jobs import Job

MOST_SIMULATED = 20_000
"""Jobs up to which the wall time is played through; above, work over workers is as good and quicker."""


@dataclass(frozen=True)
class Forecast:
    """Of a plan's open jobs, on one device and so many workers."""

    device: str
    workers: int
    samples: int
    """Results that it was learnt from."""
    sources: int
    runs: int
    costs: Costs
    """Seconds of a worker: of each open job, of each family, of all together."""
    wall_seconds: float
    longest_chain: float
    """A source model and the longest run that starts from it, in seconds: no number of workers is quicker."""

    def wall_interval(self) -> tuple[float, float]:
        """As far off as the device time is."""
        factor = math.exp(1.96 * self.costs.total.spread)
        return self.wall_seconds / factor, self.wall_seconds * factor

    def as_json(self) -> dict[str, Any]:
        families = {family: {"jobs": jobs, **_json(time)} for family, (jobs, time) in self.costs.by_family.items()}
        return {
            "device": self.device,
            "workers": self.workers,
            "learnt_from": self.samples,
            "jobs": self.sources + self.runs,
            "device_seconds": _json(self.costs.total),
            "wall_seconds": {"expected": self.wall_seconds, "interval": list(self.wall_interval())},
            "longest_chain_seconds": self.longest_chain,
            "families": families,
        }

    def lines(self) -> list[str]:
        """For a person. Nothing where nothing is to be done."""
        if not self.sources + self.runs:
            return []
        known = (
            f"learnt from {self.samples} results; 95 % interval"
            if self.samples
            else "no results yet: a count of operations"
        )
        families = [f"{family} {jobs} jobs {shown(time)}" for family, (jobs, time) in self.costs.by_family.items()]
        low, high = self.wall_interval()
        return [
            f"device time: {shown(self.costs.total)} on {self.device} ({known})",
            *([f"  {'; '.join(families)}"] if len(families) > 1 else []),
            f"wall time: {span(self.wall_seconds)} ({span(low)} to {span(high)}) on {self.workers} workers",
        ]


def forecast(plan: Plan, workers: int, accelerator: bool = False) -> Forecast:
    """Of what the plan leaves to do. Of what runs now, the epochs that are still to come count.

    Runs that are blocked by a source model that failed count: they are tried again after it.
    """
    model = CostModel.for_workers(plan.samples, accelerator)
    sources, runs = plan.open_sources, plan.open_runs
    left = {id: 1 - done / asked for id, (done, asked) in plan.progress().items() if 0 < done <= asked}
    costs = model.costs([*sources, *runs], left)
    chain = _longest_chain(costs.seconds, sources, runs)
    wall = max(chain, costs.total.seconds / workers)
    if 0 < len(costs.seconds) <= MOST_SIMULATED:
        wall = makespan(Agenda(plan, costs.seconds, workers), workers, costs.seconds)
    return Forecast(
        device=model.device,
        workers=workers,
        samples=model.samples,
        sources=len(sources),
        runs=len(runs),
        costs=costs,
        wall_seconds=wall,
        longest_chain=chain,
    )


def _longest_chain(seconds: Mapping[str, float], sources: list[Job], runs: list[Job]) -> float:
    alone = [seconds[source.id] for source in sources]
    chains = (seconds[job.id] + (seconds.get(job.needs, 0.0) if job.needs else 0.0) for job in runs)
    return max((*alone, *chains), default=0.0)


def _json(time: Estimate) -> dict[str, Any]:
    return {"expected": time.seconds, "interval": list(time.interval())}


def shown(time: Estimate) -> str:
    """`12 min (10 to 15 min)`, in words."""
    low, high = time.interval()
    return f"{span(time.seconds)} ({span(low)} to {span(high)})"


def span(seconds: float) -> str:
    """A length of time as a person says it."""
    if seconds < 90:
        return f"{seconds:.0f} s" if seconds >= 10 else f"{seconds:.1f} s"
    if seconds < 5400:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.1f} h"
