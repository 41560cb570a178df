"""The work of a network's units, counted while they run on one image."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.flop_counter import flop_registry

from architectures.families.ladder import State, Unit
from architectures.families.work import Work


class _Counter(TorchDispatchMode):
    """Adds up the operators that are called inside."""

    def __init__(self) -> None:
        super().__init__()
        self.work = Work(0.0, 0.0, 0.0)

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        result = func(*args, **(kwargs or {}))
        flops = flop_registry.get(func.overloadpacket)
        multiply_adds = flops(*args, **(kwargs or {}), out_val=result) / 2 if flops is not None else 0
        # A view writes nothing.
        is_view = any(r.alias_info is not None and not r.alias_info.is_write for r in func._schema.returns)
        written = 0 if is_view else sum(t.numel() for t in _tensors(result))
        self.work = self.work + Work(float(multiply_adds), float(written), 0.0 if is_view else 1.0)
        return result


def _tensors(result: Any) -> list[Tensor]:
    return [item for item in (result if isinstance(result, tuple | list) else (result,)) if isinstance(item, Tensor)]


@torch.no_grad()
def counted_work(net: nn.Module, units: tuple[Unit, ...], image: Tensor) -> tuple[Work, ...]:
    """Of each unit, for `image` (1, channels, S, S). Where a network runs as a whole alone, each has an equal part."""
    net.eval()
    if not units[0].runs:
        with _Counter() as counter:
            net(image)
        return tuple(Work(*(part / len(units) for part in counter.work)) for _ in units)
    found: list[Work] = []
    state: State = (image,)
    for unit in units:
        with _Counter() as counter:
            state = unit.step(net, state)
        found.append(counter.work)
    return tuple(found)
