"""From a ModelSpec to a network."""

from __future__ import annotations

from architectures.families import family_of
from architectures.families.ladder import looks_at
from architectures.initialisation import random_stream
from architectures.network import Network
from sweeps.spec import ModelSpec


def build(model: ModelSpec, classes: int, seed: int) -> Network:
    """A network on the CPU in training mode, nothing frozen, its weights drawn from `seed` alone.

    The head is drawn last: equal seeds give equal bodies, whatever the number of classes. torch's global
    random state is left as it was. `classes` is the number of outputs: of a regression task the values of its target.
    Raises ValueError if it is below 1 or the family has no such network.
    """
    if classes < 1:
        raise ValueError(f"classes = {classes}: allowed 1 or more")
    family = family_of(model)
    with random_stream(seed):
        net = family.construct(model)
        family.add_head(net, classes)
    network = Network(net, family.ladder(model))
    for unit in network.units:
        # The cost model and the cache of frozen prefixes rely on what the ladder says.
        seen = {looks_at(norm) for norm in unit.norms(net)}
        found = "batch" if "batch" in seen else "sample" if seen else None
        assert found == unit.norm, f"{model.family}: unit {unit.name} has norm {found!r}, its ladder says {unit.norm!r}"
    return network
