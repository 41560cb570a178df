"""What a training method is: the interface between the trial, the cost model, the rules of a sweep, and a method.

No torch is imported here: a plan asks methods for their rules and their work.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, NamedTuple, Protocol

from sweeps.records import EpochRecord
from sweeps.seeds import Role
from sweeps.spec import LabelledSet, ModelSpec, Recipe, RunSpec, TransferSpec

if TYPE_CHECKING:
    from architectures import Network
    from orchestrator.train.device import RunDevice
    from orchestrator.train.inputs import Inputs
    from orchestrator.train.methods.reports import EpochReports
    from tasks import TaskData


class Work(NamedTuple):
    """How much of each kind of work a job is. Seconds are a sum over kinds, each with a rate (schedule/cost.py)."""

    job: float
    """Always 1: what a job takes besides the other kinds."""
    epochs: float
    steps: float
    """Optimizer steps; for a method without any, the solves of its linear systems."""
    calls: float
    """Operator calls."""
    elements: float
    """Elements that operators write, over all images."""
    multiply_adds: float


class SourceTask(NamedTuple):
    """What a source model learnt: the model, its head included, and the data of its task."""

    network: Network
    data: TaskData
    inputs: Inputs
    """The images."""


class Setting(NamedTuple):
    """What a method is given of one job. It trains `network` in place."""

    network: Network
    """On the device, its source weights inherited, its first units frozen."""
    data: TaskData
    """On the device."""
    inputs: Inputs
    """What the trained part of the network reads: activations of the frozen prefix, or the images."""
    recipe: Recipe
    transfer: TransferSpec
    """What the target keeps of its start; of a source model, nothing."""
    role: Role
    seed: int
    device: RunDevice
    source: SourceTask | None = None
    """Of a target, where the recipe measures what it forgets of its source."""


class Trained(NamedTuple):
    """What a method gives back."""

    curve: list[EpochRecord]
    """One row per epoch. `evaluation.evaluate` measures the error and loss fields of a row."""
    diverged: bool = False
    """Training ended early, because a loss of the last row is not a finite number."""
    notes: tuple[str, ...] = ()
    """For the run's record: checkpoints that could not be written, say."""
    measures: Mapping[str, list[float]] = {}
    """For the run's record: of each measure its value at each row of the curve."""


class Method(Protocol):
    """One row of the table METHODS."""

    def check(self, run: RunSpec, role: Role) -> None:
        """Raise ValueError for a run that this method cannot train.

        It is asked for every run of a sweep whose source (`role` is `source`) or target names the method. The message
        is one line that names the field, its value and what is allowed.
        """
        ...

    def work(self, model: ModelSpec, part: LabelledSet, recipe: Recipe, transfer: TransferSpec) -> Work:
        """The work of a job, from its spec alone. Raises ValueError for an unknown task."""
        ...

    def train(self, setting: Setting, reports: EpochReports) -> Trained:
        """Train the network.

        Calls `reports.trained(row)` after each epoch. That returns True when the process was asked to stop: a method
        that can go on later saves its state (`reports.lease.place` is its folder) and raises `stopping.Stopped`; one
        that cannot may run to its end. Raises what training raises; the trial writes it down.
        """
        ...
