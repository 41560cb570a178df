"""What tells compared cells apart, in words: `source.size = 200, source.task.noise = 0.5`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from analysis.negative_transfer.comparison import CellComparison
from analysis.tables.groups import network_name

SHARE = "transfer.inherit.share"
NETWORK = ("model.family", "model.depth", "model.width")
TASKS = ("source.task", "target.task")


def labels(compared: Sequence[CellComparison], told: Sequence[str] = ()) -> list[str]:
    """A label of each cell: the network, and the fields in which the cells of that network differ.

    Of a task with parameters that differ the parameters stand for its text. `told`: fields that are told otherwise (an
    axis), which are left out with all that follows from them.
    """
    networks = [network_name(dict(each.fields)) for each in compared]
    alike: dict[str, list[Mapping[str, Any]]] = {}
    for each, network in zip(compared, networks, strict=True):
        alike.setdefault(network, []).append(each.fields)
    kept = {network: _differing(fields, told) for network, fields in alike.items()}
    return [
        ", ".join([network, *(f"{name} = {each.fields[name]}" for name in kept[network] if _given(each.fields, name))])
        for each, network in zip(compared, networks, strict=True)
    ]


def _given(fields: Mapping[str, Any], name: str) -> bool:
    return fields.get(name) is not None


def _differing(alike: Sequence[Mapping[str, Any]], told: Sequence[str]) -> list[str]:
    """Fields that tell these cells apart, as few as do: a field that says no more than those after it is left out."""
    names = list(dict.fromkeys(name for fields in alike for name in fields))
    names = [name for name in names if name not in NETWORK and name not in told]
    varied = [name for name in names if len({repr(other.get(name)) for other in alike}) > 1]
    in_text = [task for task in TASKS if any(name.startswith(f"{task}.") for name in varied)]
    kept: list[str] = []
    for name in reversed([name for name in varied if name not in in_text]):
        if _kinds(alike, [*told, *kept, name]) > _kinds(alike, [*told, *kept]):
            kept.insert(0, name)
    return kept


def _kinds(alike: Sequence[Mapping[str, Any]], names: Sequence[str]) -> int:
    return len({tuple(repr(fields.get(name)) for name in names) for fields in alike})
