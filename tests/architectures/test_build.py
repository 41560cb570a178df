"""Weights come from the seed alone; what is saved is plain; a target inherits all but the head."""

from __future__ import annotations

import random
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from architectures import FAMILIES, Network, build, inherit
from sweeps.spec import ModelSpec

MODELS = [
    ModelSpec(family="resnet", depth=8, width=3),
    ModelSpec(family="resnet", depth=18, width=4, channels=3, image_size=32),
    ModelSpec(family="densenet", depth=16, width=3),
    ModelSpec(family="vit", depth=2, width=8),
    ModelSpec(family="vgg", depth=11, width=3),
]
by_model = pytest.mark.parametrize("model", MODELS, ids=lambda model: f"{model.family}{model.depth}")


def body(network: Network) -> dict[str, Tensor]:
    return {k: t.clone() for k, t in network.state_dict().items() if not network.units[-1].holds(k)}


def equal(one: dict[str, Tensor], other: dict[str, Tensor]) -> bool:
    return one.keys() == other.keys() and all(torch.equal(tensor, other[key]) for key, tensor in one.items())


@by_model
def test_equal_seeds_give_equal_bytes_and_others_do_not(model: ModelSpec) -> None:
    network = build(model, classes=10, seed=0)
    torch.rand(3)
    assert equal(network.state_dict(), build(model, classes=10, seed=0).state_dict())
    other = build(model, classes=10, seed=1).state_dict()
    weights = {key: parameter for key, parameter in network.net.named_parameters() if parameter.std() > 0}
    assert len(weights) > 3
    assert not any(torch.equal(parameter, other[key]) for key, parameter in weights.items())


@by_model
def test_the_number_of_classes_does_not_change_the_body(model: ModelSpec) -> None:
    ten, three = build(model, classes=10, seed=2**63 - 1), build(model, classes=3, seed=2**63 - 1)
    assert equal(body(ten), body(three))
    assert (ten.head.out_features, three.head.out_features) == (10, 3)


@by_model
def test_building_leaves_every_global_random_state_untouched(model: ModelSpec) -> None:
    before = torch.get_rng_state(), random.getstate(), np.random.get_state(legacy=False)
    build(model, classes=4, seed=7)
    after = torch.get_rng_state(), random.getstate(), np.random.get_state(legacy=False)
    assert torch.equal(before[0], after[0]) and before[1] == after[1]
    assert str(before[2]) == str(after[2])


@by_model
def test_weights_do_not_depend_on_the_default_device(model: ModelSpec) -> None:
    with torch.device("meta"):
        network = build(model, classes=4, seed=0)
    expected = build(model, classes=4, seed=0)
    assert equal(network.state_dict(), expected.state_dict())


@by_model
def test_heads_are_drawn_as_timm_draws_them(model: ModelSpec) -> None:
    for seed in (0, 1):
        head = build(model, classes=1000, seed=seed).head
        expected = {"vit": 0.02, "vgg": 0.01}.get(model.family, (3 * head.in_features) ** -0.5)
        assert head.weight.std().item() == pytest.approx(expected, rel=0.05)
        assert bool(head.bias.any()) == (model.family == "resnet")


@by_model
def test_nothing_is_random_in_training_and_no_branch_starts_at_zero(model: ModelSpec) -> None:
    network = build(model, classes=4, seed=0)
    dropouts = [module for module in network.modules() if hasattr(module, "p") or hasattr(module, "drop_prob")]
    assert all(getattr(module, "p", 0) == 0 and getattr(module, "drop_prob", 0) == 0 for module in dropouts)
    norms = [norm for unit in network.units for norm in unit.norms(network.net)]
    assert norms and all(bool((norm.get_parameter("weight") == 1).all()) for norm in norms)


@by_model
def test_what_is_saved_is_plain_tensors_under_timms_names(model: ModelSpec, tmp_path: Path) -> None:
    network = build(model, classes=4, seed=0)
    network(torch.randn(2, model.channels, model.image_size, model.image_size))
    saved = network.state_dict()
    assert all(type(tensor) is Tensor for tensor in saved.values())
    assert list(saved) == list(network.net.state_dict())
    save_file(saved, tmp_path / "weights.safetensors")
    loaded = load_file(tmp_path / "weights.safetensors")

    again = build(model, classes=4, seed=1)
    again.load_state_dict(loaded)
    assert equal(again.state_dict(), saved)
    family = FAMILIES[model.family]
    timms = family.construct(model)
    family.add_head(timms, 4)
    timms.load_state_dict(loaded)


def test_a_network_inside_another_module_is_saved_and_loaded_with_it() -> None:
    parent, twin = (nn.ModuleList([nn.Linear(2, 2), build(MODELS[0], classes=4, seed=s)]) for s in (0, 1))
    saved = parent.state_dict()
    assert "1.conv1.weight" in saved and not any(".net." in key for key in saved)
    twin.load_state_dict(saved)
    assert equal(twin.state_dict(), saved)


@by_model
def test_a_state_dict_of_another_network_is_refused(model: ModelSpec) -> None:
    network = build(model, classes=4, seed=0)
    saved = dict(network.state_dict())
    with pytest.raises(RuntimeError, match=r"Unexpected key.*elsewhere"):
        network.load_state_dict({**saved, "elsewhere": torch.zeros(1)})
    missing = next(iter(saved))
    del saved[missing]
    with pytest.raises(RuntimeError, match=rf"Missing key.*{missing}"):
        network.load_state_dict(saved)


@by_model
def test_a_target_inherits_everything_but_the_head(model: ModelSpec) -> None:
    source = build(model, classes=10, seed=0)
    source(torch.randn(4, model.channels, model.image_size, model.image_size))  # statistics move off their start
    target = build(model, classes=3, seed=1)
    head = target.head.weight.clone()
    inherit(target, source.state_dict())
    assert equal(body(target), body(source))
    assert torch.equal(target.head.weight, head)
    with torch.no_grad():
        next(source.parameters()).add_(1)
    assert not equal(body(target), body(source))


@by_model
def test_inheriting_the_wrong_weights_is_refused_and_copies_nothing(model: ModelSpec) -> None:
    weights = dict(build(model, classes=10, seed=0).state_dict())
    target = build(model, classes=3, seed=1)
    before = body(target)
    last = list(before)[-1]
    bad = {
        "is missing": {key: tensor for key, tensor in weights.items() if key != last},
        "is unexpected": {**weights, "elsewhere.weight": torch.zeros(1)},
        "the target network needs": {**weights, last: torch.zeros(1, 2, 3)},
        "bfloat16, the target network needs": {key: t.to(torch.bfloat16) for key, t in weights.items()},
    }
    for message, wrong in bad.items():
        with pytest.raises(ValueError, match=rf"source weights: tensor '.*' .*{message}"):
            inherit(target, wrong)
        assert equal(body(target), before)


@pytest.mark.parametrize("classes", [-1, 0])
def test_too_few_classes_are_refused(classes: int) -> None:
    with pytest.raises(ValueError, match=f"classes = {classes}: allowed 1 or more"):
        build(MODELS[0], classes, seed=0)
