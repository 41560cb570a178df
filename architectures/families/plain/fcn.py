"""A fully convolutional network: `depth` convolutions of 3x3 at full resolution, ReLU between them.

With as many outputs as its input has pixels and channels it writes an image of that size, as super-resolution by Dong
et al. 2014 (SRCNN, arXiv:1501.00092, whose kernels are larger); the outputs are its pixels, flattened. With any other
number the last convolution has a channel for each output, averaged over all pixels. `width` channels in all hidden
layers.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import TYPE_CHECKING

from architectures.families.family import Family
from architectures.families.filters import Group, group
from architectures.families.filters import outputs as filters_of
from architectures.families.ladder import HEAD, STEM, State, Unit
from architectures.families.work import Work, convolution
from sweeps.spec import ModelSpec

if TYPE_CHECKING:
    from torch import nn

KERNEL = 3
MOST_DEPTH = 20
OUT = "out"


def names(model: ModelSpec) -> list[str]:
    """Of the hidden layers."""
    return [STEM, *(f"hidden{number}" for number in range(2, model.depth))]


def written(model: ModelSpec, outputs: int) -> int:
    """Channels of the last convolution."""
    return model.channels if outputs == model.channels * model.image_size**2 else outputs


def construct(model: ModelSpec) -> nn.Sequential:
    """The hidden layers. Input (N, channels, S, S), output (N, width, S, S)."""
    from torch import nn

    net = nn.Sequential()
    inputs = model.channels
    for name in names(model):
        convolved = nn.Conv2d(inputs, model.width, KERNEL, padding=KERNEL // 2)
        net.add_module(name, nn.Sequential(convolved, nn.ReLU()))
        inputs = model.width
    net.written = partial(written, model)  # pyright: ignore[reportArgumentType]
    return net


def add_head(net: nn.Sequential, outputs: int) -> None:
    """The last convolution, then the flattening or averaging to (N, outputs)."""
    from torch import nn

    last = net[-1].get_submodule("0")
    channels = net.written(outputs)  # pyright: ignore[reportCallIssue]
    assert isinstance(last, nn.Conv2d) and isinstance(channels, int)
    net.add_module(HEAD, nn.Conv2d(last.out_channels, channels, KERNEL, padding=KERNEL // 2))
    averaged = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten())
    net.add_module(OUT, averaged if channels == outputs else nn.Flatten())


def run(name: str, net: nn.Sequential, state: State) -> State:
    return (net.get_submodule(name)(state[0]),)


def run_head(net: nn.Sequential, state: State) -> State:
    return (net.get_submodule(OUT)(net.get_submodule(HEAD)(state[0])),)


def ladder(model: ModelSpec) -> tuple[Unit, ...]:
    """One unit per convolution, none of which has a norm."""
    hidden = (Unit(name, (name,), partial(run, name), None) for name in names(model))
    return (*hidden, Unit(HEAD, (HEAD,), run_head, None))


def work(model: ModelSpec, outputs: int) -> Iterator[Work]:
    side, width = model.image_size, model.width
    yield convolution(side, model.channels, width, KERNEL)
    yield from (convolution(side, width, width, KERNEL) for _ in range(model.depth - 2))
    yield convolution(side, width, written(model, outputs), KERNEL)


def filters(model: ModelSpec) -> Iterator[Group]:
    """The channels of each hidden layer."""
    for name in names(model):
        yield group(name, model.width, filters_of(f"{name}.0", bias=True))


FAMILY = Family(
    depths=range(2, MOST_DEPTH + 1),
    ladder=ladder,
    work=work,
    construct=construct,
    add_head=add_head,
    filters=filters,
    linear_head=False,
    channels_last=True,
)
