"""What a target network takes over from its source, and what of it trains."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, model_validator

from sweeps.language.field_types import Flag, Index, NumberList, Rate, Share, Spec, null_for
from sweeps.language.list_text import numbers_as_text, numbers_of
from sweeps.language.plain_yaml import whole

FrozenNorm = Literal["eval", "stats", "train"]
InheritMode = Literal["all", "none", "first_units", "random_share"]
Granularity = Literal["filter", "unit", "stage"]
DEFAULT_GRANULARITY: Granularity = "filter"
"""What `granularity: null` means. Written out it is read as null: one meaning, one id."""


def _factors(text: str | None) -> str | None:
    """Factors of 1 at the end say nothing."""
    factors = () if text is None else numbers_of(text)
    if any(not 0 <= factor < float("inf") for factor in factors):
        raise ValueError("factors are 0 or more")
    while factors and factors[-1] == 1:
        factors = factors[:-1]
    return numbers_as_text(factors) if factors else None


def leading_zeros(factors: tuple[float, ...]) -> int:
    """How many of the first factors are 0."""
    return next((place for place, factor in enumerate(factors) if factor != 0), len(factors))


class InheritSpec(Spec):
    """Which part of the network takes over the source's weights; the rest is drawn afresh, as is always the head.

    `random_share`: a random share of the filters of each layer, of all units, or of all stages. `first_units`: units
    from the stem on. `none`: nothing. What goes together is a rule of the plan (orchestrator/schedule/vocabulary.py).
    """

    mode: InheritMode = "random_share"
    share: Share | None = None
    """Of `random_share`. Masks are nested: a larger share holds all that a smaller one does."""
    units: Index | None = None
    """Of `first_units`: how many."""
    granularity: Annotated[Granularity | None, null_for(DEFAULT_GRANULARITY)] = None
    """Of `random_share`: what is inherited whole or not at all."""
    mask_seed: Index | None = None
    """Of the random choice. None is the run's own seed."""
    freeze: Annotated[Flag | None, null_for(False)] = None
    """Of `random_share`: what is inherited does not train."""


def _plain(inherit: InheritSpec | None) -> InheritSpec | None:
    """Everything inherited is what a transfer is without the field: one meaning, one id."""
    return None if inherit == InheritSpec(mode="all") else inherit


class TransferSpec(Spec):
    """What the target network keeps of the source: its first `frozen` units do not train.

    `norm` says what a frozen normalisation layer does: `eval` keeps statistics and affine fixed, `stats` lets the
    statistics follow the target data, `train` also trains the affine parameters.
    """

    frozen: Index = 0
    norm: FrozenNorm = "eval"
    rate_factors: Annotated[NumberList | None, AfterValidator(_factors)] = None
    """Of the ladder's units, from the stem on, those not named having 1: times the learning rate. A unit of factor 0 is
    frozen; zeros at the start are `frozen` units."""
    richness: Rate | None = None
    """gamma of a mean-field target network; None: that of the model."""
    head: Literal["source"] | None = None
    """Whose head the target starts with: a fresh one (None), or the source's, where both tasks have as many outputs."""
    l2_sp: Rate | None = None
    """The pull of all units but the head towards the weights that training starts from (Li et al. 2018)."""
    inherit: Annotated[InheritSpec | None, AfterValidator(_plain)] = None
    """Which part takes over the source's weights; None: all of it but the head."""

    @model_validator(mode="before")
    @classmethod
    def _leading_zeros(cls, value: Any) -> Any:
        """Units of factor 0 at the start of the ladder are frozen ones: one meaning, one id.

        Where `frozen` is written out too it is kept: a plan refuses one that is not the number of these units.
        """
        if not isinstance(value, dict) or value.get("rate_factors") is None:
            return value
        try:
            text = _factors(numbers_as_text(value["rate_factors"]))
            factors = numbers_of(text) if text is not None else ()
            frozen = int(whole(value["frozen"])) if "frozen" in value else leading_zeros(factors)
        except ValueError:  # for the fields themselves to say
            return value
        only_frozen = len(factors) == frozen and not any(factors)
        return {**value, "frozen": frozen, "rate_factors": None if only_frozen else text}
