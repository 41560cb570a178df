"""The mean-field perceptron: its start, its gradients, its ladder, what a target inherits."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

from architectures import Network, build, freeze, inherit, ladder_length, take_body
from architectures.arithmetic import unit_work
from sweeps.spec import ModelSpec


def model(**given: object) -> ModelSpec:
    return ModelSpec.model_validate({"family": "mean_field_mlp", "depth": 2, "width": 64, "inputs": 10, **given})


def vectors(samples: int = 6, seed: int = 0) -> Tensor:
    return torch.randn(samples, 10, generator=torch.Generator().manual_seed(seed))


def descend(network: Network, x: Tensor, y: Tensor, rate: float, steps: int) -> None:
    optimizer = torch.optim.SGD([p for p in network.parameters() if p.requires_grad], rate)
    for _ in range(steps):
        optimizer.zero_grad()
        (network(x) - y).square().mean().backward()
        optimizer.step()


def test_the_ladder_is_the_network() -> None:
    network, x = build(model(), 1, seed=0), vectors()
    descend(network, x, x[:, :1], 0.1, 5)
    for cut in range(2):
        assert torch.equal(network.suffix(network.prefix(x, cut), cut), network(x))
    assert len(unit_work(model(), 1)) == ladder_length(model()) == 2
    images = build(model(inputs=None, image_size=8), 3, seed=0)
    assert images(torch.randn(2, 1, 8, 8)).shape == (2, 3)


@pytest.mark.parametrize("richness", [0.01, 1.0, 10.0])
def test_it_starts_at_zero_and_descends_as_the_flow_of_particles(richness: float) -> None:
    """One step at the rate eta changes w by 2 eta gamma (y - f) z phi'(h) x/sqrt(D), whatever the width."""
    for width in (64, 256):
        network, x = build(model(width=width, richness=richness), 1, seed=1), vectors(1)
        assert not network(x).any()
        hidden, readout = network.net.get_submodule("hidden"), network.net.get_submodule("readout")
        w, z = hidden.get_buffer("start").clone(), readout.get_buffer("start")[0].clone()
        descend(network, x, torch.ones(1, 1), 0.05, 1)
        h = w @ x[0] / math.sqrt(10)
        expected = 2 * 0.05 * richness * ((z * (h > 0))[:, None] * x[0] / math.sqrt(10))
        torch.testing.assert_close(hidden.get_buffer("scale") * hidden.get_parameter("weight"), expected)
        moved = richness * math.sqrt(width) * readout.get_parameter("weight")[0]
        torch.testing.assert_close(moved, 2 * 0.05 * richness * h.relu())


def test_a_frozen_hidden_layer_leaves_a_plain_linear_head() -> None:
    network, x = build(model(), 1, seed=0), vectors(20)
    freeze(network, 1, "eval")
    descend(network, x, x[:, :1], 0.5, 50)
    features, reference = network.prefix(x, 1)
    assert torch.equal(features, reference)
    torch.testing.assert_close(network(x), features @ network.head.weight.T)


def test_a_target_starts_from_the_learnt_features_at_zero() -> None:
    x = vectors(20)
    source = build(model(richness=2.0), 1, seed=0)
    descend(source, x, x[:, :1], 0.2, 50)
    target = build(model(richness=0.5), 1, seed=1)
    inherit(target, source.state_dict())
    torch.testing.assert_close(target.prefix(x, 1)[0], source.prefix(x, 1)[0])
    assert not target(x).any()
    assert target.net.get_submodule("hidden").get_buffer("scale").item() == pytest.approx(0.5 * 8)
    again = build(model(richness=2.0), 1, seed=0)
    again.load_state_dict(source.state_dict())
    assert torch.equal(again(x), source(x))


def test_linear_units_have_no_kink() -> None:
    network, x = build(model(activation="linear"), 1, seed=0), vectors()
    features, _ = network.prefix(x, 1)
    torch.testing.assert_close(network.prefix(-x, 1)[0], -features)


def test_richness_is_of_this_family() -> None:
    with pytest.raises(ValueError, match=r"^model\.richness = 2\.0: allowed with the family mean_field_mlp alone$"):
        build(ModelSpec(family="resnet", depth=8, width=4, richness=2.0), 2, 0)
    assert model(richness=1, activation="relu") == model()


def test_the_source_s_head_on_a_network_that_has_gone_on() -> None:
    """`take_body`: the source's function with the hidden weights of the target, its readouts as they were."""
    x = vectors(20)
    source = build(model(richness=2.0), 1, seed=0)
    descend(source, x, x[:, :1], 0.2, 50)
    target = build(model(richness=0.5), 1, seed=1)
    inherit(target, source.state_dict())
    kept = build(model(richness=2.0), 1, seed=0)
    inherit(kept, source.state_dict(), head_too=True)
    take_body(kept, target)
    torch.testing.assert_close(kept(x), source(x))
    descend(target, x, x[:, 1:2], 0.2, 50)
    take_body(kept, target)
    hidden, readout = source.net.get_submodule("hidden"), source.net.get_submodule("readout")
    scale = 2.0 * 8
    z = readout.get_buffer("start") + scale * readout.get_parameter("weight")
    first = (x / math.sqrt(10) @ hidden.get_buffer("start").T).relu() @ readout.get_buffer("start").T
    expected = (8 * target.prefix(x, 1)[0] @ z.T - first) / (2.0 * 64)
    torch.testing.assert_close(kept(x), expected, rtol=1e-4, atol=1e-5)
    assert (kept(x) - source(x)).abs().max() > 1e-3


def test_a_readout_that_was_solved_for_computes_in_float64() -> None:
    network, x = build(model(), 1, seed=0), vectors(20)
    descend(network, x, x[:, :1], 0.2, 20)
    expected = network(x)
    network.head.double()
    network.head.register_forward_pre_hook(lambda _, given: (given[0].double(),))
    assert network(x).dtype == torch.float64
    torch.testing.assert_close(network(x).float(), expected)
