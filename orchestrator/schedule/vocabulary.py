"""The words that a sweep may use, as the packages that run it know them, and the rules that span its sections.

A rule that needs two sections of a run stands here and nowhere else: one function, one line in RULES. Expansion asks it
of every run that the sweep's filter keeps, whether its sections met through an axis, a block or `transfer.frozen: all`.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence

from architectures import canonical_model, check_frozen, family_of, ladder_length
from orchestrator.schedule.head_rules import source_head_fits
from orchestrator.schedule.inheritance_rules import INHERITANCE_RULES
from orchestrator.schedule.regression_rules import REGRESSION_RULES
from orchestrator.train.methods.table import check_methods
from sweeps.errors import shown
from sweeps.language.list_text import numbers_of
from sweeps.spec import ModelSpec, RunSpec, leading_zeros
from tasks import canonical_name, file_digest, parameter_names

Rule = Callable[[RunSpec], None]
"""Raises ValueError with one line that names the field, its value and what is allowed. Asked 100,000 times in a large
sweep: it reads fields and looks nothing up on disk (what needs the data is `tasks.check`)."""


def frozen_units_exist(run: RunSpec) -> None:
    """`transfer.frozen` is a depth of the network's ladder."""
    check_frozen(run.model, run.transfer.frozen)


def rate_factors_fit(run: RunSpec) -> None:
    """`transfer.rate_factors` names no more units than there are, leaves frozen ones at 0, and the head trains."""
    if run.transfer.rate_factors is None:
        return
    factors = numbers_of(run.transfer.rate_factors)
    last, frozen = ladder_length(run.model) - 1, run.transfer.frozen
    place = f"transfer.rate_factors = {shown(run.transfer.rate_factors)}"
    if len(factors) > last + 1:
        raise ValueError(f"{place}: {len(factors)} factors; allowed: at most {last + 1}, one for each unit")
    if len(factors) == last + 1 and factors[last] == 0:
        raise ValueError(f"{place}: the last is the head's, which always trains; allowed: above 0")
    if frozen != leading_zeros(factors):
        raise ValueError(f"{place}: allowed with transfer.frozen = {frozen}: factors that start with {frozen} zeros")


def pull_has_a_start(run: RunSpec) -> None:
    """`transfer.l2_sp` pulls towards weights that were learnt, by gradient descent."""
    if run.transfer.l2_sp is not None and run.source is None and run.model.weights is None:
        raise ValueError(f"transfer.l2_sp = {run.transfer.l2_sp}: allowed with a source or with model.weights")


def richness_is_of_mean_field_networks(run: RunSpec) -> None:
    """`transfer.richness` is of a network that has a richness, with a readout of its own."""
    if run.transfer.richness is None:
        return
    place = f"transfer.richness = {run.transfer.richness}"
    if "richness" not in family_of(run.model).own_fields:
        raise ValueError(f"{place}: allowed with the family mean_field_mlp alone")
    if run.transfer.head is not None:
        raise ValueError(f"{place}: allowed with transfer.head null, not {run.transfer.head}")


def forgetting_has_a_source(run: RunSpec) -> None:
    """The measure `source_error` is of a target that starts from a source model."""
    if run.source is None and "source_error" in (run.train.measures or ""):
        raise ValueError(f"train.measures = {run.train.measures!r}: source_error is allowed with a source")
    if run.source is not None and "source_error" in (run.source.measures or ""):
        raise ValueError(f"source.measures = {run.source.measures!r}: source_error is allowed in train.measures")


def pace_is_of_gradient_descent(run: RunSpec) -> None:
    """Only gradient descent has a rate and a penalty on the way."""
    if run.train.method is not None:
        allowed = f"allowed with train.method gradient, not {run.train.method}"
        for field in ("rate_factors", "l2_sp"):
            value = getattr(run.transfer, field)
            if value is not None:
                raise ValueError(f"transfer.{field} = {shown(value)}: {allowed}")
        if run.transfer.inherit is not None:
            raise ValueError(f"transfer.inherit.mode = {shown(run.transfer.inherit.mode)}: {allowed}")


RULES: tuple[Rule, ...] = (
    frozen_units_exist,
    rate_factors_fit,
    pull_has_a_start,
    richness_is_of_mean_field_networks,
    forgetting_has_a_source,
    *INHERITANCE_RULES,
    pace_is_of_gradient_descent,
    check_methods,
    source_head_fits,
    *REGRESSION_RULES,
)


class KnownWords:
    """`sweeps.vocabulary.Vocabulary`, from the families of `architectures`, the tasks of `tasks`, and RULES."""

    def __init__(self, rules: Sequence[Rule] = RULES) -> None:
        self._rules = tuple(rules)
        self._tasks: dict[str, str] = {}
        """Names as given and as they are. What is at a path is looked at once: a plan is of one moment."""

    def model(self, model: ModelSpec) -> ModelSpec:
        return canonical_model(family_of(model).canonical(model), file_digest)

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
