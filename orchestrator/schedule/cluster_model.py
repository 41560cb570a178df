"""What a simulated cluster is like, and what became of a sweep on it. All times are in seconds."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from sweeps.errors import SpecError

DRIVER_SECONDS = 0.025
"""The driver's time for each batch: the slowest of `benchmarks.noop` on two cores, per trial of Tune."""
STORE_RATE = 2000.0
"""Operations a second of a folder on a local ext4 disk, each made durable, from 16 threads (docs/scaling.md)."""
STORE_OPERATIONS = 6.0
"""Writes of a job, from its claim to its commit."""
BEAT_SECONDS = 2.0
"""Between two heartbeats of a job that runs (orchestrator/store/folder.py)."""
SPREAD = 0.065
"""Of jobs that differ in their seed alone, in three recorded sweeps (benchmarks/recorded): 0.046 to 0.087."""
START_SECONDS = 30.0
"""From a node's arrival until its workers have loaded what they need."""
REPLACED_SECONDS = 300.0
NOTICED_SECONDS = 130.0
"""Ray declares a silent node dead after 64 s, as measured, and its workers' leases expire after 60 s."""
SAVED_SECONDS = 60.0
"""Between two checkpoints where epochs are shorter: 0.6 s of saving at 1 % of a run's time."""


ALLOWED = {
    "workers": (1, math.inf),
    "per_node": (1, math.inf),
    "start": (0, math.inf),
    "driver": (0, math.inf),
    "store_rate": (0, math.inf),
    "beat": (0.1, math.inf),
    "spread": (0, 2),
    "slow_nodes": (0, 1),
    "slow_factor": (1, math.inf),
    "lost_per_hour": (0, 0.99),
    "notice": (0, math.inf),
    "replaced": (0, math.inf),
    "noticed": (0, math.inf),
    "saved": (0, math.inf),
}


@dataclass(frozen=True)
class Cluster:
    """Workers are equal, each runs one job at a time, `per_node` of them share a node and its fate.

    By default nothing but the jobs takes time. Raises SpecError, in one line, for a value that cannot be.
    """

    workers: int
    per_node: int = 1
    start: float = 0.0
    """From the launch, or from a new node's arrival, until its workers take their first job."""
    driver: float = 0.0
    """The driver's time for each batch; it does one after the other."""
    store_rate: float = math.inf
    """Operations per second that the store can do, for all workers together."""
    beat: float = BEAT_SECONDS
    spread: float = 0.0
    """Standard deviation of the natural logarithm of a job's actual over its expected seconds; their mean is 1."""
    slow_nodes: float = 0.0
    """Share of nodes on which everything takes `slow_factor` times as long."""
    slow_factor: float = 1.5
    lost_per_hour: float = 0.0
    """Share of nodes that are lost in an hour, each independently of the others."""
    notice: float = 0.0
    """How long before its loss a node is told, so that runs whose epochs are shorter save and go elsewhere."""
    replaced: float = REPLACED_SECONDS
    """Until another node stands in a lost one's place."""
    noticed: float = NOTICED_SECONDS
    """From the loss of a node without notice until its jobs run again elsewhere."""
    saved: float = SAVED_SECONDS

    def __post_init__(self) -> None:
        for name, (low, high) in ALLOWED.items():
            value = getattr(self, name)
            if not low <= value <= high:  # nan is refused too
                bound = f"{low:g} or more" if high == math.inf else f"{low:g} to {high:g}"
                raise SpecError(f"--{name.replace('_', '-')} {value:g}: allowed: {bound}")
        if self.heartbeats() >= self.store_rate:
            raise SpecError(
                f"--store-rate {self.store_rate:g}: {self.workers} workers write {self.heartbeats():g} heartbeats a "
                "second alone; allowed: more than that, or a longer --beat"
            )

    def heartbeats(self) -> float:
        """A second, while all workers are busy."""
        return self.workers / self.beat

    def commit(self) -> float:
        """Seconds for which a job's own operations keep the store busy, heartbeats in between."""
        if self.store_rate == math.inf:
            return 0.0
        return STORE_OPERATIONS / (self.store_rate - self.heartbeats())


@dataclass
class Outcome:
    """Of one simulated launch, in worker-seconds unless said. `held` is the five parts of `as_json` together."""

    wall: float = 0.0
    held: float = 0.0
    """Time for which workers were there, until the sweep's end."""
    held_until_idle: float = 0.0
    """The same where each node is given back once it has run its last job."""
    useful: float = 0.0
    """Each job once, at a normal node's pace."""
    slowed: float = 0.0
    """What slower nodes took beside that."""
    redone: float = 0.0
    """Computed, and lost with a node before it was saved."""
    waited: float = 0.0
    """For the driver, for the store, and for new nodes to start working."""
    nodes_lost: int = 0
    batches: int = 0
    done: int = 0
    failed: int = 0
    """Jobs that ended as failed, and runs that wait for such a source model."""
    driver_busy: float = 0.0
    store_busy: float = 0.0

    @property
    def idle(self) -> float:
        """Workers that were there while nothing was ready, the end of the sweep above all."""
        return max(0.0, self.held - self.useful - self.slowed - self.redone - self.waited)

    @property
    def efficiency(self) -> float:
        """Useful time over time held until the sweep's end."""
        return self.useful / self.held if self.held else 1.0

    @property
    def efficiency_until_idle(self) -> float:
        """The same where each node is given back once it has run its last job."""
        return self.useful / self.held_until_idle if self.held_until_idle else 1.0

    def as_json(self) -> dict[str, Any]:
        shares = {name: getattr(self, name) for name in ("useful", "slowed", "redone", "waited", "idle")}
        return {
            "wall_seconds": self.wall,
            "held_worker_seconds": self.held,
            "held_until_idle_worker_seconds": self.held_until_idle,
            "efficiency": self.efficiency,
            "efficiency_until_idle": self.efficiency_until_idle,
            "worker_seconds": shares,
            "nodes_lost": self.nodes_lost,
            "batches": self.batches,
            "done": self.done,
            "failed": self.failed,
            "driver_busy": self.driver_busy / self.wall if self.wall else 0.0,
            "store_busy": self.store_busy / self.wall if self.wall else 0.0,
        }
