"""What a ModelSpec says of a network's ladder. Nothing here imports torch, so that planning a sweep does not wait for
it. Each function raises ValueError, with one line, for a network that there is not."""

from __future__ import annotations

from architectures.families import family_of
from architectures.families.ladder import is_exact
from sweeps.language.list_text import numbers_of
from sweeps.memo import cached
from sweeps.spec import FrozenNorm, ModelSpec, TransferSpec


def unit_names(model: ModelSpec) -> tuple[str, ...]:
    """Names of the ladder's units in forward order, stem first, head last.

    Example: a ViT of two blocks has `("stem", "blocks.0", "blocks.1", "head")`.
    """
    return tuple(unit.name for unit in family_of(model).ladder(model))


@cached
def ladder_length(model: ModelSpec) -> int:
    """L, the number of units. `frozen` may be 0 (all train) to L-1 (only the head trains)."""
    return len(family_of(model).ladder(model))


@cached
def exact_prefix(model: ModelSpec, frozen: int, norm: FrozenNorm) -> bool:
    """Whether the first `frozen` units give the same activations for an image at every step of training."""
    return is_exact(family_of(model).ladder(model)[:frozen], norm)


def check_frozen(model: ModelSpec, frozen: int) -> None:
    """Raise ValueError if a network of `model` has no `frozen` units to freeze."""
    length = ladder_length(model)
    if not 0 <= frozen < length:  # asked of every run of a sweep
        check_depth(frozen, length)


def uses_batch_statistics(model: ModelSpec, transfer: TransferSpec) -> bool:
    """Whether training passes batches through a batch norm that takes their mean and variance.

    Units that train do; frozen ones, and those of learning-rate factor 0, do unless `norm` is `eval`.
    """
    fixed = _fixed(transfer) if transfer.norm == "eval" else set()
    return any(unit.norm == "batch" and place not in fixed for place, unit in enumerate(family_of(model).ladder(model)))


@cached
def fixes_batch_norm(model: ModelSpec, transfer: TransferSpec) -> bool:
    """Whether a unit that does not train has a batch norm, which keeps its statistics: `norm` is `eval`."""
    units = enumerate(family_of(model).ladder(model)) if transfer.norm == "eval" else ()
    fixed = _fixed(transfer)
    return any(unit.norm == "batch" and place in fixed for place, unit in units)


def _fixed(transfer: TransferSpec) -> set[int]:
    """Places in the ladder of units that do not train: the frozen ones, and those of learning-rate factor 0."""
    factors = numbers_of(transfer.rate_factors) if transfer.rate_factors is not None else ()
    return {place for place, factor in enumerate(factors) if factor == 0} | set(range(transfer.frozen))


@cached
def has_batch_norm(model: ModelSpec) -> bool:
    """Whether a unit of the ladder has a norm that looks at the batch."""
    return any(unit.norm == "batch" for unit in family_of(model).ladder(model))


def check_depth(frozen: int, length: int) -> None:
    """Raise ValueError if `frozen` is not in 0..length-1."""
    if not 0 <= frozen < length:
        raise ValueError(
            f"transfer.frozen = {frozen}: allowed 0 to {length - 1} "
            f"(the network has {length} units, the last of which, its head, always trains)"
        )
