"""A multilayer perceptron: `depth` hidden layers of `width` ReLUs, on vectors of `model.inputs` entries or on images.

Weights and biases are drawn as torch draws a linear layer. The network of Tseng et al. 2023 (arXiv:2302.01798),
1-64-64-1, is `{family: mlp, depth: 2, width: 64, inputs: 1}`. In their published code the second layer alone has a
bias, which is `biases: [0, 1, 0]`.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import TYPE_CHECKING

from architectures.families.family import Family
from architectures.families.filters import Group, group
from architectures.families.filters import outputs as filters_of
from architectures.families.ladder import HEAD, STEM, State, Unit
from architectures.families.work import Work, linear_head
from sweeps.errors import shown
from sweeps.language.list_text import numbers_of
from sweeps.spec import ModelSpec

if TYPE_CHECKING:
    from torch import nn

MOST_DEPTH = 16


def check(model: ModelSpec) -> None:
    if model.biases is not None and len(numbers_of(model.biases)) != model.depth + 1:
        raise ValueError(
            f"model.biases = {shown(model.biases)}: allowed: {model.depth + 1} numbers, one for each layer"
        )


def names(model: ModelSpec) -> list[str]:
    """Of the hidden layers."""
    return [STEM, *(f"hidden{number}" for number in range(2, model.depth + 1))]


def inputs_of(model: ModelSpec) -> int:
    return model.channels * model.image_size**2 if model.inputs is None else model.inputs


def has_bias(model: ModelSpec, layer: int) -> bool:
    """Layers count from 0; the head is the layer `model.depth`."""
    return model.biases is None or numbers_of(model.biases)[layer] == 1


def construct(model: ModelSpec) -> nn.Sequential:
    """The hidden layers. Input (N, inputs) or (N, channels, S, S), output (N, width)."""
    from torch import nn

    net = nn.Sequential()
    inputs = inputs_of(model)
    for layer, name in enumerate(names(model)):
        linear = nn.Linear(inputs, model.width, bias=has_bias(model, layer))
        net.add_module(name, nn.Sequential(nn.Flatten(), linear, nn.ReLU()))
        inputs = model.width
    net.head_has_bias = has_bias(model, model.depth)  # pyright: ignore[reportArgumentType]
    return net


def add_head(net: nn.Sequential, outputs: int) -> None:
    from torch import nn

    last = net[-1].get_submodule("1")
    assert isinstance(last, nn.Linear)
    net.add_module(HEAD, nn.Linear(last.out_features, outputs, bias=bool(net.head_has_bias)))


def run(name: str, net: nn.Sequential, state: State) -> State:
    return (net.get_submodule(name)(state[0]),)


def ladder(model: ModelSpec) -> tuple[Unit, ...]:
    """One unit per layer, none of which has a norm."""
    return tuple(Unit(name, (name,), partial(run, name), None) for name in (*names(model), HEAD))


def work(model: ModelSpec, outputs: int) -> Iterator[Work]:
    yield linear_head(inputs_of(model), model.width)
    yield from (linear_head(model.width, model.width) for _ in range(model.depth - 1))
    yield linear_head(model.width, outputs)


def filters(model: ModelSpec) -> Iterator[Group]:
    """The units of each hidden layer."""
    for layer, name in enumerate(names(model)):
        yield group(name, model.width, filters_of(f"{name}.1", has_bias(model, layer)))


FAMILY = Family(
    depths=range(1, MOST_DEPTH + 1),
    check=check,
    own_fields=frozenset({"inputs", "biases"}),
    ladder=ladder,
    work=work,
    construct=construct,
    add_head=add_head,
    filters=filters,
    channels_last=False,
)
