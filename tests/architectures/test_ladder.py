"""The ladder is timm's own forward, cut into units: to the bit, for every family, size, cut and mode."""

from __future__ import annotations

import copy

import pytest
import torch
from torch import Tensor, nn

from architectures import FAMILIES, Network, build, freeze, ladder_length, unit_names
from architectures.families.ladder import State
from sweeps.spec import ModelSpec
from tests.architectures.small_networks import ALL_DEPTHS, SMALL, classes_for, label
from tests.architectures.small_networks import network as spec

SIZES = [8, 12, 32]


def images(model: ModelSpec, count: int = 3) -> Tensor:
    shape = (count, model.channels, model.image_size, model.image_size)
    return torch.randn(shape, generator=torch.Generator().manual_seed(0))


def trained(model: ModelSpec, classes: int = 5) -> Network:
    """A network whose norms have seen data, so that eval mode and train mode differ."""
    network = build(model, classes_for(model, classes), seed=1)
    network(images(model))
    return network


def cut_forward(network: Network, x: Tensor, cut: int) -> tuple[Tensor, State]:
    state = network.prefix(x, cut)
    return network.suffix(state, cut), state


@pytest.mark.parametrize("training", [False, True], ids=["eval", "train"])
@pytest.mark.parametrize("image_size", SIZES)
@pytest.mark.parametrize("model", SMALL, ids=label)
def test_every_cut_gives_timms_forward_to_the_bit(model: ModelSpec, image_size: int, training: bool) -> None:
    model = model.model_copy(update={"image_size": image_size})
    network, x = trained(model).train(training), images(model)
    start = {key: tensor.clone() for key, tensor in network.state_dict().items()}
    expected = network.net(x)
    left = {key: tensor.clone() for key, tensor in network.state_dict().items()}
    for cut in range(ladder_length(model)):
        network.load_state_dict(start)
        logits, _ = cut_forward(network, x, cut)
        assert torch.equal(logits, expected), f"cut {cut}"
        for key, tensor in network.state_dict().items():
            assert torch.equal(tensor, left[key]), f"cut {cut}: {key}"


@pytest.mark.parametrize("model", SMALL, ids=label)
def test_suffix_leaves_the_activations_it_was_given_unchanged(model: ModelSpec) -> None:
    network, x = trained(model), images(model)
    for cut in range(ladder_length(model)):
        state = network.prefix(x, cut)
        before = [tensor.detach().clone() for tensor in state]
        network.suffix(state, cut)
        assert all(torch.equal(old, new) for old, new in zip(before, state, strict=True)), f"cut {cut}"


@pytest.mark.parametrize("model", SMALL, ids=label)
def test_cut_forward_gives_the_gradients_of_timms_forward(model: ModelSpec) -> None:
    network, x = trained(model), images(model)
    cut = ladder_length(model) // 2
    network.net(x).square().sum().backward()
    expected = [parameter.grad for parameter in network.parameters()]
    network.zero_grad()
    logits, _ = cut_forward(network, x, cut)
    logits.square().sum().backward()
    for parameter, gradient in zip(network.parameters(), expected, strict=True):
        assert parameter.grad is not None and gradient is not None
        assert torch.equal(parameter.grad, gradient)


@pytest.mark.parametrize("model", ALL_DEPTHS, ids=label)
def test_every_depth_runs_and_every_tensor_belongs_to_one_unit(model: ModelSpec) -> None:
    network, x = build(model, classes=2, seed=0).eval(), images(model, 2)
    expected = network(x)
    assert expected.shape == (2, 2)
    length = ladder_length(model)
    for cut in (1, length // 2, length - 1):
        assert torch.equal(cut_forward(network, x, cut)[0], expected)
    for key in network.state_dict():
        assert sum(unit.holds(key) for unit in network.units) == 1, key
    (head,) = network.units[-1].owns
    assert isinstance(network.net.get_submodule(head), nn.Linear) == FAMILIES[model.family].linear_head
    with_tensors = network.units[:-1] if FAMILIES[model.family].fixed_head else network.units
    assert all(any(unit.holds(key) for key in network.state_dict()) for unit in with_tensors)


@pytest.mark.parametrize("model", ALL_DEPTHS, ids=label)
def test_a_unit_runs_the_tensors_it_owns_and_no_others(model: ModelSpec) -> None:
    """Parameters that the prefix's gradient reaches are those of its units: ownership is not just a name."""
    network, x = build(model, classes=2, seed=0), images(model, 2)
    cut = ladder_length(model) // 2
    torch.autograd.backward([tensor.sum() for tensor in network.prefix(x, cut) if tensor.requires_grad])
    owned = {id(parameter) for unit in network.units[:cut] for parameter in unit.parameters(network.net)}
    assert {id(p) for p in network.parameters() if p.grad is not None} == owned


def test_lengths_count_layers_as_the_field_does() -> None:
    def lengths(family: str) -> dict[int, int]:
        return {depth: ladder_length(spec(family, depth)) for depth in FAMILIES[family].depths}

    depths = (8, 10, 14, 18, 20, 32, 34, 44, 56)
    assert lengths("resnet") == {depth: depth for depth in (*depths, 50)}
    assert lengths("preact_resnet") == {depth: depth for depth in depths}
    assert lengths("densenet") == {10: 5, 16: 8, 22: 11, 40: 20, 100: 50, 121: 60}
    assert [ladder_length(spec("vit", d, 4)) for d in (1, 6, 48)] == [3, 8, 50]
    assert lengths("vgg") == {11: 9, 13: 11, 16: 14}  # one linear layer and not three


def test_names_are_unique_and_go_from_stem_to_head() -> None:
    assert unit_names(spec("resnet", 8, 4)) == (
        "stem",
        "layer1.0.conv1",
        "layer1.0.conv2",
        "layer2.0.conv1",
        "layer2.0.conv2",
        "layer3.0.conv1",
        "layer3.0.conv2",
        "head",
    )
    assert unit_names(spec("vit", 2, 4)) == ("stem", "blocks.0", "blocks.1", "head")
    for model in ALL_DEPTHS:
        names = unit_names(model)
        assert (names[0], names[-1]) == ("stem", "head") and len(set(names)) == len(names)


def test_names_need_no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("a module was made")

    monkeypatch.setattr(nn.Module, "__init__", refuse)
    assert len(unit_names(spec("vit", 47, 4))) == 49


def test_the_final_images_are_not_too_small() -> None:
    def features(model: ModelSpec) -> tuple[int, ...]:
        network = build(model, classes=2, seed=0).eval()
        (state,) = network.prefix(images(model), ladder_length(model) - 1)
        return tuple(state.shape[1:])

    assert features(spec("densenet", 10, 4)) == (9, 2, 2)
    assert features(spec("resnet", 8, 4)) == (16, 2, 2)
    assert features(spec("resnet", 18, 4)) == (32, 1, 1)
    assert features(spec("resnet", 18, 4, 32)) == (32, 4, 4)
    assert [features(spec("vgg", 11, 4, size)) for size in (8, 9, 32, 63)] == [(32, 1, 1)] * 4
    assert features(spec("vgg", 11, 4, 64)) == (32, 2, 2)
    assert features(spec("vit", 1, 4)) == (17, 4)
    assert features(spec("vit", 1, 4, 32)) == (65, 4)


def test_a_copy_runs_its_own_weights() -> None:
    model = SMALL[0]
    network, x = trained(model).eval(), images(model)
    twin = copy.deepcopy(network)
    with torch.no_grad():
        for parameter in twin.parameters():
            parameter.zero_()
    assert not torch.equal(cut_forward(network, x, 3)[0], cut_forward(twin, x, 3)[0])
    freeze(twin, 2, "eval")
    assert network.frozen == 0 and all(parameter.requires_grad for parameter in network.parameters())


@pytest.mark.parametrize("cut", [-1, 8])
def test_a_cut_outside_the_ladder_is_refused(cut: int) -> None:
    network, x = build(SMALL[0], classes=2, seed=0), images(SMALL[0])
    with pytest.raises(ValueError, match=f"cut = {cut}: allowed 0 to 7"):
        network.prefix(x, cut)
    with pytest.raises(ValueError, match=f"cut = {cut}: allowed 0 to 7"):
        network.suffix((x,), cut)
