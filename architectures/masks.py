"""Which tensors, and which of their entries, a network takes over from its source: masks of partial inheritance.

A mask is drawn from its seed alone. For one seed the masks of a network are nested: each group of filters has one
random order, and a share takes the front of it. Layers that write to the same channels (a residual stream) are of one
group; `architectures/families/filters.py` says which filters there are.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import torch
from numpy.random import PCG64, Generator
from torch import Tensor

from architectures.families import family_of
from architectures.families.filters import Group
from architectures.network import Network
from sweeps.identity import canonical_json
from sweeps.seeds import seed_for
from sweeps.spec import InheritSpec, ModelSpec


@dataclass(frozen=True, eq=False)
class Entries:
    """Places on one axis of a tensor: ascending int64 (n,)."""

    axis: int
    index: Tensor


@dataclass(frozen=True, eq=False)
class Mask:
    """What is inherited, by tensor of the state dict: all of it (None) or some entries; others are fresh.

    units: places in the ladder of units that are inherited whole, their norms too. share: of the scalar parameters of
    all units but the head. digest: 16 hex digits over what was chosen; equal choices have equal digests.
    """

    tensors: Mapping[str, Entries | None]
    units: tuple[int, ...]
    share: float
    digest: str


def mask_of(network: Network, model: ModelSpec, inherit: InheritSpec, seed: int) -> Mask:
    """The mask of a network of `model`. `seed` is the run's own: it counts where `inherit` has no `mask_seed`.

    Of `share` each group of n filters (or all n units, or stages) gives round(share n), a half upwards. What belongs to
    no group of filters is inherited with any share above 0. The head never is.
    """
    drawn_from = seed if inherit.mask_seed is None else inherit.mask_seed
    body = [unit.name for unit in network.units[:-1]]
    if inherit.mode == "random_share" and inherit.granularity is None:
        assert inherit.share is not None
        return _of_filters(network, model, inherit.share, drawn_from)
    chosen = set(_units(body, model, inherit, drawn_from))
    places = tuple(place for place, name in enumerate(body) if name in chosen)
    keys = {key: None for key in _body(network) if any(network.units[place].holds(key) for place in places)}
    return _mask(network, keys, places, {"units": [body[place] for place in places]})


def _units(body: list[str], model: ModelSpec, inherit: InheritSpec, seed: int) -> Iterable[str]:
    """The names of units that are inherited whole."""
    match inherit.mode:
        case "all":
            return body
        case "none":
            return ()
        case "first_units":
            assert inherit.units is not None
            return body[: inherit.units]
        case "random_share":
            stage = family_of(model).stage if inherit.granularity == "stage" else None
            stage_of = {name: name if stage is None else stage(name) for name in body}
            stages = list(dict.fromkeys(stage_of.values()))
            assert inherit.share is not None
            kept = {stages[place] for place in _chosen(len(stages), inherit.share, seed, 0)}
            return (name for name in body if stage_of[name] in kept)


def _of_filters(network: Network, model: ModelSpec, share: float, seed: int) -> Mask:
    filters = family_of(model).filters
    assert filters is not None, "a rule of the plan refuses a family without filters"
    groups = tuple(filters(model))
    chosen = {each.name: _chosen(each.size, share, seed, place) for place, each in enumerate(groups)}
    if not any(chosen.values()):
        return _mask(network, {}, (), {})
    shapes = {key: tensor.shape for key, tensor in _body(network).items()}
    split = {part.tensor: part.axis for each in groups for part in each.parts}
    kept: dict[str, Entries | None] = {key: None for key in shapes if key not in split}
    places = _places(groups, chosen)
    for key, axis in split.items():
        kept[key] = Entries(axis, torch.tensor(sorted(places.get(key, ())), dtype=torch.int64))
    return _mask(network, kept, (), chosen)


def _places(groups: Sequence[Group], chosen: Mapping[str, list[int]]) -> dict[str, list[int]]:
    """Of each tensor the entries that belong to chosen filters."""
    found: dict[str, list[int]] = {}
    for each in groups:
        for part in each.parts:
            entries = (part.start + item * part.each + k for item in chosen[each.name] for k in range(part.each))
            found.setdefault(part.tensor, []).extend(entries)
    return found


def _chosen(size: int, share: float, seed: int, place: int) -> list[int]:
    """round(share size) of `size` things, ascending: the front of one random order for each seed and place."""
    order = Generator(PCG64(seed_for(seed, "target", "inherit", place))).permutation(size)
    return sorted(int(item) for item in order[: math.floor(share * size + 0.5)])


def _body(network: Network) -> dict[str, Tensor]:
    head = network.units[-1]
    return {key: tensor for key, tensor in network.state_dict().items() if not head.holds(key)}


def _mask(
    network: Network, tensors: Mapping[str, Entries | None], units: tuple[int, ...], chosen: Mapping[str, object]
) -> Mask:
    """With its share and digest."""
    parameters = {key: value.shape for key, value in network.net.named_parameters() if not network.units[-1].holds(key)}
    total = sum(map(math.prod, parameters.values()))
    kept = 0
    for key, shape in parameters.items():
        if key in tensors:
            entries = tensors[key]
            one = math.prod(shape)
            kept += one if entries is None else one // shape[entries.axis] * len(entries.index)
    digest = hashlib.sha256(canonical_json(dict(chosen)).encode()).hexdigest()[:16]
    return Mask(tensors, units, kept / total if total else 0.0, digest)
