"""What one image costs in each unit of a network, counted from its shape without building it."""

from __future__ import annotations

from architectures.families import family_of
from architectures.families.work import NOTHING, Work
from architectures.shapes import ladder_length
from sweeps.memo import cached
from sweeps.spec import ModelSpec


@cached
def unit_work(model: ModelSpec, classes: int) -> tuple[Work, ...]:
    """One entry per unit of the ladder, stem first, head last, for a task of so many classes."""
    units = tuple(family_of(model).work(model, classes))
    assert len(units) == ladder_length(model), f"{model.family}: work of {len(units)} units"
    return units


@cached
def work_from(model: ModelSpec, classes: int, cut: int) -> Work:
    """All units after the first `cut`, together."""
    return sum(unit_work(model, classes)[cut:], NOTHING)
