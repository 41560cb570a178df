"""`kernels: tuned`: the same function and the same parameters, computed in another order."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

import architectures
from architectures import FAMILIES, Network
from architectures.families.tuned.convolution import TunedConv2d, tune_convolutions
from sweeps.spec import ModelSpec
from tests.architectures.small_networks import SMALL, classes_for, label, named, network

WIDE = [
    network("resnet", 8, 8),
    network("preact_resnet", 8, 8),
    network("densenet", 16, 8),
    network("vit", 2, 16),
    network("vgg", 11, 8),
    network("mlp", 2, 16),
    network("fcn", 3, 16),
    network("mean_field_mlp", 2, 16),
    named("test_resnet"),
    network("two_layer_relu_cnn", 2, 16),
]
"""Wide enough for layers of 16 channels and more, beside narrower ones."""
UNTUNED = ("vit", "mlp", "mean_field_mlp", "two_layer_relu_cnn")
"""Without a convolution of more than one input channel and more than one pixel."""


def both(model: ModelSpec) -> tuple[Network, Network]:
    """The network as it is, and tuned."""
    plain, tuned = (architectures.build(model, classes_for(model, 10), 0) for _ in range(2))
    FAMILIES[model.family].tune(tuned.net)
    return plain, tuned


def images(model: ModelSpec, samples: int = 5) -> Tensor:
    side = model.image_size
    return torch.rand(samples, model.channels, side, side, generator=torch.Generator().manual_seed(0))


def test_all_families_are_tried() -> None:
    assert {model.family for model in WIDE} == set(FAMILIES)


@pytest.mark.parametrize("model", SMALL + WIDE, ids=label)
def test_parameters_keep_their_names_and_values(model: ModelSpec) -> None:
    plain, tuned = (network.state_dict() for network in both(model))
    assert list(plain) == list(tuned)
    assert all(torch.equal(plain[name], tuned[name]) for name in plain)


@pytest.mark.parametrize("model", SMALL + WIDE, ids=label)
@pytest.mark.parametrize("training", [True, False])
def test_logits_and_gradients_are_those_of_the_plain_network(model: ModelSpec, training: bool) -> None:
    labels, found = torch.tensor([0, 3, 9, 1, 1]), list[list[Tensor]]()
    for tried in both(model):
        logits = tried.double().train(training)(images(model).double())
        cross_entropy(logits, labels % logits.shape[1]).backward()
        found.append([logits, *(parameter.grad for parameter in tried.parameters() if parameter.grad is not None)])
    assert len(found[0]) == len(found[1]) == 1 + sum(1 for _ in both(model)[0].parameters())
    for plain, tuned in zip(*found, strict=True):
        torch.testing.assert_close(tuned, plain, rtol=1e-9, atol=1e-10)


@pytest.mark.parametrize("model", SMALL + WIDE, ids=label)
def test_the_ladder_gives_the_bits_of_the_whole_network_at_every_cut(model: ModelSpec) -> None:
    _, tuned = both(model)
    x = images(model, 32)
    with torch.no_grad():
        whole = tuned.eval()(x)
        for cut in range(len(tuned.units)):
            assert torch.equal(tuned.suffix(tuned.prefix(x, cut), cut), whole)


@pytest.mark.parametrize("model", [model for model in WIDE if model.family not in UNTUNED], ids=label)
def test_wide_convolutions_lie_channels_last_and_narrow_ones_do_not(model: ModelSpec) -> None:
    least = {"densenet": 8}.get(model.family, 16)
    _, tuned = both(model)
    wide: list[bool] = []
    for module in tuned.net.modules():
        if isinstance(module, torch.nn.Conv2d) and module.kernel_size != (1, 1) and module.in_channels > 1:
            last = not module.weight.is_contiguous()
            assert last == (module.out_channels >= least)
            wide.append(last)
    assert any(wide)


def convolution(**changes: Any) -> tuple[nn.Conv2d, nn.Conv2d]:
    """A convolution of torch, and the same tuned."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        plain = nn.Conv2d(**{"in_channels": 4, "out_channels": 6, "kernel_size": 3, "padding": 1, **changes})
    tuned = deepcopy(plain)
    tune_convolutions(tuned, 16)
    assert type(tuned) is TunedConv2d
    return plain, tuned


@pytest.mark.parametrize("side", [1, 2, 3, 4])
@pytest.mark.parametrize(
    "changes",
    [{}, {"bias": False}, {"out_channels": 16}, {"stride": 2}, {"kernel_size": 1, "padding": 0}, {"groups": 2},
     {"padding": 2}, {"dilation": 2, "padding": 2}, {"padding_mode": "reflect"}],
    ids=str,
)  # fmt: skip
@pytest.mark.parametrize("frozen", [False, True])
def test_a_tuned_convolution_is_the_same_function(side: int, changes: dict[str, Any], frozen: bool) -> None:
    if changes.get("padding_mode") == "reflect" and side == 1:
        pytest.skip("torch reflects no border of one pixel")
    found: list[list[Tensor]] = []
    for module in convolution(**changes):
        module.double().requires_grad_(not frozen)
        x = torch.rand(3, 4, side, side, generator=torch.Generator().manual_seed(1)).double().requires_grad_()
        out = module(x)
        (out**2).sum().backward()
        grads = [parameter.grad for parameter in module.parameters() if parameter.grad is not None]
        assert x.grad is not None and bool(grads) != frozen
        found.append([out, x.grad, *grads])
    for plain, tuned in zip(*found, strict=True):
        torch.testing.assert_close(tuned, plain, rtol=1e-12, atol=1e-12)


def test_on_maps_of_four_pixels_a_trained_convolution_is_a_matrix_product(monkeypatch: pytest.MonkeyPatch) -> None:
    _, tuned = convolution()
    monkeypatch.setattr(tuned, "_conv_forward", lambda *_: pytest.fail("convolved"))
    assert tuned(torch.rand(3, 4, 2, 2)).shape == (3, 6, 2, 2)
    with pytest.raises(pytest.fail.Exception, match="convolved"):
        tuned.requires_grad_(False)(torch.rand(3, 4, 2, 2))


def test_the_last_block_of_a_vit_computes_the_class_token_alone() -> None:
    _, tuned = both(network("vit", 2, 16))
    tokens, one = (tuned.prefix(images(network("vit", 2, 16)), cut)[0] for cut in (2, 3))
    assert (tokens.shape, one.shape) == ((5, 17, 16), (5, 1, 16))


def test_a_vit_that_pools_other_tokens_is_refused() -> None:
    net = architectures.build(network("vit", 1), 10, 0).net
    net.global_pool = "avg"  # pyright: ignore[reportArgumentType]
    with pytest.raises(ValueError, match="class token only"):
        FAMILIES["vit"].tune(net)
