"""timm's DenseNet-BC for small images, as a ladder of one unit per dense layer."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import TYPE_CHECKING

from architectures.families.family import Family
from architectures.families.filters import Group, Part, group, norm, outputs
from architectures.families.ladder import HEAD, STEM, State, Unit
from architectures.families.tuned.layout import tuned
from architectures.families.work import Work, convolution, linear_head
from sweeps.spec import ModelSpec

if TYPE_CHECKING:
    from timm.models.densenet import DenseNet

LAYERS: dict[int, tuple[int, ...]] = {
    10: (1, 1, 1),
    16: (2, 2, 2),
    22: (3, 3, 3),
    40: (6, 6, 6),
    100: (16, 16, 16),
    121: (6, 12, 24, 16),
}
"""Dense layers per block, Huang et al. 2017 (arXiv:1608.06993): three blocks of n for depth 6n+4, table 1."""


def construct(model: ModelSpec) -> DenseNet:
    """A headless DenseNet-BC of growth rate k = width: 2k stem channels, bottlenecks of 4k, compression 0.5.

    The stem is a 3x3 convolution of stride 1 without max pool: 8x8 images come to the third block as 2x2.
    Input (N, channels, S, S), features (N, F, S/4, S/4), or S/8 for depth 121.
    """
    from timm.models.densenet import DenseNet
    from torch import nn

    width, layers = model.width, LAYERS[model.depth]
    net = DenseNet(growth_rate=width, block_config=layers, num_classes=0, in_chans=model.channels)
    stem = nn.Conv2d(model.channels, 2 * width, kernel_size=3, stride=1, padding=1, bias=False)
    nn.init.kaiming_normal_(stem.weight)  # as timm draws its own DenseNet convolutions
    net.features.register_module("conv0", stem)
    net.features.register_module("pool0", nn.Identity())
    return net


def add_head(net: DenseNet, classes: int) -> None:
    """A linear head as timm's DenseNet draws it: uniform in +-1/sqrt(features), biases zero."""
    from torch import nn

    net.reset_classifier(classes)
    assert isinstance(net.classifier, nn.Linear)
    net.classifier.reset_parameters()
    nn.init.zeros_(net.classifier.bias)


def ladder(model: ModelSpec) -> tuple[Unit, ...]:
    """Stem, one unit per dense layer, head.

    A transition, and the final norm, belongs to the last dense layer before it: it reads every layer of its
    block and is read by all that follows, so it is frozen exactly when its whole block is, and a cut between
    blocks carries one tensor.
    """
    counts = LAYERS[model.depth]
    dense: list[Unit] = []
    for block, count in enumerate(counts, start=1):
        after = "features.norm5" if block == len(counts) else f"features.transition{block}"
        for index in range(1, count + 1):
            name = f"denseblock{block}.denselayer{index}"
            path = f"features.{name}"
            if index < count:
                dense.append(Unit(name, (path,), partial(_dense_layer, path), "batch"))
            else:
                dense.append(Unit(name, (path, after), partial(_last_dense_layer, path, after), "batch"))
    stem = Unit(STEM, ("features.conv0", "features.norm0"), _stem, "batch")
    return (stem, *dense, Unit(HEAD, ("classifier",), _head, None))


def _stem(net: DenseNet, state: State) -> State:
    (x,) = state
    for name in ("conv0", "norm0", "pool0"):
        x = net.features.get_submodule(name)(x)
    return (x,)


def _dense_layer(path: str, net: DenseNet, state: State) -> State:
    return (*state, net.get_submodule(path)(list(state)))


def _last_dense_layer(path: str, after: str, net: DenseNet, state: State) -> State:
    import torch

    features = _dense_layer(path, net, state)
    return (net.get_submodule(after)(torch.cat(features, 1)),)


def _head(net: DenseNet, state: State) -> State:
    (x,) = state
    return (net.forward_head(x),)


def work(model: ModelSpec, classes: int) -> Iterator[Work]:
    side, width, channels = model.image_size, model.width, 2 * model.width
    yield convolution(side, model.channels, channels, 3)
    layers = LAYERS[model.depth]
    for block, count in enumerate(layers, start=1):
        for layer in range(1, count + 1):
            pixels = side * side
            # A dense layer joins all before it, normalises them, and only then narrows them.
            joined = Work(0, 3 * channels * pixels, 4)
            narrow = Work(4 * width * channels * pixels, 3 * 4 * width * pixels, 3)
            dense = joined + narrow + Work(9 * 4 * width * width * pixels, width * pixels, 1)
            channels += width
            if layer == count:
                dense += Work(0, 2 * channels * pixels, 2)
                if block < len(layers):
                    dense += Work(channels * (channels // 2) * pixels, channels // 2 * pixels, 2)
                    side, channels = side // 2, channels // 2
            yield dense
    yield linear_head(channels, classes)


def filters(model: ModelSpec) -> Iterator[Group]:
    """The stem's channels, those that each dense layer grows, its bottleneck's, and those of each transition.

    A norm reads what all layers before it have joined: of each group's channels it has entries of its own.
    """
    growth, layers = model.width, LAYERS[model.depth]
    size = 2 * growth
    name, writers = STEM, [outputs("features.conv0"), norm("features.norm0")]
    for block, count in enumerate(layers, start=1):
        paths = [f"features.denseblock{block}.denselayer{index}" for index in range(1, count + 1)]
        after = "features.norm5" if block == len(layers) else f"features.transition{block}.norm"
        readers = [*(f"{path}.norm1" for path in paths), after]
        yield group(name, size, *writers, *(norm(reader) for reader in readers))
        for place, path in enumerate(paths):
            yield group(f"{path}.conv1", 4 * growth, outputs(f"{path}.conv1"), norm(f"{path}.norm2"))
            start = size + place * growth
            later: list[tuple[Part, ...]] = [norm(reader, start) for reader in readers[place + 1 :]]
            yield group(f"{path}.conv2", growth, outputs(f"{path}.conv2"), *later)
        size = (size + count * growth) // 2
        name = f"features.transition{block}"
        writers = [outputs(f"{name}.conv")]


def stage_of(unit: str) -> str:
    return unit.partition(".")[0]


FAMILY = Family(
    depths=tuple(LAYERS),
    ladder=ladder,
    work=work,
    construct=construct,
    add_head=add_head,
    tune=partial(tuned, channels_last_from=8),
    filters=filters,
    stage=stage_of,
    channels_last=True,
)
