"""What a trial asks of a cluster, and which of its nodes may give it."""

from __future__ import annotations

from typing import Any, ClassVar

import ray
from ray.tune import PlacementGroupFactory
from ray.util.placement_group import PlacementGroup, placement_group

from orchestrator.runners.node_health import NodeHealth

NODE_ID = "ray.io/node-id"
"""The label that Ray gives to every node."""


class Nodes:
    """The nodes of the cluster with room for a run, and which of them are to get none for a while."""

    def __init__(self, health: NodeHealth, cores: float, gpus: float) -> None:
        """`cores`, `gpus`: what one run takes."""
        self._health = health
        self._cores = cores
        self._gpus = gpus

    def slots(self) -> int:
        """How many runs the nodes have room for at a time, now."""
        return sum(self._room(node["Resources"]) for node in self._able())

    def healthy(self) -> bool:
        """Whether some node has room for a run and is not avoided."""
        avoided = self._health.avoided()
        return any(node["NodeManagerAddress"] not in avoided for node in self._able())

    def avoided(self) -> list[str]:
        """Ids of the nodes to avoid; none where no other would be left: then it is no node's own fault."""
        addresses = self._health.avoided()
        if not addresses:
            return []
        nodes = self._able()
        ids = [node["NodeID"] for node in nodes if node["NodeManagerAddress"] in addresses]
        return ids if len(ids) < len(nodes) else []

    def _able(self) -> list[dict[str, Any]]:
        return [node for node in ray.nodes() if node["Alive"] and self._room(node["Resources"]) > 0]

    def _room(self, resources: dict[str, float]) -> int:
        room = int(resources.get("CPU", 0.0) / self._cores)
        return min(room, int(resources.get("GPU", 0.0) / self._gpus + 1e-9)) if self._gpus > 0 else room


class Placement(PlacementGroupFactory):
    """What one run takes of a node; not of one that is to be avoided at the time when the room is asked for.

    Which are avoided is no part of what it equals: Tune keeps workers of equal placements from trial to trial.
    """

    nodes: ClassVar[Nodes | None] = None
    """Of the launch under way."""

    def to_placement_group(self) -> PlacementGroup:
        ids = Placement.nodes.avoided() if Placement.nodes is not None else []
        elsewhere = {"bundle_label_selector": [{NODE_ID: f"!in({', '.join(ids)})"}]} if ids else {}
        return placement_group(self.bundles, self.strategy, **elsewhere)
