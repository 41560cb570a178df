"""What a network family brings: everything that the rest of the code asks of one, in one object."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from architectures.families.filters import Group
from architectures.families.ladder import Unit
from architectures.families.tuned.layout import tuned
from architectures.families.work import Work
from sweeps.spec import ModelSpec

if TYPE_CHECKING:
    from torch import nn


def no_other_rules(model: ModelSpec) -> None:
    """For a family in which every network of an allowed depth exists."""
    del model


def as_written(model: ModelSpec) -> ModelSpec:
    """For a family none of whose fields has a value that null stands for."""
    return model


@dataclass(frozen=True, kw_only=True)
class Family:
    """A network family. Only `construct`, `add_head`, `tune` and running a unit import torch: a plan needs none.

    depths          allowed values of `model.depth`; a range is shown as one
    check           raises ValueError with one line, `model: ...`, where another rule forbids the network
    canonical       the spec with null for a value that null stands for in this network: one meaning, one id
    own_fields      fields of ModelSpec that this family reads and not all do; elsewhere they are to be None
    ladder          the units of a network, stem first, head last
    work            the work of one image in each unit of the ladder, for a task of so many classes
    construct       a body without a head for images (N, channels, image_size, image_size), drawn from torch's generator
    add_head        gives the body a head for so many classes, drawn from torch's generator: `body(images)` is then
                    logits (N, classes), and the ladder's units, run one after another, give the same to the bit
    tune            for `kernels: tuned`: changes how the body computes, not what, nor its parameters' names and values
    filters         the groups of filters from which a share can be inherited (filters.py); None where it has none
    stage           the stage of a unit of the ladder but the head, by its name; None where it has no stages
    classes         the only number of classes that its head can tell apart; None where any number from 2 on is one
    linear_head     whether the head is one linear layer (`Network.head`), on whose features others can be fitted
    fixed_head      whether the head has nothing that trains or could be solved for: freezing all before it is refused
    channels_last   whether it lies channels last on CUDA, as convolutions on tensor cores read it
    """

    depths: Sequence[int]
    check: Callable[[ModelSpec], None] = no_other_rules
    canonical: Callable[[ModelSpec], ModelSpec] = as_written
    own_fields: frozenset[str] = frozenset()
    ladder: Callable[[ModelSpec], tuple[Unit, ...]]
    work: Callable[[ModelSpec, int], Iterable[Work]]
    construct: Callable[[ModelSpec], nn.Module]
    add_head: Callable[[Any, int], None]
    tune: Callable[[Any], None] = tuned
    filters: Callable[[ModelSpec], Iterable[Group]] | None = None
    stage: Callable[[str], str] | None = None
    classes: int | None = None
    linear_head: bool = True
    fixed_head: bool = False
    channels_last: bool
