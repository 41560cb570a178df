"""What the filters of a two-layer network have learnt: the signals of its task, and the noise of its training samples.

`alignment` is the mean over filters of y <w, e>, y = -1 or 1 being a filter's sign and e the unit vector of a signal: a
filter of the sign - counts as one of + that has learnt the opposite. `noise_memory` is the mean over
training samples of (1/m) sum_r relu(<w_r, xi>), w_r the filters of the sample's own class and xi its noise patch: the
part of its margin that the network owes to the noise. Both are split by filters that were inherited and fresh ones
(Yuan et al., arXiv:2509.22056); the two parts of the noise memory add up to the whole.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection

import torch
from torch import Tensor

from architectures import Network
from tasks import TaskData

ORIGINS = ("inherited", "fresh")


def signal_measures(network: Network, data: TaskData, asked: Collection[str]) -> list[Callable[[], dict[str, float]]]:
    """The measures among `asked` that are known here. network: a two-layer ReLU CNN; data: of a task with signals."""
    filters = network.net.get_parameter("filters.weight")
    kept = _inherited(network, filters)
    measures: list[Callable[[], dict[str, float]]] = []
    if "alignment" in asked:
        measures.append(lambda: _alignment(filters.detach(), data, kept))
    if "noise_memory" in asked:
        measures.append(lambda: _noise_memory(filters.detach(), data, kept))
    return measures


def _inherited(network: Network, filters: Tensor) -> dict[str, Tensor]:
    """(2 m,) bool: which filters were inherited, and which were not."""
    kept = torch.zeros(len(filters), dtype=torch.bool)
    mask = network.inherited
    if mask is not None and "filters.weight" in mask.tensors:
        entries = mask.tensors["filters.weight"]
        kept[slice(None) if entries is None else entries.index] = True
    kept = kept.to(filters.device)
    return dict(zip(ORIGINS, (kept, ~kept), strict=True))


def _alignment(filters: Tensor, data: TaskData, kept: dict[str, Tensor]) -> dict[str, float]:
    assert data.signals is not None
    signs = torch.tensor([-1.0, 1.0], device=filters.device).repeat_interleave(len(filters) // 2)
    found: dict[str, float] = {}
    for name, vector in data.signals.items():
        along = signs * (filters @ vector)
        for origin, chosen in kept.items():
            found[f"alignment.{name}.{origin}"] = along[chosen].mean().item() if chosen.any() else math.nan
    return found


def _noise_memory(filters: Tensor, data: TaskData, kept: dict[str, Tensor]) -> dict[str, float]:
    patch, width = filters.shape[1], len(filters) // 2
    active = (data.inputs[:].flatten(1)[:, patch : 2 * patch] @ filters.T).relu()
    own = torch.arange(len(filters), device=filters.device) // width == data.labels[:, None]
    each = torch.where(own, active, 0.0).mean(0) / width
    return {
        f"noise_memory.{origin}": each[chosen].sum().item() if chosen.any() else math.nan
        for origin, chosen in kept.items()
    }
