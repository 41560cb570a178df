"""timm's DenseNet-BC for small images, as a ladder of one unit per dense layer."""

from __future__ import annotations

from functools import partial

import torch
from timm.models.densenet import DenseNet
from torch import nn

from architectures.ladder import HEAD, STEM, State, Unit
from architectures.shapes import LAYERS
from sweeps.spec import ModelSpec


def construct(model: ModelSpec) -> DenseNet:
    """A headless DenseNet-BC of growth rate k = width: 2k stem channels, bottlenecks of 4k, compression 0.5.

    The stem is a 3x3 convolution of stride 1 without max pool: 8x8 images come to the third block as 2x2.
    Input (N, channels, S, S), features (N, F, S/4, S/4), or S/8 for depth 121.
    """
    width, layers = model.width, LAYERS[model.depth]
    net = DenseNet(growth_rate=width, block_config=layers, num_classes=0, in_chans=model.channels)
    stem = nn.Conv2d(model.channels, 2 * width, kernel_size=3, stride=1, padding=1, bias=False)
    nn.init.kaiming_normal_(stem.weight)  # as timm draws its own DenseNet convolutions
    net.features.register_module("conv0", stem)
    net.features.register_module("pool0", nn.Identity())
    return net


def draw_head(head: nn.Linear) -> None:
    """Draw a head's weights as timm's DenseNet does: uniform in +-1/sqrt(features), biases zero."""
    head.reset_parameters()
    nn.init.zeros_(head.bias)


def ladder(depth: int) -> tuple[Unit, ...]:
    """Stem, one unit per dense layer, head.

    A transition, and the final norm, belongs to the last dense layer before it: it reads every layer of its
    block and is read by all that follows, so it is frozen exactly when its whole block is, and a cut between
    blocks carries one tensor.
    """
    counts = LAYERS[depth]
    dense: list[Unit] = []
    for block, count in enumerate(counts, start=1):
        after = "features.norm5" if block == len(counts) else f"features.transition{block}"
        for index in range(1, count + 1):
            name = f"denseblock{block}.denselayer{index}"
            path = f"features.{name}"
            if index < count:
                dense.append(Unit(name, (path,), partial(_dense_layer, path)))
            else:
                dense.append(Unit(name, (path, after), partial(_last_dense_layer, path, after)))
    stem = Unit(STEM, ("features.conv0", "features.norm0"), _stem)
    return (stem, *dense, Unit(HEAD, ("classifier",), _head))


def _stem(net: nn.Module, state: State) -> State:
    assert isinstance(net, DenseNet)
    (x,) = state
    for name in ("conv0", "norm0", "pool0"):
        x = net.features.get_submodule(name)(x)
    return (x,)


def _dense_layer(path: str, net: nn.Module, state: State) -> State:
    return (*state, net.get_submodule(path)(list(state)))


def _last_dense_layer(path: str, after: str, net: nn.Module, state: State) -> State:
    features = _dense_layer(path, net, state)
    return (net.get_submodule(after)(torch.cat(features, 1)),)


def _head(net: nn.Module, state: State) -> State:
    assert isinstance(net, DenseNet)
    (x,) = state
    return (net.forward_head(x),)
