"""What a run takes of a cluster, and which of its nodes may give it: those with a GPU, others, none that fails."""

from __future__ import annotations

from typing import Any, ClassVar, NamedTuple

import ray
from ray.tune import PlacementGroupFactory
from ray.util.placement_group import PlacementGroup, placement_group

from orchestrator.runners.node_health import NodeHealth
from orchestrator.schedule.agenda import Place

NODE_ID = "ray.io/node-id"
"""The label that Ray gives to every node."""


Node = dict[str, Any]
"""What Ray says of a node."""


class Share(NamedTuple):
    """What one run takes of a node."""

    cores: float
    gpus: float = 0.0

    def fits(self, resources: dict[str, float]) -> int:
        """How many such runs a node's resources have room for."""
        room = int(resources.get("CPU", 0.0) / self.cores)
        return min(room, int(resources.get("GPU", 0.0) / self.gpus + 1e-9)) if self.gpus > 0 else room


class Nodes:
    """The nodes of the cluster as they are now: which have room for a run, and which of them are to get none.

    `shares`: what a run takes, by the kind of place. Where some runs take a share of a GPU and others none, these
    others go to nodes without a GPU as long as there are any.
    """

    def __init__(self, health: NodeHealth, shares: dict[Place, Share]) -> None:
        self.shares = shares
        self._health = health
        self._spares_gpus = any(share.gpus > 0 for share in shares.values())

    def slots(self, place: Place) -> int:
        """How many runs there is room for at a time."""
        return sum(self.shares[place].fits(node["Resources"]) for node in self._wanted(place, _alive()))

    def healthy(self, place: Place, besides: str = "") -> bool:
        """Whether some node has room for a run and is not avoided, `besides` the host at an address."""
        nodes = self._not_avoided(self._with_room(place, _alive()))
        return any(node["NodeManagerAddress"] != besides for node in nodes)

    def unwanted(self, place: Place) -> list[str]:
        """Ids of the nodes that are to get no such run now."""
        if not self._health.avoided() and not (self._spares_gpus and self.shares[place].gpus == 0):
            return []
        alive = _alive()
        wanted = {node["NodeID"] for node in self._wanted(place, alive)}
        return sorted({node["NodeID"] for node in self._with_room(place, alive)} - wanted)

    def _wanted(self, place: Place, alive: list[Node]) -> list[Node]:
        """Nodes that do not fail, all where all do: then it is no node's own fault; of them those without a GPU for
        runs that take none."""
        room = self._with_room(place, alive)
        nodes = self._not_avoided(room) or room
        if self._spares_gpus and self.shares[place].gpus == 0:
            return [node for node in nodes if node["Resources"].get("GPU", 0.0) == 0] or nodes
        return nodes

    def _with_room(self, place: Place, alive: list[Node]) -> list[Node]:
        return [node for node in alive if self.shares[place].fits(node["Resources"]) > 0]

    def _not_avoided(self, nodes: list[Node]) -> list[Node]:
        avoided = self._health.avoided()
        return [node for node in nodes if node["NodeManagerAddress"] not in avoided]


def _alive() -> list[Node]:
    return [node for node in ray.nodes() if node["Alive"]]


class Placement(PlacementGroupFactory):
    """Room for one run on a node that is wanted at the time when the room is asked for.

    Which are wanted is no part of what it equals: Tune keeps workers of equal placements from trial to trial.
    """

    nodes: ClassVar[Nodes | None] = None
    """Of the launch under way."""

    def __init__(self, place: Place, share: Share) -> None:
        super().__init__([{"CPU": share.cores, "GPU": share.gpus}])
        self.place = place

    def to_placement_group(self) -> PlacementGroup:
        ids = Placement.nodes.unwanted(self.place) if Placement.nodes is not None else []
        if not ids:
            return placement_group(self.bundles, self.strategy)
        elsewhere = [{NODE_ID: f"!in({', '.join(ids)})"}]
        return placement_group(self.bundles, self.strategy, bundle_label_selector=elsewhere)
