"""The ladder of a network: its freezable units in forward order, stem first, head last.

A unit owns parameters and buffers by name and knows how to run; it holds no module. So a copied, moved or
re-loaded network needs no second ladder, and a ladder's names cost no network.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from operator import attrgetter

from torch import Tensor, nn

# What flows from unit to unit. One tensor between blocks; inside a residual block (shortcut, intermediate);
# inside a dense block the features of its layers so far.
State = tuple[Tensor, ...]
Step = Callable[[nn.Module, State], State]

HEAD = "head"
STEM = "stem"
NORMS = (nn.BatchNorm2d, nn.LayerNorm)


@dataclass(frozen=True)
class Unit:
    """One freezable step of a network.

    `owns` lists paths inside timm's module, submodules or parameters; `step(net, state)` runs the unit.
    """

    name: str
    owns: tuple[str, ...]
    step: Step

    def holds(self, key: str) -> bool:
        """Whether the tensor called `key` in the network's state dict belongs to this unit."""
        return any(key == path or key.startswith(f"{path}.") for path in self.owns)

    def parameters(self, net: nn.Module) -> Iterator[nn.Parameter]:
        """The unit's parameters inside `net`."""
        for part in self._parts(net):
            if isinstance(part, nn.Parameter):
                yield part
            elif isinstance(part, nn.Module):
                yield from part.parameters()

    def norms(self, net: nn.Module) -> Iterator[nn.BatchNorm2d | nn.LayerNorm]:
        """The unit's normalisation layers inside `net`."""
        for part in self._parts(net):
            if isinstance(part, nn.Module):
                yield from (layer for layer in part.modules() if isinstance(layer, NORMS))

    def _parts(self, net: nn.Module) -> Iterator[object]:
        # A residual block without a projection has None for its `downsample`.
        return (attrgetter(path)(net) for path in self.owns)
