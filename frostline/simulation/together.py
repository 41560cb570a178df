"""Several sweeps as one: what a simulation plays through."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from orchestrator.schedule.cost import CostModel, Estimate
from orchestrator.schedule.plan import Plan, planned
from orchestrator.store.ledger import Ledger
from sweeps.errors import SpecError


@dataclass(frozen=True)
class Together:
    """A plan over the jobs of all the sweeps, each once, and how long each job takes.

    expected: seconds by which the agenda orders them, by id; actual: what they took, where they are played again.
    """

    names: tuple[str, ...]
    plan: Plan
    expected: Mapping[str, float]
    actual: Mapping[str, float] | None
    device: str
    learnt_from: int
    total: Estimate

    @property
    def longest_chain(self) -> float:
        """Seconds of a source model and the longest run that starts from it: no number of workers is quicker."""
        seconds = self.expected if self.actual is None else self.actual
        runs = (seconds[job.id] + (seconds.get(job.needs, 0.0) if job.needs else 0.0) for job in self.plan.open_runs)
        return max((*runs, *(seconds[job.id] for job in self.plan.open_sources)), default=0.0)


def together(sweeps: Sequence[str], ledger: Ledger, accelerator: bool, replay: bool) -> Together:
    """What is left to do of the sweeps, at the durations that the store's results foretell.

    `replay`: all of it, done or not, at the durations that the results have; jobs are ordered as in a first launch,
    which knew none. Raises SpecError, in one line, for a sweep that is none, and where a result is missing.
    """
    plans = [planned(sweep, ledger) for sweep in sweeps]
    plan = Plan(
        plans[0].sweep,
        {id: job for each in plans for id, job in each.runs.items()},
        {id: job for each in plans for id, job in each.sources.items()},
    )
    plan.read_statuses(ledger)
    actual = None
    if replay:
        actual = {id: plan.seconds[id] for id in (*plan.sources, *plan.runs) if id in plan.seconds}
        missing = len(plan.sources) + len(plan.runs) - len(actual)
        if missing:
            raise SpecError(f"--replay: {missing} of {missing + len(actual)} jobs have no result in {ledger.location}")
        plan = _nothing_done(plan)
    model = CostModel.for_workers([] if replay else plan.samples, accelerator)
    costs = model.costs([*plan.open_sources, *plan.open_runs])
    names = tuple(each.sweep.name for each in plans)
    return Together(names, plan, costs.seconds, actual, model.device, model.samples, costs.total)


def _nothing_done(plan: Plan) -> Plan:
    return Plan(
        plan.sweep,
        plan.runs,
        plan.sources,
        statuses=dict.fromkeys((*plan.sources, *plan.runs), "missing"),
        open_runs=list(plan.runs.values()),
        open_sources=list(plan.sources.values()),
    )
