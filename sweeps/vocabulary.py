"""What the packages beside this one know of a sweep's words. Expansion is given it; `sweeps` imports none of them."""

from __future__ import annotations

from collections.abc import Collection
from typing import Protocol

from sweeps.spec import ModelSpec, RunSpec


class Vocabulary(Protocol):
    """Networks, tasks and training methods, as far as a sweep speaks of them.

    `model` and `task` are asked once for each distinct section of a grid, `check` for every run. Each raises ValueError
    with one line that names the field, the value and what is allowed.
    """

    def model(self, model: ModelSpec, /) -> ModelSpec:
        """The network in its canonical form. Raises ValueError where there is no such family,
        or where it has no such network."""
        ...

    def task(self, name: str, /) -> str:
        """The one name of a task: equal data, equal name. Raises ValueError for a name that means no task."""
        ...

    def task_parameters(self) -> Collection[str]:
        """The names of all parameters that tasks have: what may follow `source.task.` in an axis or a filter."""
        ...

    def ladder_length(self, model: ModelSpec, /) -> int:
        """The number of units of a network, its head included."""
        ...

    def check(self, run: RunSpec, /) -> None:
        """Rules that need two sections of a run: a frozen depth within its network's ladder, say."""
        ...
