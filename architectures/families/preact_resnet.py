"""The pre-activation ResNet for small images, as a ladder of one unit per convolution."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import TYPE_CHECKING, cast

from architectures.families.family import Family
from architectures.families.filters import Group, group, norm, outputs
from architectures.families.ladder import HEAD, STEM, State, Unit
from architectures.families.resnet import BLOCKS
from architectures.families.work import Work, convolution, linear_head
from sweeps.spec import ModelSpec

if TYPE_CHECKING:
    from architectures.families.preact_module import PreActBlock, PreActResNet


def construct(model: ModelSpec) -> PreActResNet:
    """A headless network of width k: channels [k, 2k, 4k] or [k, 2k, 4k, 8k], stem 3x3 stride 1, no max pool.

    Depth 18 is the network of Nakkiran et al. 2019 (arXiv:1912.02292), widths k = 1 to 64 there; the norm and the ReLU
    after the last block are those of He et al. 2016 (arXiv:1603.05027). Input (N, channels, S, S).
    """
    from architectures.families.preact_module import PreActResNet

    blocks = BLOCKS[model.depth]
    return PreActResNet([model.width * 2**stage for stage in range(len(blocks))], blocks, model.channels)


def add_head(net: PreActResNet, classes: int) -> None:
    """A linear head, uniform in +-1/sqrt(features), the default of torch."""
    from torch import nn

    net.fc = nn.Linear(net.norm.num_features, classes)


def ladder(model: ModelSpec) -> tuple[Unit, ...]:
    """Stem, one unit per 3x3 convolution with the norm before it, head. The last norm is the last convolution's."""
    blocks = BLOCKS[model.depth]
    convolutions: list[Unit] = []
    for stage, count in enumerate(blocks):
        for index in range(count):
            path = f"stages.{stage}.{index}"
            first = tuple(f"{path}.{part}" for part in ("norm1", "conv1", "downsample"))
            second = tuple(f"{path}.{part}" for part in ("norm2", "conv2"))
            ends = stage == len(blocks) - 1 and index == count - 1
            convolutions.append(Unit(f"{path}.conv1", first, partial(_first, path), "batch"))
            step = partial(_second, path, ends)
            convolutions.append(Unit(f"{path}.conv2", (*second, "norm") if ends else second, step, "batch"))
    return (Unit(STEM, ("conv1",), _stem, None), *convolutions, Unit(HEAD, ("fc",), _head, None))


def _stem(net: PreActResNet, state: State) -> State:
    (x,) = state
    return (net.conv1(x),)


def _first(path: str, net: PreActResNet, state: State) -> State:
    (x,) = state
    return cast("PreActBlock", net.get_submodule(path)).first(x)


def _second(path: str, ends: bool, net: PreActResNet, state: State) -> State:
    shortcut, x = state
    x = cast("PreActBlock", net.get_submodule(path)).second(shortcut, x)
    return (net.last(x) if ends else x,)


def _head(net: PreActResNet, state: State) -> State:
    (x,) = state
    return (net.forward_head(x),)


def work(model: ModelSpec, classes: int) -> Iterator[Work]:
    side, channels = model.image_size, model.width
    yield convolution(side, model.channels, channels, 3)
    for stage, blocks in enumerate(BLOCKS[model.depth]):
        for block in range(blocks):
            inputs, outputs = channels, model.width * 2**stage
            side = (side + 1) // 2 if stage and not block else side
            first = convolution(side, inputs, outputs, 3)
            yield first if inputs == outputs else first + convolution(side, inputs, outputs, 1)
            yield convolution(side, outputs, outputs, 3) + Work(0, outputs * side * side, 1)
            channels = outputs
    yield linear_head(channels, classes)


def filters(model: ModelSpec) -> Iterator[Group]:
    """One group per residual stream: all that writes to it, and the norms that read it. One per block inside."""
    blocks = BLOCKS[model.depth]
    stem = outputs("conv1")
    for stage, count in enumerate(blocks):
        width = model.width * 2**stage
        paths = [f"stages.{stage}.{index}" for index in range(count)]
        parts = [outputs(f"{paths[0]}.downsample") if stage else stem]
        for path in paths:
            yield group(f"{path}.conv1", width, outputs(f"{path}.conv1"), norm(f"{path}.norm2"))
            parts += [outputs(f"{path}.conv2"), *([] if stage and path == paths[0] else [norm(f"{path}.norm1")])]
        # The first norm of a later stage reads the stream before it; the last norm reads the last one.
        parts.append(norm(f"stages.{stage + 1}.0.norm1" if stage + 1 < len(blocks) else "norm"))
        yield group(f"stages.{stage}", width, *parts)


def stage_of(unit: str) -> str:
    return unit.rpartition(".")[0].rpartition(".")[0] or unit


FAMILY = Family(
    depths=tuple(BLOCKS),
    ladder=ladder,
    work=work,
    construct=construct,
    add_head=add_head,
    filters=filters,
    stage=stage_of,
    channels_last=True,
)
