"""A ladder derived from a network of timm: units from timm's own layer groups, steps from a trace of its forward pass.

timm groups the parameters of a model by depth (`group_matcher`, made for layer-wise learning-rate decay). Those groups
are the units, merged where the forward pass goes back and forth between two of them. The pass is traced (torch.fx) with
whole blocks as single calls; a unit's step is its stretch of the trace, so a cut network runs the operators of the
whole one. Whether that is so to the bit is tried before a ladder is given.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import partial
from itertools import pairwise
from typing import Any, cast

import torch
from torch import Tensor, nn

from architectures.families.from_timm.calls import Call, carried_out, run_calls
from architectures.families.from_timm.trace import traced_calls
from architectures.families.ladder import HEAD, STEM, State, Unit, looks_at

FEWEST = 3
"""Units: with only a stem and a head there is nothing to choose."""
IN_PLACE = "changes what it reads in place"
PROBED = 3
"""Images in the batch that a ladder is tried on."""


@dataclass(frozen=True)
class Stretch:
    """One unit's part of the forward pass: values it reads, calls, values it hands on."""

    reads: tuple[str, ...]
    calls: tuple[Call, ...]
    writes: tuple[str, ...]

    def step(self, net: nn.Module, state: State) -> State:
        return run_calls(net, self.calls, dict(zip(self.reads, state, strict=True)), self.writes)


def derived_ladder(net: nn.Module, classifier: str, image: Tensor) -> tuple[tuple[Unit, ...], str | None]:
    """The ladder of a network with a linear head at the path `classifier`, and why it does not run unit by unit.

    image: a batch of one, (1, channels, S, S). The second value is None where it does. Raises ValueError, in one line,
    where the network has no ladder: no layer groups, or a head that cannot be told from the rest.
    """
    groups = layer_groups(net, classifier)
    net.eval()
    calls = traced_calls(net, groups, image)
    units = _units(net, [(call, call.groups(net, groups)) for call in calls], groups)
    reason = tried(net, units, image)
    if reason is not None and reason.endswith(IN_PLACE):
        units = tuple(replace(unit, step=partial(_copying, unit.step)) for unit in units)
        reason = tried(net, units, image)
    if reason is not None:
        units = tuple(replace(unit, step=_whole_alone, runs=False) for unit in units)
    return units, reason


def layer_groups(net: nn.Module, classifier: str) -> dict[str, int]:
    """The group of each parameter by its name: timm's, stem first, the head's own the last. Raises ValueError."""
    from timm.models import group_parameters

    matcher = getattr(net, "group_matcher", None)
    if matcher is None:
        raise ValueError("timm gives no layer groups for it")
    found = cast("dict[str, int]", group_parameters(net, matcher(), reverse=True))
    with_head = {group for name, group in found.items() if _inside(name, classifier)}
    # What timm puts into the head's group, such as a last norm, comes before our head: it belongs to the last block.
    last = max((group for group in found.values() if group not in with_head), default=0)
    return {
        name: last + 1 if _inside(name, classifier) else last if group in with_head else group
        for name, group in found.items()
    }


def _inside(name: str, path: str) -> bool:
    return name == path or name.startswith(f"{path}.")


def _units(net: nn.Module, calls: list[tuple[Call, frozenset[int]]], groups: dict[str, int]) -> tuple[Unit, ...]:
    spans = _merged(calls)
    starts = [0, *(first for first, _, _ in spans[1:]), len(calls)]
    if spans[-1][2] != {max(groups.values())}:
        raise ValueError("its head cannot be told from the rest of the forward pass")
    if len(spans) < FEWEST:
        raise ValueError("its forward pass does not go through timm's layer groups one after another")
    plain = [call for call, _ in calls]
    owned: set[str] = set()
    units: list[Unit] = []
    for place, (begin, end) in enumerate(pairwise(starts)):
        owns = tuple(dict.fromkeys(c.target for c in plain[begin:end] if c.holds(net) and c.target not in owned))
        owned.update(owns)
        stretch = Stretch(*carried_out(plain, begin, end))
        name = STEM if place == 0 else HEAD if place == len(spans) - 1 else _common(owns)
        if name in {HEAD, *(unit.name for unit in units)} and place < len(spans) - 1:
            name = f"unit{place}.{owns[0]}"
        units.append(Unit(name, owns, stretch.step, None))
    _check_whole(net, units)
    return tuple(replace(unit, norm=_norm(net, unit)) for unit in units)


def _merged(calls: list[tuple[Call, frozenset[int]]]) -> list[tuple[int, int, set[int]]]:
    """(first call, last call, groups) of each unit: the stretches of the groups, joined where they overlap."""
    stretches: dict[int, tuple[int, int]] = {}
    for place, (_, groups) in enumerate(calls):
        for group in groups:
            stretches[group] = (stretches.get(group, (place, place))[0], place)
    spans: list[tuple[int, int, set[int]]] = []
    for group, (first, last) in sorted(stretches.items(), key=lambda item: item[1]):
        if spans and first <= spans[-1][1]:
            before = spans.pop()
            spans.append((before[0], max(before[1], last), before[2] | {group}))
        else:
            spans.append((first, last, {group}))
    return spans


def _common(owns: tuple[str, ...]) -> str:
    """What the paths of a unit have in common, else the first of them."""
    parts = [path.split(".") for path in owns]
    alike: list[str] = []
    for column in zip(*parts, strict=False):
        if len(set(column)) > 1:
            break
        alike.append(column[0])
    common = ".".join(alike)
    return common if any(part.isdigit() for part in alike) else owns[0]


def _check_whole(net: nn.Module, units: list[Unit]) -> None:
    for key in net.state_dict():
        holders = sum(unit.holds(key) for unit in units)
        if holders != 1:
            raise ValueError(f"its tensor {key} belongs to {holders} units of the forward pass")
    names = [unit.name for unit in units]
    assert len(set(names)) == len(names), names


def _norm(net: nn.Module, unit: Unit) -> Any:
    seen = {looks_at(norm) for norm in unit.norms(net)}
    return "batch" if "batch" in seen else "sample" if seen else None


@torch.no_grad()
def tried(net: nn.Module, units: tuple[Unit, ...], image: Tensor) -> str | None:
    """Why the units, one after another, are not the network to the bit; None where they are.

    Tried on one batch, in evaluation mode and with everything but norms in training mode (a network that drops
    activations by chance differs there). Leaves the network in evaluation mode.
    """
    x = torch.randn((PROBED, *image.shape[1:]), generator=torch.Generator().manual_seed(0))
    net.eval()
    expected = net(x)
    try:
        for problem in _problems(net, units, x, expected):
            return problem
        net.train()
        for unit in units:
            for norm in unit.norms(net):
                norm.eval()
        if not torch.equal(net(x), expected):
            return "it computes other values in training mode"
    except (RuntimeError, TypeError, AttributeError) as problem:
        return f"its pass cannot be cut ({' '.join(str(problem).split())[:120]})"
    finally:
        net.eval()
    return None


def _problems(net: nn.Module, units: tuple[Unit, ...], x: Tensor, expected: Tensor) -> Iterator[str]:
    state: State = (x,)
    for unit in units:
        if not all(isinstance(value, Tensor) and value.ndim and len(value) == len(x) for value in state):
            yield f"before its unit {unit.name} a value is handed on that is no tensor of a batch"
            return
        before = [tensor.clone() for tensor in state]
        after = unit.step(net, state)
        if not all(torch.equal(a, b) for a, b in zip(before, state, strict=True)):
            yield f"its unit {unit.name} {IN_PLACE}"
            return
        state = after
    if not torch.equal(state[0], expected):
        yield "its units, one after another, give other bits than the whole"


def _copying(step: Any, net: nn.Module, state: State) -> State:
    return step(net, tuple(tensor.clone() for tensor in state))


def _whole_alone(net: nn.Module, state: State) -> State:
    raise RuntimeError("this network runs as a whole alone; its frozen prefix is not computed apart")
