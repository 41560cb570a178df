"""A forward pass as a list of calls: which values a part of it reads and hands on, and how it is carried out."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from operator import attrgetter
from typing import Any

from torch import nn

OUTPUT = "logits"
INPUT = "images"


@dataclass(frozen=True)
class Value:
    """Stands for the result of the call of this name."""

    name: str


@dataclass(frozen=True)
class Call:
    """One step of a forward pass. kind: call_module, call_function, call_method or get_attr, as torch.fx has them."""

    name: str
    kind: str
    target: Any
    """Path of a module or a tensor, name of a method, or a function."""
    arguments: tuple[Any, ...]
    keywords: tuple[tuple[str, Any], ...]

    def reads(self) -> list[str]:
        """The values that it takes."""
        found: list[str] = []
        _each_value((self.arguments, self.keywords), found)
        return found

    def holds(self, net: nn.Module) -> bool:
        """Whether its target has something in the network's state dict."""
        if self.kind == "call_module":
            return bool(net.get_submodule(self.target).state_dict())
        return self.kind == "get_attr" and self.target in net.state_dict()

    def groups(self, net: nn.Module, groups: Mapping[str, int]) -> frozenset[int]:
        """Groups of the parameters that it uses."""
        if self.kind == "call_module":
            return groups_below(groups, self.target)
        return frozenset({groups[self.target]}) if self.kind == "get_attr" and self.target in groups else frozenset()


def groups_below(groups: Mapping[str, int], path: str) -> frozenset[int]:
    """The groups of all parameters of a module."""
    return frozenset(group for name, group in groups.items() if name.startswith(f"{path}."))


def carried_out(
    calls: Sequence[Call], begin: int, end: int
) -> tuple[tuple[str, ...], tuple[Call, ...], tuple[str, ...]]:
    """What `calls[begin:end]` read of what stands before them, the calls, and what later ones read of all so far.

    What does not depend on the images (a table of positions, say) is not handed on: the calls that make it come again.
    """
    varying = _depending_on_images(calls)
    return (
        _live(calls, begin, varying),
        (*_again(calls, begin, end, varying), *calls[begin:end]),
        _live(calls, end, varying),
    )


def _depending_on_images(calls: Sequence[Call]) -> set[str]:
    found = {INPUT}
    for call in calls:
        if not found.isdisjoint(call.reads()):
            found.add(call.name)
    return found


def _live(calls: Sequence[Call], cut: int, varying: Collection[str]) -> tuple[str, ...]:
    """Values that are there before the call at `cut` and read from it on, in the order in which they come about."""
    if cut == len(calls):
        return (OUTPUT,)
    wanted = {name for call in calls[cut:] for name in call.reads() if name in varying}
    return tuple(name for name in (INPUT, *(call.name for call in calls[:cut])) if name in wanted)


def _again(calls: Sequence[Call], begin: int, end: int, varying: Collection[str]) -> list[Call]:
    wanted = {name for call in calls[begin:end] for name in call.reads()}
    found: list[Call] = []
    for call in reversed(calls[:begin]):
        if call.name in wanted and call.name not in varying:
            wanted.update(call.reads())
            found.append(call)
    return found[::-1]


def run_calls(net: nn.Module, calls: Sequence[Call], values: dict[str, Any], writes: Sequence[str]) -> tuple[Any, ...]:
    """The values named `writes`, after the calls; `values` are those that the calls read, by name."""
    for call in calls:
        arguments = _filled(call.arguments, values)
        keywords = {key: _filled(value, values) for key, value in call.keywords}
        values[call.name] = carry_out(net, call.kind, call.target, arguments, keywords)
    return tuple(values[name] for name in writes)


def carry_out(net: nn.Module, kind: str, target: Any, arguments: tuple[Any, ...], keywords: dict[str, Any]) -> Any:
    """The result of one call, `kind` and `target` as in Call."""
    match kind:
        case "call_module":
            return net.get_submodule(target)(*arguments, **keywords)
        case "call_method":
            return getattr(arguments[0], target)(*arguments[1:], **keywords)
        case "get_attr":
            return attrgetter(target)(net)
        case _:
            return target(*arguments, **keywords)


def same(value: Any) -> Any:
    return value


def _filled(value: Any, values: Mapping[str, Any]) -> Any:
    return mapped(value, Value, lambda stand_in: values[stand_in.name])


def _each_value(value: Any, found: list[str]) -> None:
    mapped(value, Value, lambda stand_in: found.append(stand_in.name))


def mapped(value: Any, kind: type, change: Callable[[Any], Any]) -> Any:
    """The same structure, what is of `kind` in it changed."""
    if isinstance(value, kind):
        return change(value)
    if isinstance(value, tuple):
        return tuple(mapped(item, kind, change) for item in value)
    if isinstance(value, list):
        return [mapped(item, kind, change) for item in value]
    if isinstance(value, dict):
        return {key: mapped(item, kind, change) for key, item in value.items()}
    if isinstance(value, slice):
        return slice(*(mapped(item, kind, change) for item in (value.start, value.stop, value.step)))
    return value
