"""`kernels: tuned`: the same function and the same parameters, computed in another order."""

from __future__ import annotations

import pytest
import torch
from torch.nn.functional import cross_entropy

import architectures
from architectures import FAMILIES, Network
from sweeps.spec import ModelSpec
from tests.architectures.small_networks import SMALL, label, network

WIDE = [network("resnet", 8, 8), network("densenet", 16, 8), network("vit", 2, 16), network("vgg", 11, 8)]
"""Wide enough for layers of 16 channels and more, beside narrower ones."""


def both(model: ModelSpec) -> tuple[Network, Network]:
    """The network as it is, and tuned."""
    plain, tuned = (architectures.build(model, 10, 0) for _ in range(2))
    FAMILIES[model.family].tune(tuned.net)
    return plain, tuned


def images(model: ModelSpec, samples: int = 5) -> torch.Tensor:
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
    labels, found = torch.tensor([0, 3, 9, 1, 1]), list[list[torch.Tensor]]()
    for tried in both(model):
        logits = tried.double().train(training)(images(model).double())
        cross_entropy(logits, labels).backward()
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


@pytest.mark.parametrize("model", WIDE, ids=label)
def test_wide_convolutions_lie_channels_last_and_narrow_ones_do_not(model: ModelSpec) -> None:
    if model.family == "vit":
        pytest.skip("its one convolution is tuned with no other")
    _, tuned = both(model)
    wide: list[bool] = []
    for module in tuned.net.modules():
        if isinstance(module, torch.nn.Conv2d) and module.kernel_size != (1, 1) and module.in_channels > 1:
            last = not module.weight.is_contiguous()
            assert last == (module.out_channels >= 16)
            wide.append(last)
    assert any(wide) and not all(wide)


def test_the_last_block_of_a_vit_computes_the_class_token_alone() -> None:
    _, tuned = both(network("vit", 2, 16))
    tokens, one = (tuned.prefix(images(network("vit", 2, 16)), cut)[0] for cut in (2, 3))
    assert (tokens.shape, one.shape) == ((5, 17, 16), (5, 1, 16))


def test_a_vit_that_pools_other_tokens_is_refused() -> None:
    net = architectures.build(network("vit", 1), 10, 0).net
    net.global_pool = "avg"  # pyright: ignore[reportArgumentType]
    with pytest.raises(ValueError, match="class token only"):
        FAMILIES["vit"].tune(net)
