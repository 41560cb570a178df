"""The words that a sweep may use, as the packages that run it know them: one place for rules that span sections."""

from __future__ import annotations

from collections.abc import Collection

from architectures import check_frozen, family_of, ladder_length
from sweeps.spec import ModelSpec, RunSpec
from tasks import canonical_name, parameter_names


class KnownWords:
    """`sweeps.vocabulary.Vocabulary`, from the families of `architectures` and the tasks of `tasks`."""

    def model(self, model: ModelSpec) -> ModelSpec:
        family_of(model)
        return model

    def task(self, name: str) -> str:
        return canonical_name(name)

    def task_parameters(self) -> Collection[str]:
        return parameter_names()

    def ladder_length(self, model: ModelSpec) -> int:
        return ladder_length(model)

    def check(self, run: RunSpec) -> None:
        check_frozen(run.model, run.transfer.frozen)
