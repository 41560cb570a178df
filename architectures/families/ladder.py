"""The ladder of a network: its freezable units in forward order, stem first, head last.

A unit owns parameters and buffers by name and knows how to run; it holds no module. So a copied, moved or
re-loaded network needs no second ladder, and a ladder costs neither a network nor an import of torch.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from operator import attrgetter
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from sweeps.spec import FrozenNorm

if TYPE_CHECKING:
    from torch import Tensor, nn

State: TypeAlias = "tuple[Tensor, ...]"
"""What flows from unit to unit. One tensor between blocks; inside a residual block (shortcut, intermediate); inside a
dense block the features of its layers so far. The first axis of each tensor is the batch."""

Step: TypeAlias = "Callable[[Any, State], State]"
"""(the network's module, state before the unit) -> state after it."""

Norm = Literal["batch", "sample"]

HEAD = "head"
STEM = "stem"


@dataclass(frozen=True)
class Unit:
    """One freezable step of a network.

    `owns` lists paths inside the network's module, submodules or parameters; `step(net, state)` runs the unit.
    `norm` says what its normalisation layers look at: `batch`, all images of a batch (BatchNorm, which keeps running
    statistics), `sample`, each image alone (LayerNorm, GroupNorm), or None where it has none. `build` asserts it.
    """

    name: str
    owns: tuple[str, ...]
    step: Step
    norm: Norm | None
    runs: bool = True
    """Whether `step` runs the unit by itself; of a network that runs as a whole alone, no unit does."""

    def holds(self, key: str) -> bool:
        """Whether the tensor called `key` in the network's state dict belongs to this unit."""
        return any(key == path or key.startswith(f"{path}.") for path in self.owns)

    def parameters(self, net: nn.Module) -> Iterator[nn.Parameter]:
        """The unit's parameters inside `net`."""
        from torch import nn

        for part in self._parts(net):
            if isinstance(part, nn.Parameter):
                yield part
            elif isinstance(part, nn.Module):
                yield from part.parameters()

    def norms(self, net: nn.Module) -> Iterator[nn.Module]:
        """The unit's normalisation layers inside `net`."""
        from torch import nn

        for part in self._parts(net):
            if isinstance(part, nn.Module):
                yield from (layer for layer in part.modules() if looks_at(layer) is not None)

    def _parts(self, net: nn.Module) -> Iterator[object]:
        # A residual block without a projection has None for its `downsample`.
        return (attrgetter(path)(net) for path in self.owns)


def looks_at(layer: nn.Module) -> Norm | None:
    """What a layer normalises over, as in `Unit.norm`; None if it is no normalisation layer."""
    from torch import nn

    if isinstance(layer, nn.BatchNorm1d | nn.BatchNorm2d):
        return "batch"
    if isinstance(layer, nn.LayerNorm | nn.GroupNorm | nn.RMSNorm):
        return "sample"
    if "running_var" in layer._buffers:
        return "batch"
    # timm's own norms: of root mean squares, EvoNorm, FilterResponseNorm.
    return "sample" if type(layer).__module__.startswith("timm.layers") and "Norm" in type(layer).__name__ else None


def is_exact(prefix: Sequence[Unit], norm: FrozenNorm) -> bool:
    """Whether the activations after frozen units can be computed once: `stays`, and each unit runs by itself.

    What runs as a whole alone has no activations between its units.
    """
    return all(unit.runs for unit in prefix) and stays(prefix, norm)


def stays(prefix: Sequence[Unit], norm: FrozenNorm) -> bool:
    """Whether frozen units give the same activations for an image at every step of training.

    They do when nothing in them trains and no norm looks at the batch: no family has dropout.
    """
    match norm:
        case "eval":
            return True
        case "stats":
            return all(unit.norm != "batch" for unit in prefix)
        case "train":
            return all(unit.norm is None for unit in prefix)
