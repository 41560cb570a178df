"""Rules of partial inheritance, of networks with a head of their own kind, and of measures that need known signals."""

from __future__ import annotations

from architectures import family_of, has_batch_norm, ladder_length
from orchestrator.schedule.regression_rules import SIGNAL_NOISE, TWO_LAYER_RELU_CNN
from sweeps.errors import shown
from sweeps.language.task_text import dataset_of
from sweeps.language.transfer import DEFAULT_GRANULARITY
from sweeps.spec import InheritSpec, RunSpec
from tasks import classes_of


def inheritance_fits(run: RunSpec) -> None:
    """`transfer.inherit` has something to inherit, the fields of its mode and no others, and filters or stages to
    choose from."""
    inherit, model = run.transfer.inherit, run.model
    if inherit is None:
        return
    place, mode = "transfer.inherit", inherit.mode
    if run.source is None and model.weights is None:
        raise ValueError(f"{place}.mode = {shown(mode)}: allowed with a source or with model.weights")
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
    for section, field in (("transfer", "l2_sp"), ("transfer", "head"), ("train", "head_start")):
        value = getattr(getattr(run, section), field)
        if value is not None:
            raise ValueError(f"{section}.{field} = {shown(value)}: allowed where all is inherited, without {place}")
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


def patches_are_whole(run: RunSpec) -> None:
    """With the signals in one channel the patches are signal and noise; repeated over three channels they mix."""
    if run.model.family != TWO_LAYER_RELU_CNN or run.model.channels == 1:
        return
    for section, part in (("source", run.source), ("target", run.target)):
        if part is not None and dataset_of(part.task) == SIGNAL_NOISE:
            raise ValueError(
                f"model.channels = {run.model.channels}: allowed with {section}.task = {shown(part.task)} and the "
                f"family {TWO_LAYER_RELU_CNN}: 1"
            )


def readout_gap_has_a_readout(run: RunSpec) -> None:
    """The readout gap is of a linear head, beside which another one can be fitted."""
    for section, recipe in (("source", run.source), ("train", run.train)):
        if recipe is not None and "readout_gap" in (recipe.measures or "") and not family_of(run.model).linear_head:
            raise ValueError(
                f"{section}.measures = {shown(recipe.measures)}: readout_gap is allowed with a linear head, which the "
                f"family {run.model.family} does not have"
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


INHERITANCE_RULES = (inheritance_fits, head_fits, patches_are_whole, readout_gap_has_a_readout, measures_have_signals)
