"""The words that a sweep may use, as the packages that run it know them, and the rules that span its sections.

A rule that needs two sections of a run stands here and nowhere else: one function, one line in RULES. Expansion asks it
of every run that the sweep's filter keeps, whether its sections met through an axis, a block or `transfer.frozen: all`.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence

from architectures import canonical_model, check_frozen, family_of, has_batch_norm, ladder_length
from orchestrator.train.methods.table import check_methods
from sweeps.errors import shown
from sweeps.language.list_text import numbers_of
from sweeps.language.task_text import dataset_of
from sweeps.spec import InheritSpec, ModelSpec, RunSpec, leading_zeros
from sweeps.transfer import DEFAULT_GRANULARITY
from tasks import canonical_name, classes_of, parameter_names

SIGNAL_NOISE, TWO_LAYER_RELU_CNN = "signal_noise", "two_layer_relu_cnn"

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


def pace_is_of_gradient_descent(run: RunSpec) -> None:
    """Only gradient descent has a rate and a penalty on the way."""
    if run.train.method is not None:
        for field in ("rate_factors", "l2_sp"):
            if getattr(run.transfer, field) is not None:
                raise ValueError(f"transfer.{field}: allowed with train.method gradient, not {run.train.method}")
        if run.transfer.inherit is not None and run.transfer.inherit.freeze:
            raise ValueError(f"transfer.inherit.freeze: allowed with train.method gradient, not {run.train.method}")


def inheritance_fits(run: RunSpec) -> None:
    """`transfer.inherit` has something to inherit, the fields of its mode and no others, and filters or stages to
    choose from."""
    inherit, model = run.transfer.inherit, run.model
    if inherit is None:
        return
    place, mode = "transfer.inherit", inherit.mode
    if run.source is None and model.weights is None:
        raise ValueError(f"{place}: allowed with a source or with model.weights")
    needed = {"random_share": "share", "first_units": "units"}.get(mode)
    if needed is not None and getattr(inherit, needed) is None:
        raise ValueError(f"{place}.{needed}: missing; {place}.mode = {mode!r} needs it")
    for field in ("share", "units", "granularity", "mask_seed", "freeze"):
        value = getattr(inherit, field)
        if value is not None and field != needed and mode != "random_share":
            raise ValueError(f"{place}.{field} = {shown(value)}: allowed with {place}.mode: random_share, not {mode}")
    if mode == "random_share" and inherit.units is not None:
        raise ValueError(f"{place}.units = {inherit.units}: allowed with {place}.mode: first_units, not {mode}")
    if inherit.units is not None and inherit.units >= ladder_length(model):
        most = ladder_length(model) - 1
        raise ValueError(f"{place}.units = {inherit.units}: allowed 0 to {most} (the head is always drawn afresh)")
    if run.transfer.l2_sp is not None:
        raise ValueError(f"transfer.l2_sp = {run.transfer.l2_sp}: allowed where all is inherited, without {place}")
    if mode == "random_share":
        _granularity_fits(run, inherit)


def _granularity_fits(run: RunSpec, inherit: InheritSpec) -> None:
    family, granularity = family_of(run.model), inherit.granularity or DEFAULT_GRANULARITY
    place = f"transfer.inherit.granularity = {granularity!r}"
    there = {"filter": family.filters is not None, "unit": True, "stage": family.stage is not None}
    if not there[granularity]:
        allowed = ", ".join(name for name, known in there.items() if known)
        raise ValueError(f"{place}: allowed with the family {run.model.family}: {allowed}")
    if inherit.freeze and granularity == "filter" and run.transfer.norm == "eval" and has_batch_norm(run.model):
        raise ValueError(
            f"transfer.norm = 'eval': allowed with transfer.inherit.freeze of filters: stats, train (a batch norm that "
            f"is held in part takes the batch's statistics in {run.model.family})"
        )


def head_fits(run: RunSpec) -> None:
    """A network with a head of its own kind tells so many classes apart, and trains something before its head."""
    family = family_of(run.model)
    if family.classes is not None:
        for section, part in (("source", run.source), ("target", run.target)):
            found = None if part is None else classes_of(part.task)
            if part is not None and found != family.classes:
                raise ValueError(
                    f"{section}.task = {shown(part.task)}: {found} classes; "
                    f"allowed with the family {run.model.family}: {family.classes}"
                )
    if family.fixed_head and run.transfer.frozen == ladder_length(run.model) - 1:
        raise ValueError(
            f"transfer.frozen = {run.transfer.frozen}: nothing would train; the head of {run.model.family} is fixed"
        )


def measures_have_signals(run: RunSpec) -> None:
    """Alignments are those of a two-layer network's filters with signals that are known."""
    for section, recipe, part in (("source", run.source, run.source), ("train", run.train, run.target)):
        asked = set() if recipe is None else {"alignment", "noise_memory"} & set((recipe.measures or "").split(","))
        if part is None or not asked:
            continue
        if dataset_of(part.task) != SIGNAL_NOISE or run.model.family != TWO_LAYER_RELU_CNN:
            raise ValueError(
                f"{section}.measures = {shown(sorted(asked)[0])}: allowed with the task {SIGNAL_NOISE} and the family "
                f"{TWO_LAYER_RELU_CNN}"
            )


RULES: tuple[Rule, ...] = (
    frozen_units_exist,
    rate_factors_fit,
    pull_has_a_start,
    inheritance_fits,
    head_fits,
    measures_have_signals,
    pace_is_of_gradient_descent,
    check_methods,
)


class KnownWords:
    """`sweeps.vocabulary.Vocabulary`, from the families of `architectures`, the tasks of `tasks`, and RULES."""

    def __init__(self, rules: Sequence[Rule] = RULES) -> None:
        self._rules = tuple(rules)
        self._tasks: dict[str, str] = {}
        """Names as given and as they are. What is at a path is looked at once: a plan is of one moment."""

    def model(self, model: ModelSpec) -> ModelSpec:
        family_of(model)
        return canonical_model(model)

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
