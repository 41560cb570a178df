"""timm's ResNet for small images, as a ladder of one unit per convolution."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import TYPE_CHECKING, cast

from architectures.families.family import Family
from architectures.families.filters import Group, group, norm, outputs
from architectures.families.ladder import HEAD, STEM, State, Unit
from architectures.families.work import Work, convolution, linear_head
from sweeps.spec import ModelSpec

if TYPE_CHECKING:
    from timm.models.resnet import BasicBlock, Bottleneck, ResNet
    from torch import nn

BLOCKS: dict[int, tuple[int, ...]] = {
    8: (1, 1, 1),
    10: (1, 1, 1, 1),
    14: (2, 2, 2),
    18: (2, 2, 2, 2),
    20: (3, 3, 3),
    32: (5, 5, 5),
    34: (3, 4, 6, 3),
    44: (7, 7, 7),
    56: (9, 9, 9),
}
"""Blocks of two convolutions per stage, He et al. 2016 (arXiv:1512.03385); four stages: table 1; three: section 4.2
(6n+2)."""

BOTTLENECKS: dict[int, tuple[int, ...]] = {50: (3, 4, 6, 3)}
"""Blocks of three convolutions per stage, 1x1, 3x3 and 1x1 to four times the channels: table 1."""
EXPANSION = 4


def construct(model: ModelSpec) -> ResNet:
    """A headless ResNet of width k: channels [k, 2k, 4k] or [k, 2k, 4k, 8k], stem 3x3 stride 1, no max pool.

    Depth 50 has bottlenecks, which give four times these channels.

    ResNet18 has the layout and widths of Nakkiran et al. 2019 (arXiv:1912.02292), but timm's post-activation
    blocks where theirs are pre-activation. Shortcuts that change shape are 1x1 convolutions at every depth.
    Input (N, channels, S, S), features (N, 4k or 8k, S/4 or S/8, S/4 or S/8).
    """
    from timm.models.resnet import BasicBlock, Bottleneck, ResNet, downsample_conv
    from torch import nn

    narrow = model.depth in BOTTLENECKS
    width, blocks = model.width, (BLOCKS | BOTTLENECKS)[model.depth]
    channels = tuple(width * 2**stage for stage in range(len(blocks)))
    # timm's default sets the last norm of each block to zero: a frozen random network would then be its
    # shortcuts alone, and freezing source weights could not be compared with freezing random ones.
    net = ResNet(
        Bottleneck if narrow else BasicBlock,  # pyright: ignore[reportArgumentType]  (timm asks for an instance)
        blocks,
        num_classes=0,
        in_chans=model.channels,
        channels=channels,
        zero_init_last=False,
    )
    net.conv1 = nn.Conv2d(model.channels, width, kernel_size=3, stride=1, padding=1, bias=False)
    net.bn1 = nn.BatchNorm2d(width)
    net.maxpool = nn.Identity()
    # timm's stem always gives 64 channels, so its first block expects 64; the rest already fits width k.
    wider = downsample_conv(width, EXPANSION * width, kernel_size=1) if narrow else None
    first = Bottleneck(width, width, downsample=wider) if narrow else BasicBlock(width, width)
    net.get_submodule("layer1").register_module("0", first)
    if len(blocks) == 3:
        net.layer4 = nn.Sequential()  # timm's forward runs four stages; an empty one passes its input on
    net.init_weights(zero_init_last=False)  # again, now that stem and first block are in place
    return net


def add_head(net: ResNet, classes: int) -> None:
    """A linear head as timm's ResNet draws it: uniform in +-1/sqrt(features), the default of torch."""
    net.reset_classifier(classes)
    cast("nn.Linear", net.fc).reset_parameters()


def ladder(model: ModelSpec) -> tuple[Unit, ...]:
    """Stem, one unit per convolution with its norm, head. ResNet18: 17 convolutions and the head; ResNet50: 49."""
    convolutions: list[Unit] = []
    number = 3 if model.depth in BOTTLENECKS else 2
    for stage, count in enumerate((BLOCKS | BOTTLENECKS)[model.depth], start=1):
        for index in range(count):
            path = f"layer{stage}.{index}"
            for place in range(1, number + 1):
                owns = [f"{path}.conv{place}", f"{path}.bn{place}"]
                # The projection shortcut reads what the first convolution reads, so it is fixed and runs with it.
                owns += [f"{path}.downsample"] if place == 1 else []
                run = (
                    _first_convolution if place == 1 else _last_convolution if place == number else _middle_convolution
                )
                convolutions.append(Unit(f"{path}.conv{place}", tuple(owns), partial(run, path), "batch"))
    return (Unit(STEM, ("conv1", "bn1"), _stem, "batch"), *convolutions, Unit(HEAD, ("fc",), _head, None))


def _stem(net: ResNet, state: State) -> State:
    (x,) = state
    return (net.maxpool(net.act1(net.bn1(net.conv1(x)))),)


def _first_convolution(path: str, net: ResNet, state: State) -> State:
    block = cast("BasicBlock", net.get_submodule(path))
    (x,) = state
    shortcut = x if block.downsample is None else block.downsample(x)
    return shortcut, block.act1(block.bn1(block.conv1(x)))


def _middle_convolution(path: str, net: ResNet, state: State) -> State:
    block = cast("Bottleneck", net.get_submodule(path))
    shortcut, x = state
    return shortcut, block.act2(block.bn2(block.conv2(x)))


def _last_convolution(path: str, net: ResNet, state: State) -> State:
    block = net.get_submodule(path)
    shortcut, x = state
    if hasattr(block, "conv3"):
        bottleneck = cast("Bottleneck", block)
        x, act = bottleneck.bn3(bottleneck.conv3(x)), bottleneck.act3
    else:
        basic = cast("BasicBlock", block)
        x, act = basic.bn2(basic.conv2(x)), basic.act2
    x += shortcut
    return (act(x),)


def _head(net: ResNet, state: State) -> State:
    (x,) = state
    return (net.forward_head(x),)


def work(model: ModelSpec, classes: int) -> Iterator[Work]:
    side, channels = model.image_size, model.width
    yield convolution(side, model.channels, channels, 3)
    for stage, blocks in enumerate((BLOCKS | BOTTLENECKS)[model.depth]):
        for block in range(blocks):
            before, width = side, model.width * 2**stage
            side = (side + 1) // 2 if stage and not block else side
            added = Work(0, width * side * side, 1)
            if model.depth not in BOTTLENECKS:
                first = convolution(side, channels, width, 3)
                yield first if channels == width else first + convolution(side, channels, width, 1)
                yield convolution(side, width, width, 3) + added
                channels = width
                continue
            outputs = EXPANSION * width
            first = convolution(before, channels, width, 1)
            yield first if channels == outputs else first + convolution(side, channels, outputs, 1)
            yield convolution(side, width, width, 3)
            yield convolution(side, width, outputs, 1) + added
            channels = outputs
    yield linear_head(channels, classes)


def filters(model: ModelSpec) -> Iterator[Group]:
    """One group per residual stream: all that writes to it. One per convolution inside a block."""
    bottleneck = model.depth in BOTTLENECKS
    last = 3 if bottleneck else 2
    stem = (*outputs("conv1"), *norm("bn1"))
    if bottleneck:
        yield group(STEM, model.width, stem)
    for stage, blocks in enumerate((BLOCKS | BOTTLENECKS)[model.depth], start=1):
        width = model.width * 2 ** (stage - 1)
        projected = stage > 1 or bottleneck
        first = f"layer{stage}.0.downsample"
        writers = [(*outputs(f"{first}.0"), *norm(f"{first}.1")) if projected else stem]
        for block in (f"layer{stage}.{index}" for index in range(blocks)):
            for place in range(1, last):
                inner = f"{block}.conv{place}"
                yield group(inner, width, outputs(inner), norm(f"{block}.bn{place}"))
            writers += [outputs(f"{block}.conv{last}"), norm(f"{block}.bn{last}")]
        yield group(f"layer{stage}", width * (EXPANSION if bottleneck else 1), *writers)


def stage_of(unit: str) -> str:
    return unit.partition(".")[0]


FAMILY = Family(
    depths=tuple(sorted(BLOCKS | BOTTLENECKS)),
    ladder=ladder,
    work=work,
    construct=construct,
    add_head=add_head,
    filters=filters,
    stage=stage_of,
    channels_last=True,
)
