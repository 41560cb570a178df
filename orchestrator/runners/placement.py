"""What a run takes of a cluster, and which of its nodes may give it: those with a GPU, others, none that fails."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterable
from typing import Any, ClassVar, NamedTuple
from weakref import WeakKeyDictionary

import ray
from ray.air.execution import PlacementGroupResourceManager
from ray.tune import PlacementGroupFactory
from ray.util.placement_group import PlacementGroup, placement_group

from orchestrator.runners.node_health import NodeHealth
from orchestrator.schedule.agenda import Place

NODE_ID = "ray.io/node-id"
"""The label that Ray gives to every node."""
ANEW_SECONDS = 2.0
"""Between two looks whether what waits for room is to be asked for anew."""


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

    def total(self) -> int:
        """How many runs of all kinds there is room for at a time: they share the cores of a node."""
        alive, room = _alive(), Counter[str]()
        for place, share in self.shares.items():
            for node in self._wanted(place, alive):
                room[node["NodeID"]] = max(room[node["NodeID"]], share.fits(node["Resources"]))
        return room.total()

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

    def wanted(self, place: Place) -> set[str]:
        """Ids of the nodes that may get such runs now."""
        return {node["NodeID"] for node in self._wanted(place, _alive())}

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

    left_out: ClassVar[WeakKeyDictionary[PlacementGroup, frozenset[str]]] = WeakKeyDictionary()
    """Ids of the nodes that a group does not go to."""

    def __init__(self, place: Place, share: Share) -> None:
        super().__init__([{"CPU": share.cores, "GPU": share.gpus}])
        self.place = place

    def to_placement_group(self) -> PlacementGroup:
        ids = Placement.nodes.unwanted(self.place) if Placement.nodes is not None else []
        if not ids:
            return placement_group(self.bundles, self.strategy)
        # Without spaces: Ray takes them for a part of a value, and only the first node would be left out.
        elsewhere = [{NODE_ID: f"!in({','.join(ids)})"}]
        group = placement_group(self.bundles, self.strategy, bundle_label_selector=elsewhere)
        Placement.left_out[group] = frozenset(ids)
        return group

    def any_outdated(self, groups: Iterable[PlacementGroup]) -> bool:
        """Whether one of these does not go to a node that is to get such runs by now."""
        left_out = frozenset[str]().union(*(Placement.left_out.get(group, ()) for group in groups))
        if not left_out or Placement.nodes is None:
            return False
        return not left_out.isdisjoint(Placement.nodes.wanted(self.place))


class Groups(PlacementGroupResourceManager):
    """Tune's room for its workers, but that what waits for room is asked for anew once it is outdated.

    Where a group goes is fixed when it is made, and Tune keeps those that wait, a few, until they have room. So a host
    would stay empty after its pause, and solves would wait for ever once the last host without a GPU has gone.
    """

    _next = 0.0

    def get_resource_futures(self) -> list[ray.ObjectRef]:
        """What Tune waits for, some ten times a second."""
        if time.monotonic() >= self._next:
            self._ask_anew()
            self._next = time.monotonic() + ANEW_SECONDS
        return super().get_resource_futures()

    def _ask_anew(self) -> None:
        self.update_state()  # of those that have room none is given up
        for request, waiting in list(self._request_to_staged_pgs.items()):
            if isinstance(request, Placement) and request.any_outdated(waiting):
                number = len(waiting)
                for _ in range(number):  # of a kind that has some that wait, it cancels these
                    self.cancel_resource_request(request)
                for _ in range(number):
                    self.request_resources(request)
