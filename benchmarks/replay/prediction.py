"""What the simulator says of a sweep that was really run: its makespan, from the durations that it recorded.

Measured is the time from the first job's beginning to the last one's commit. `simulate` is given what each job took,
and the measured limits of driver and store; not given are the order of the jobs, their places, and which workers wait
for each other.
"""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from frostline.simulation.together import together
from orchestrator.schedule.agenda import BATCH_SECONDS
from orchestrator.schedule.cluster_model import DRIVER_SECONDS, STORE_RATE, Cluster
from orchestrator.schedule.simulate import simulate
from orchestrator.store.ledger import Ledger


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


def replayed(sweep: Path, store: Path, workers: int) -> Replayed:
    """A sweep that so many workers have run into an empty folder. Asserts that all of it is done."""
    asked = together([str(sweep)], Ledger(store), accelerator=False, replay=True)
    assert asked.actual is not None
    ends = {path.parent.name: path.stat().st_mtime for path in store.glob("*/*/*/result.json")}
    assert ends.keys() == asked.actual.keys()
    measured = max(ends.values()) - min(ends[id] - seconds for id, seconds in asked.actual.items())
    cluster = Cluster(workers, driver=DRIVER_SECONDS, store_rate=STORE_RATE)
    outcome = simulate(asked.plan, asked.expected, cluster, actual=asked.actual, batch_seconds=BATCH_SECONDS)
    return Replayed(workers, len(ends), measured, outcome.wall)


def row(one: Replayed, of: str = "workers") -> str:
    return (
        f"  {one.workers} {of}, {one.jobs} jobs: measured {one.measured:.1f} s, predicted {one.predicted:.1f} s, "
        f"{one.error:+.1%}"
    )


def total(found: Sequence[Replayed]) -> str:
    """The median absolute error, and the largest."""
    errors = sorted(abs(one.error) for one in found)
    return f"off by {statistics.median(errors):.1%} (median of {len(found)}), at most {errors[-1]:.1%}"
