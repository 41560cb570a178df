"""timm's VGG with batch norm for small images, as a ladder of one unit per convolution."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

from architectures.families.family import Family
from architectures.families.filters import Group, group, norm, outputs
from architectures.families.ladder import HEAD, STEM, State, Unit
from architectures.families.work import NOTHING, Work, convolution, linear_head
from sweeps.spec import ModelSpec

if TYPE_CHECKING:
    from timm.models.vgg import VGG

CONVOLUTIONS: dict[int, tuple[int, ...]] = {
    11: (1, 1, 2, 2, 2),
    13: (2, 2, 2, 2, 2),
    16: (2, 2, 3, 3, 3),
}
"""Convolutions per stage, Simonyan and Zisserman 2015 (arXiv:1409.1556), table 1: columns A, B and D. The depth counts
their three linear layers too, of which one is left here."""

WIDTHS = (1, 2, 4, 8, 8)
"""Channels of each stage, in units of k; the paper has k = 64."""

LEAST_SIDE = 2
"""Pixels. Of a 3x3 kernel on a single pixel eight weights see nothing but padding."""


class Convolution(NamedTuple):
    """One convolution: its place in timm's `features`, channels, side in pixels, and whether a pool follows it."""

    name: str
    place: int
    inputs: int
    outputs: int
    side: int
    ends_stage: bool
    pooled: bool


def convolutions(model: ModelSpec) -> list[Convolution]:
    """All of them in forward order. In timm's `features` a norm and an activation follow each, and a pool each stage.

    A pool stays where the next stage still sees 2x2 pixels; the last one, which only the head follows, always. So at 8
    pixels stages have sides 8, 4, 2, 2, 2, at 32 pixels all five pools are there, as is usual, and every size works.
    """
    found: list[Convolution] = []
    side, inputs, place = model.image_size, model.channels, 0
    for stage, count in enumerate(CONVOLUTIONS[model.depth], start=1):
        outputs = WIDTHS[stage - 1] * model.width
        pooled = side // 2 >= LEAST_SIDE or stage == len(WIDTHS)
        for number in range(1, count + 1):
            ends = number == count
            name = f"conv{stage}_{number}" if found else STEM
            found.append(Convolution(name, place, inputs, outputs, side, ends, ends and pooled))
            inputs = outputs
            place += 4 if ends else 3
        side = side // 2 if pooled else side
    return found


def construct(model: ModelSpec) -> VGG:
    """A headless VGG of width k: channels [k, 2k, 4k, 8k, 8k], batch norm, no dropout; pools as in `convolutions`.

    Of timm's classifier, the pooling to a vector stays, and the linear layer that `add_head` makes. Its two hidden
    layers of 4,096 (`pre_logits`) go: they would hold nearly all weights of a narrow network. Convolutions have no
    bias, unlike timm's: the norm after them takes it off again, so that Adam would move it by rounding errors alone.
    Input (N, channels, S, S), features (N, 8k, 1, 1), or 2 pixels a side from S = 64 on.
    """
    from timm.layers.classifier import ClassifierHead
    from timm.models.vgg import VGG
    from torch import nn

    layers: list[int | str] = []
    for one in convolutions(model):
        layers += [one.outputs, "M"] if one.ends_stage else [one.outputs]
    net = VGG(
        layers,
        num_classes=0,
        in_chans=model.channels,
        conv_layer=partial(nn.Conv2d, bias=False),  # pyright: ignore[reportArgumentType]  (timm asks for a class)
        norm_layer=nn.BatchNorm2d,
        mlp_ratio=1 / 4096,  # as small as they can be made: hidden layers are drawn after the body, and thrown away
    )
    for one in convolutions(model):
        if one.ends_stage and not one.pooled:
            net.features[one.place + 3] = nn.Identity()
    net.pre_logits = nn.Identity()  # pyright: ignore[reportAttributeAccessIssue]
    net.head = ClassifierHead(net.num_features, 0)
    return net


def add_head(net: VGG, classes: int) -> None:
    """A linear head as timm's VGG draws it: normal of deviation 0.01, biases zero."""
    from torch import nn

    net.reset_classifier(classes)
    assert isinstance(net.head.fc, nn.Linear)
    nn.init.normal_(net.head.fc.weight, 0, 0.01)
    nn.init.zeros_(net.head.fc.bias)


def ladder(model: ModelSpec) -> tuple[Unit, ...]:
    """One unit per convolution, with its norm, activation and pool; the first is the stem. Then the head."""
    units: list[Unit] = []
    for one in convolutions(model):
        first = one.place
        layers = tuple(f"features.{layer}" for layer in range(first, first + (4 if one.ends_stage else 3)))
        units.append(Unit(one.name, layers[:2], partial(_convolution, layers), "batch"))
    return (*units, Unit(HEAD, ("head.fc",), _head, None))


def _convolution(layers: tuple[str, ...], net: VGG, state: State) -> State:
    (x,) = state
    for layer in layers:
        x = net.get_submodule(layer)(x)
    return (x,)


def _head(net: VGG, state: State) -> State:
    (x,) = state
    return (net.forward_head(x),)


def work(model: ModelSpec, classes: int) -> Iterator[Work]:
    for one in convolutions(model):
        pooled = Work(0, one.outputs * (one.side // 2) ** 2, 1) if one.pooled else NOTHING
        yield convolution(one.side, one.inputs, one.outputs, 3) + pooled
    yield linear_head(WIDTHS[-1] * model.width, classes)


def filters(model: ModelSpec) -> Iterator[Group]:
    for one in convolutions(model):
        yield group(one.name, one.outputs, outputs(f"features.{one.place}"), norm(f"features.{one.place + 1}"))


def stage_of(unit: str) -> str:
    return "conv1" if unit == STEM else unit.partition("_")[0]


FAMILY = Family(
    depths=tuple(CONVOLUTIONS),
    ladder=ladder,
    work=work,
    construct=construct,
    add_head=add_head,
    filters=filters,
    stage=stage_of,
    channels_last=True,
)
