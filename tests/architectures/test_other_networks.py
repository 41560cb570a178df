"""Networks that are not timm's fit into the table: a two-layer ReLU CNN with a fixed second layer, a mean-field MLP."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import torch
from torch import Tensor, nn

from architectures import FAMILIES, Network, build, exact_prefix, freeze, inherit, ladder_length, trainable_parameters
from architectures.arithmetic import unit_work
from architectures.families.family import Family
from architectures.families.ladder import HEAD, STEM, State, Unit
from architectures.families.work import Work, convolution, linear_head
from orchestrator.train.device import placed
from sweeps.spec import ModelSpec


class FixedSum(nn.Module):
    """The second layer of Cao et al. 2022 (arXiv:2202.06526): each class sums filters of its own, equally."""

    def __init__(self, filters: int, classes: int) -> None:
        super().__init__()
        self.register_buffer("weight", torch.eye(classes).repeat_interleave(filters, 1) / filters)

    def forward(self, x: Tensor) -> Tensor:
        return x.relu().sum((2, 3)) @ self.get_buffer("weight").T


class TwoLayerCNN(nn.Module):
    def __init__(self, model: ModelSpec) -> None:
        super().__init__()
        self.filters = nn.Conv2d(
            model.channels, 2 * model.width, model.image_size // 2, model.image_size // 2, bias=False
        )
        self.out: nn.Module = nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        return self.out(self.filters(x))


def add_fixed_sum(net: TwoLayerCNN, classes: int) -> None:
    net.out = FixedSum(net.filters.out_channels // 2, classes)


class MeanField(nn.Linear):
    """A linear layer divided by its width."""

    def forward(self, input: Tensor) -> Tensor:
        return super().forward(input) / self.in_features


class MLP(nn.Module):
    def __init__(self, model: ModelSpec) -> None:
        super().__init__()
        self.hidden = nn.Linear(model.channels * model.image_size**2, model.width)
        self.out: nn.Module = nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        return self.out(self.hidden(x.flatten(1)).relu())


def add_mean_field_head(net: MLP, classes: int) -> None:
    net.out = MeanField(net.hidden.out_features, classes)


def of_filters(net: TwoLayerCNN, state: State) -> State:
    return (net.filters(state[0]),)


def of_hidden(net: MLP, state: State) -> State:
    return (net.hidden(state[0].flatten(1)).relu(),)


def of_out(net: TwoLayerCNN | MLP, state: State) -> State:
    return (net.out(state[0]),)


def cnn_work(model: ModelSpec, classes: int) -> Iterator[Work]:
    yield convolution(2, model.channels, 2 * model.width, model.image_size // 2)
    yield linear_head(2 * model.width, classes)


def mlp_work(model: ModelSpec, classes: int) -> Iterator[Work]:
    yield linear_head(model.channels * model.image_size**2, model.width)
    yield linear_head(model.width, classes)


OTHERS = {
    "two_layer_cnn": Family(
        depths=(2,),
        ladder=lambda _: (Unit(STEM, ("filters",), of_filters, None), Unit(HEAD, ("out",), of_out, None)),
        work=cnn_work,
        construct=TwoLayerCNN,
        add_head=add_fixed_sum,
        channels_last=True,
    ),
    "mean_field_mlp": Family(
        depths=(2,),
        ladder=lambda _: (Unit(STEM, ("hidden",), of_hidden, None), Unit(HEAD, ("out",), of_out, None)),
        work=mlp_work,
        construct=MLP,
        add_head=add_mean_field_head,
        channels_last=False,
    ),
}


@pytest.fixture(autouse=True)
def rows(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, family in OTHERS.items():
        monkeypatch.setitem(FAMILIES, name, family)


def made(family: str, classes: int = 2, seed: int = 0) -> tuple[ModelSpec, Network, Tensor]:
    model = ModelSpec(family=family, depth=2, width=6)
    return model, build(model, classes, seed), torch.randn(5, 1, 8, 8, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize("family", OTHERS)
def test_it_is_cut_frozen_inherited_and_counted_as_any_other(family: str) -> None:
    model, network, x = made(family)
    assert ladder_length(model) == len(unit_work(model, 2)) == 2
    for cut in (0, 1):
        assert torch.equal(network.suffix(network.prefix(x, cut), cut), network(x))
    freeze(network, 1, "train")
    assert network.exact_prefix() and exact_prefix(model, 1, "train")  # no norm, nothing trains
    _, source, _ = made(family, classes=3, seed=1)
    inherit(network, source.state_dict())
    assert torch.equal(network.prefix(x, 1)[0], source.prefix(x, 1)[0])
    assert not torch.equal(network(x), made(family)[1](x))
    assert placed(network, family, None, torch.device("cpu")) is network


def test_a_head_need_not_be_linear_nor_train() -> None:
    _, network, _ = made("two_layer_cnn")
    with pytest.raises(ValueError, match=r"the head of this network \(out\) is not one linear layer"):
        _ = network.head
    assert trainable_parameters(network) == 12 * 16
    freeze(network, 1, "eval")
    assert trainable_parameters(network) == 0


def test_a_head_may_be_scaled() -> None:
    _, network, x = made("mean_field_mlp")
    (features,) = network.prefix(x, 1)
    assert torch.equal(network(x), network.head(features))
    expected = (features @ network.head.weight.T + network.head.bias) / 6
    torch.testing.assert_close(network(x), expected)
