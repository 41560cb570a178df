"""What a worker process keeps from job to job. The runner makes one and gives it to every trial.

Every value kept is a pure function of its key, so keeping it changes no result. No torch is imported here.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Collection, Hashable
from typing import Any, NamedTuple

from orchestrator.store.ledger import Ledger
from orchestrator.train.options import TrialOptions
from orchestrator.train.stopping import StopRequest
from sweeps.identity import canonical, canonical_json
from sweeps.seeds import Role
from sweeps.spec import Recipe, RunSpec, Spec

MISSING: Any = object()
"""What a cache answers for a key that it does not hold. (None may be a value.)"""

SHAPE = frozenset({"family", "depth", "width", "name", "patch", "weights", "richness", "activation"})
"""Fields of a model that say nothing of the images it reads."""
UPDATES = frozenset(
    {"epochs", "optimizer", "learning_rate", "schedule", "batch_size", "momentum", "weight_decay", "augment", "loss"}
    | {
        "method",
        "batches",
        "nesterov",
        "steps",
        "warmup",
        "milestones",
        "decay",
        "clip",
        "evaluate",
        "measures",
        "head_start",
    }
)
"""Fields of a recipe that say how weights change: a frozen prefix has the same activations whatever they are.
(`augment` other than `none` declines.)"""
PACE = frozenset({"rate_factors", "l2_sp", "head"})
"""Fields of a transfer that say how what trains starts and goes on: of the frozen prefix they say nothing."""
SECTIONS = frozenset({"source", "target", "model", "transfer", "train"})
"""Of a run. What else it says, the seed at least, counts for data and activations alike."""


class LruCache:
    """A bounded store of values. When they exceed `most_bytes` together, the least recently used are dropped.

    Example: `cache.put("a", tensor, tensor.nbytes)`, then `cache.get("a")`.
    """

    def __init__(self, most_bytes: int) -> None:
        self.most_bytes = most_bytes
        self._values: OrderedDict[Hashable, tuple[Any, int]] = OrderedDict()

    def __len__(self) -> int:
        return len(self._values)

    def keys(self) -> list[Hashable]:
        """Least recently used first."""
        return list(self._values)

    def get(self, key: Hashable) -> Any:
        """The value of a key, MISSING if it is not there."""
        if key not in self._values:
            return MISSING
        self._values.move_to_end(key)
        return self._values[key][0]

    def put(self, key: Hashable, value: Any, size_bytes: int) -> None:
        """Keep a value. It stays until the next one, however large it is."""
        self._values[key] = (value, size_bytes)
        while len(self._values) > 1 and sum(size for _, size in self._values.values()) > self.most_bytes:
            self._values.popitem(last=False)

    def clear(self) -> None:
        self._values.clear()


class WorkerState:
    """The ledger and the caches of one worker process, and whether it was asked to stop, or to begin nothing more.

    The ledger remembers the heartbeats that this process has seen; it is given where the store is not the folder that
    `options` names. Keys are those of `keys_of`; source weights have their source's id, which is a digest of its spec,
    and their own digest.
    """

    def __init__(self, options: TrialOptions, ledger: Ledger | None = None) -> None:
        self.ledger = ledger or Ledger(options.store, options.settings)
        self.stop = StopRequest(self.ledger.store, options.stop_key)
        self.stop_waiting = StopRequest(self.ledger.store, options.stop_waiting_key)
        self.data = LruCache(2 * 2**30)
        self.weights = LruCache(2**30)
        self.activations = LruCache(2 * 2**30)

    def clear(self) -> None:
        """Drop all that is cached."""
        for cache in (self.data, self.weights, self.activations):
            cache.clear()


class Keys(NamedTuple):
    """All that cached values of one job depend on as far as its spec tells, as canonical JSON."""

    data: str
    prefix: str
    """Of the activations of a frozen prefix. To it come the source's weights and the data, by their digests."""


def keys_of(spec: RunSpec, role: Role) -> Keys:
    """The keys of a run (`role` target) or of its source.

    They name what does not matter, never what does: a field that is added to a spec later changes the keys.
    """
    part, recipe = (spec.source, spec.source) if role == "source" else (spec.target, spec.train)
    assert part is not None and recipe is not None
    # A source's section is its task and its recipe; its data do not depend on the recipe.
    data = {
        "role": role,
        "part": _without(part, Recipe.model_fields),
        "model": _without(spec.model, SHAPE),
        "run": _without(spec, SECTIONS),
    }
    prefix = {
        "data": data,
        "model": canonical(spec.model),
        "transfer": _without(spec.transfer, PACE),
        "recipe": _without(recipe, UPDATES),
    }
    return Keys(canonical_json(data), canonical_json(prefix))


def _without(spec: Spec, fields: Collection[str]) -> dict[str, Any]:
    return {name: value for name, value in canonical(spec).items() if name not in fields}
