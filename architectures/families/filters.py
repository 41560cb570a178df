"""What of a network can be inherited filter by filter: groups of filters that are chosen from together, and the entries
of tensors that are theirs. Nothing here imports torch.

A filter is an output channel of a convolution with its entries of the norms that read it, an attention head, or a
hidden unit. Layers that write to the same channels (those of a residual stream) share a group: a channel is inherited
with all that writes to it, or not at all. Tensors of no group are inherited whole.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple


class Part(NamedTuple):
    """Entries of one tensor of the state dict: filter i of a group owns `each` of them on `axis`, from start + i * each
    on."""

    tensor: str
    axis: int = 0
    start: int = 0
    each: int = 1


class Group(NamedTuple):
    """`size` filters, from which a share is chosen at random."""

    name: str
    size: int
    parts: tuple[Part, ...]


def group(name: str, size: int, *parts: Iterable[Part]) -> Group:
    """A group of all these parts.

    Example: `group("stem", 8, outputs("conv1"), norm("bn1"))`.
    """
    return Group(name, size, tuple(part for some in parts for part in some))


def outputs(path: str, bias: bool = False) -> tuple[Part, ...]:
    """The output channels of a convolution, or the outputs of a linear layer."""
    return (Part(f"{path}.weight"), *((Part(f"{path}.bias"),) if bias else ()))


def norm(path: str, start: int = 0) -> tuple[Part, ...]:
    """A batch norm's entries for channels from `start` on: scale, shift and both statistics."""
    return tuple(Part(f"{path}.{name}", 0, start) for name in ("weight", "bias", "running_mean", "running_var"))
