"""The words that a sweep may use, as the packages that run it know them, and the rules that span its sections.

A rule that needs two sections of a run stands here and nowhere else: one function, one line in RULES. Expansion asks it
of every run that the sweep's filter keeps, whether its sections met through an axis, a block or `transfer.frozen: all`.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence

from architectures import check_frozen, family_of, ladder_length
from orchestrator.train.methods.table import check_methods
from sweeps.spec import ModelSpec, RunSpec
from tasks import canonical_name, parameter_names

Rule = Callable[[RunSpec], None]
"""Raises ValueError with one line that names the field, its value and what is allowed. Asked 100,000 times in a large
sweep: it reads fields and looks nothing up on disk (what needs the data is `tasks.check`)."""


def frozen_units_exist(run: RunSpec) -> None:
    """`transfer.frozen` is a depth of the network's ladder."""
    check_frozen(run.model, run.transfer.frozen)


RULES: tuple[Rule, ...] = (frozen_units_exist, check_methods)


class KnownWords:
    """`sweeps.vocabulary.Vocabulary`, from the families of `architectures`, the tasks of `tasks`, and RULES."""

    def __init__(self, rules: Sequence[Rule] = RULES) -> None:
        self._rules = tuple(rules)
        self._tasks: dict[str, str] = {}
        """Names as given and as they are. What is at a path is looked at once: a plan is of one moment."""

    def model(self, model: ModelSpec) -> ModelSpec:
        family_of(model)
        return model

    def task(self, name: str) -> str:
        if name not in self._tasks:
            self._tasks[name] = canonical_name(name)
        return self._tasks[name]

    def task_parameters(self) -> Collection[str]:
        return parameter_names()

    def ladder_length(self, model: ModelSpec) -> int:
        return ladder_length(model)

    def check(self, run: RunSpec) -> None:
        """Ask all rules of a run. Raises ValueError with the line of the first that refuses it."""
        for rule in self._rules:
            rule(run)
