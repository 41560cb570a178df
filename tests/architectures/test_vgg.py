"""VGG in its small-image form: its pools, and that it is timm's but for what its docstring says."""

from __future__ import annotations

from itertools import pairwise

import pytest
import torch
from timm.models import vgg as timms
from torch import nn

from architectures import FAMILIES, build, ladder_length, unit_names
from architectures.families.vgg import CONVOLUTIONS, convolutions
from tests.architectures.small_networks import network


@pytest.mark.parametrize("depth", CONVOLUTIONS)
def test_at_width_64_stages_are_timms(depth: int) -> None:
    asked = [entry for entry in timms.cfgs[f"vgg{depth}"]]
    ours: list[int | str] = []
    for one in convolutions(network("vgg", depth, 64, 32)):
        ours += [one.outputs, "M"] if one.pooled else [one.outputs]
    assert ours == asked


@pytest.mark.parametrize(
    ("size", "sides"),
    [
        (8, [8, 4, 2, 2, 2]),
        (12, [12, 6, 3, 3, 3]),
        (16, [16, 8, 4, 2, 2]),
        (32, [32, 16, 8, 4, 2]),
        (64, [64, 32, 16, 8, 4]),
    ],
)
def test_every_stage_sees_at_least_two_pixels_a_side(size: int, sides: list[int]) -> None:
    assert list(dict.fromkeys(one.name[4] for one in convolutions(network("vgg", 13, 4, size))[1:])) == list("12345")
    ends = [one.side for one in convolutions(network("vgg", 13, 4, size)) if one.ends_stage]
    assert ends == sides


@pytest.mark.parametrize("size", range(8, 65))
def test_every_size_has_the_sides_that_are_counted(size: int) -> None:
    model = network("vgg", 11, 1, size)
    made = build(model, classes=2, seed=0).eval()
    seen: list[int] = []
    for layer in made.modules():
        if isinstance(layer, nn.Conv2d):
            layer.register_forward_pre_hook(lambda _, given: seen.append(given[0].shape[-1]))
    assert made(torch.zeros(1, 3, size, size)).shape == (1, 2)
    assert seen == [one.side for one in convolutions(model)]
    assert min(seen) >= 2


def test_every_weight_of_a_kernel_learns_at_the_smallest_size() -> None:
    made = build(network("vgg", 16, 2, 8), classes=3, seed=0)
    made(torch.randn(32, 3, 8, 8, generator=torch.Generator().manual_seed(0))).square().sum().backward()
    for layer in made.modules():
        if isinstance(layer, nn.Conv2d):
            assert layer.weight.grad is not None and bool(layer.weight.grad.abs().amax((0, 1)).gt(0).all())


def test_weights_are_timms_without_biases_and_hidden_layers() -> None:
    """Equal names and shapes: what timm has beside is a bias under a norm, or a hidden layer of the classifier."""
    made = build(network("vgg", 11, 64, 32), classes=10, seed=0).state_dict()
    plain = timms.VGG(timms.cfgs["vgg11"], num_classes=10, norm_layer=nn.BatchNorm2d, mlp_ratio=1 / 4096).state_dict()
    assert {key for key in made if key not in plain} == set()
    assert all(made[key].shape == plain[key].shape for key in made if key != "head.fc.weight")
    more = {key for key in plain if key not in made}
    norms = {key.removesuffix(".running_mean") for key in plain if key.endswith(".running_mean")}
    biases = {f"features.{int(norm.split('.')[1]) - 1}.bias" for norm in norms}
    assert more == biases | {key for key in plain if key.startswith("pre_logits.")}


def test_names_are_the_papers() -> None:
    assert unit_names(network("vgg", 11)) == (
        *("stem", "conv2_1", "conv3_1", "conv3_2", "conv4_1", "conv4_2", "conv5_1", "conv5_2", "head"),
    )
    assert ladder_length(network("vgg", 16)) == 14


def test_it_is_narrow() -> None:
    """3x3 kernels, two numbers a channel for its norm, a linear head: no hidden layer of 4,096 is left."""
    made = build(network("vgg", 11, 4), classes=10, seed=0)
    channels = [3, 4, 8, 16, 16, 32, 32, 32, 32]
    body = sum(9 * a * b + 2 * b for a, b in pairwise(channels))
    assert sum(parameter.numel() for parameter in made.parameters()) == body + 33 * 10
    assert FAMILIES["vgg"].channels_last
