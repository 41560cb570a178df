"""Ladders derived from timm's own models: parameters partitioned, units one after another the network to the bit."""

from __future__ import annotations

import copy

import pytest
import torch
from torch import Tensor, nn

from architectures import Network, build, exact_prefix, family_of, freeze, unit_names
from architectures.arithmetic import unit_work
from architectures.families import timm_model
from architectures.families.from_timm import derived
from architectures.families.from_timm.calls import Call, Value, carried_out
from architectures.families.ladder import HEAD, STEM
from sweeps.spec import ModelSpec
from tests.architectures.small_networks import named

UNITS = {
    "test_resnet": 6,
    "test_vit": 8,
    "test_convnext": 11,
    "test_efficientnet": 7,
    "test_byobnet": 6,
    "test_nfnet": 6,
    "test_mambaout": 8,
    "test_maxvit": 6,
    "test_vit_relpos": 11,
    "densenet121": 60,
    "mobilenetv3_small_050": 14,
    "edgenext_xx_small": 14,
}
"""Models of twelve families of timm, and how many units each has."""


def model_of(name: str) -> ModelSpec:
    return named(name, 32)


def images(count: int = 3) -> Tensor:
    return torch.randn(count, 3, 32, 32, generator=torch.Generator().manual_seed(1))


@pytest.mark.parametrize("name", UNITS)
def test_every_tensor_belongs_to_one_unit_and_the_units_are_the_network(name: str) -> None:
    model = model_of(name)
    network, x = build(model, 5, 0), images()
    assert len(network.units) == UNITS[name] == len(unit_names(model)) == len(unit_work(model, 5))
    assert (network.units[0].name, network.units[-1].name) == (STEM, HEAD)
    for key in network.state_dict():
        assert sum(unit.holds(key) for unit in network.units) == 1, key
    owned = [id(parameter) for unit in network.units for parameter in unit.parameters(network.net)]
    assert len(owned) == len(set(owned)) and set(owned) == {id(parameter) for parameter in network.parameters()}
    assert len(list(network.units[-1].parameters(network.net))) == 2  # the linear head alone
    assert exact_prefix(model, 2, "eval")
    for training in (False, True):
        for cut in (1, len(network.units) - 1):
            whole, parts = copy.deepcopy(network).train(training), copy.deepcopy(network).train(training)
            assert torch.equal(parts.suffix(parts.prefix(x, cut), cut), whole(x)), (training, cut)
            for key, tensor in whole.state_dict().items():
                assert torch.equal(tensor, parts.state_dict()[key]), key


@pytest.mark.parametrize("name", ["test_resnet", "test_vit", "test_mambaout"])
def test_only_what_is_not_frozen_gets_gradients(name: str) -> None:
    network = build(model_of(name), 5, 0)
    freeze(network, 3, "eval")
    network(images()).square().sum().backward()
    frozen = {id(parameter) for unit in network.units[:3] for parameter in unit.parameters(network.net)}
    assert {id(p) for p in network.parameters() if p.grad is None} == frozen


def test_the_work_is_that_of_torchs_counter() -> None:
    from torch.utils.flop_counter import FlopCounterMode

    for name in ("test_resnet", "test_vit"):
        network = build(model_of(name), 5, 0).eval()
        with FlopCounterMode(display=False) as counter, torch.no_grad():
            network(images(1))
        counted = sum(work.multiply_adds for work in unit_work(model_of(name), 5))
        assert counted == pytest.approx(counter.get_total_flops() / 2, rel=0.01)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"name": "resnet19"}, "model.name = 'resnet19': not a model of timm; did you mean resnet1"),
        ({"name": "poolformerv2_s12"}, "has no ladder for images of 32 pixels: timm gives no layer groups for it"),
        ({"name": "cait_xxs24_224"}, "its forward pass does not go through timm's layer groups one after another"),
        ({"name": "test_vit", "image_size": 8}, "test_vit of timm"),
        ({"name": None}, "model.name: missing"),
        ({"width": 4}, "its name says its width"),
        ({"depth": 4}, "model: depth 4 is no timm; allowed: 1"),
        ({"family": "resnet", "depth": 8}, "model.name = 'test_resnet': allowed with the family timm alone"),
    ],
)
def test_what_has_no_ladder_is_refused_in_one_line(changes: dict[str, object], said: str) -> None:
    model = model_of("test_resnet").model_copy(update=changes)
    with pytest.raises(ValueError) as refused:
        family_of(model)
    assert said in str(refused.value) and "\n" not in str(refused.value)


class Small(nn.Module):
    """Three convolutions and a head, as timm would have them."""

    def __init__(self, chance: float = 0.0, loose: bool = False) -> None:
        super().__init__()
        self.blocks = nn.ModuleList(nn.Conv2d(3, 3, 3, padding=1) for _ in range(3))
        self.act = nn.ReLU(inplace=True)
        self.chance = chance
        self.loose = loose
        self.fc = nn.Linear(3, 2)

    def group_matcher(self) -> dict[str, str]:
        return {"stem": r"^blocks\.0", "blocks": r"^blocks\.(\d+)"}

    def forward(self, x: Tensor) -> Tensor:
        first = x = self.blocks[0](x)
        for block in self.blocks[1:]:
            x = block(self.act(x) if self.loose else x)
        x = nn.functional.dropout((x + first).mean((2, 3)), self.chance, self.training)
        return self.fc(x)


def ladder_of(net: nn.Module) -> tuple[Network, str | None]:
    units, reason = derived.derived_ladder(net, "fc", torch.zeros(1, 3, 8, 8))
    return Network(net, units), reason


def test_a_skip_over_units_is_handed_on() -> None:
    network, reason = ladder_of(Small())
    assert reason is None
    x = torch.randn(4, 3, 8, 8)
    assert [len(network.prefix(x, cut)) for cut in range(4)] == [1, 1, 2, 1]
    assert torch.equal(network.suffix(network.prefix(x, 2), 2), network(x))


def test_what_works_in_place_leaves_the_activations_it_was_given() -> None:
    network, reason = ladder_of(Small(loose=True))
    assert reason is None
    x = torch.randn(4, 3, 8, 8)
    state = network.prefix(x, 2)
    before = [tensor.clone() for tensor in state]
    assert torch.equal(network.suffix(state, 2), network(x))
    assert all(torch.equal(a, b) for a, b in zip(before, state, strict=True))


def test_chance_in_the_pass_declines_the_cache_and_keeps_the_ladder() -> None:
    network, reason = ladder_of(Small(chance=0.5))
    assert reason == "it computes other values in training mode"
    assert len(network.units) == 4 and not any(unit.runs for unit in network.units)
    freeze(network, 2, "eval")
    assert not network.exact_prefix()
    with pytest.raises(RuntimeError, match="runs as a whole alone"):
        network.prefix(torch.zeros(1, 3, 8, 8), 2)


def test_a_tampered_step_is_found() -> None:
    """The trial that a ladder passes before it is given can fail."""
    net = Small().eval()
    network, _ = ladder_of(net)
    from dataclasses import replace

    units = list(network.units)
    whole = units[1].step
    units[1] = replace(units[1], step=lambda net, state: tuple(t + 1e-6 for t in whole(net, state)))
    said = derived.tried(net, tuple(units), torch.zeros(1, 3, 8, 8))
    assert said == "its units, one after another, give other bits than the whole"


def test_what_does_not_depend_on_images_is_made_again() -> None:
    table = Call("table", "get_attr", "table", (), ())
    first = Call("first", "call_function", abs, (Value("images"),), ())
    second = Call("logits", "call_function", max, (Value("first"), Value("table")), ())
    assert carried_out([table, first, second], 2, 3) == (("first",), (table, second), ("logits",))


def test_dropout_is_off() -> None:
    net = timm_model.made("swin_tiny_patch4_window7_224", 64, 3)
    chances = [getattr(module, name) for module in net.modules() for name in timm_model.CHANCE if hasattr(module, name)]
    assert chances and not any(isinstance(chance, float) and chance > 0 for chance in chances)
