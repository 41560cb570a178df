"""Frozen means not one bit moves; each norm mode lets exactly its own tensors move."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from typing import get_args

import pytest
import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from architectures import Network, build, check_frozen, freeze, ladder_length, trainable_parameters
from sweeps.spec import FrozenNorm, ModelSpec

MODELS = [
    ModelSpec(family="resnet", depth=8, width=4),
    ModelSpec(family="resnet", depth=10, width=4, channels=3),
    ModelSpec(family="densenet", depth=10, width=4),
    ModelSpec(family="densenet", depth=16, width=4, channels=3),
    ModelSpec(family="vit", depth=1, width=8),
    ModelSpec(family="vit", depth=3, width=8, channels=3),
    ModelSpec(family="vgg", depth=11, width=4, channels=3),
]
NORMS: tuple[FrozenNorm, ...] = get_args(FrozenNorm)
CLASSES = 4
STEPS = 3

by_model = pytest.mark.parametrize("model", MODELS, ids=lambda model: f"{model.family}{model.depth}")
by_norm = pytest.mark.parametrize("norm", NORMS)


def batch(model: ModelSpec, step: int) -> tuple[Tensor, Tensor]:
    random = torch.Generator().manual_seed(step)
    shape = (8, model.channels, model.image_size, model.image_size)
    return torch.randn(shape, generator=random), torch.randint(CLASSES, (8,), generator=random)


def fit(network: Network, model: ModelSpec, logits: Callable[[Tensor, int], Tensor] | None = None) -> None:
    """A few steps of Adam on every parameter, frozen or not, evaluating in between as a trainer would."""
    optimizer = torch.optim.Adam(network.parameters(), lr=1e-2, weight_decay=1e-2)
    for step in range(STEPS):
        network.eval()
        network.train()
        x, y = batch(model, step)
        optimizer.zero_grad()
        cross_entropy(logits(x, step) if logits else network(x), y).backward()
        optimizer.step()


def snapshot(network: Network) -> dict[str, Tensor]:
    return {key: tensor.clone() for key, tensor in network.state_dict().items()}


def may_move(network: Network, frozen: int, norm: FrozenNorm) -> set[str]:
    """The tensors that training should move, worked out from names and types alone."""
    parameters = {key.removeprefix("net.") for key, _ in network.named_parameters()}
    norms = [f"{k}." for k, m in network.net.named_modules() if isinstance(m, nn.BatchNorm2d | nn.LayerNorm)]
    moving = set()
    for key in network.state_dict():
        if not any(unit.holds(key) for unit in network.units[:frozen]):
            moving.add(key)
        elif any(key.startswith(path) for path in norms):
            follows = norm == "train" if key in parameters else norm in ("stats", "train")
            moving |= {key} if follows else set()
    return moving


@by_norm
@by_model
def test_exactly_what_may_move_moves(model: ModelSpec, norm: FrozenNorm) -> None:
    for frozen in range(ladder_length(model)):
        network = build(model, CLASSES, seed=frozen)
        freeze(network, frozen, norm)
        before = snapshot(network)
        fit(network, model)
        moved = {key for key, tensor in network.state_dict().items() if not torch.equal(tensor, before[key])}
        assert moved == may_move(network, frozen, norm), f"frozen {frozen}"
        for key, parameter in network.net.named_parameters():
            # Weight decay moves every weight that trains; a gradient says that the loss does, too.
            gradient = parameter.grad
            assert (gradient is not None and bool(gradient.any())) == (key in moved), f"frozen {frozen}: {key}"


@by_norm
@by_model
def test_an_exact_prefix_stays_exact_in_training_and_another_does_not(model: ModelSpec, norm: FrozenNorm) -> None:
    x, _ = batch(model, STEPS)
    for frozen in range(ladder_length(model)):
        network = build(model, CLASSES, seed=frozen)
        freeze(network, frozen, norm)
        before = network.eval().prefix(x, frozen)
        fit(network, model)
        training, evaluating = network.train().prefix(x, frozen), network.eval().prefix(x, frozen)
        same = all(
            torch.equal(old, new) and torch.equal(old, still)
            for old, new, still in zip(before, training, evaluating, strict=True)
        )
        assert same == network.exact_prefix() == network.prefix_stays(), f"frozen {frozen}"


def test_exact_prefix_by_norm_mode() -> None:
    exact: dict[str, dict[str, list[bool]]] = {}
    for model in (MODELS[0], MODELS[4]):
        network = build(model, CLASSES, seed=0)
        for norm in NORMS:
            for frozen in range(3):
                freeze(network, frozen, norm)
                exact.setdefault(model.family, {}).setdefault(norm, []).append(network.exact_prefix())
    # ViT's stem has no norm, so one frozen unit is exact in every mode.
    assert exact["resnet"] == {
        "eval": [True] * 3,
        "stats": [True, False, False],
        "train": [True, False, False],
    }
    assert exact["vit"] == {"eval": [True] * 3, "stats": [True] * 3, "train": [True, True, False]}


@by_model
def test_training_on_stored_prefix_activations_gives_the_same_weights(model: ModelSpec) -> None:
    for frozen in (1, ladder_length(model) // 2, ladder_length(model) - 1):
        plain, cached = build(model, CLASSES, seed=0), build(model, CLASSES, seed=0)
        freeze(plain, frozen, "eval")
        freeze(cached, frozen, "eval")
        stored = [cached.prefix(batch(model, step)[0], frozen) for step in range(STEPS)]
        fit(plain, model)
        fit(cached, model, lambda _, step, n=cached, s=stored, k=frozen: n.suffix(s[step], k))
        for key, tensor in plain.state_dict().items():
            assert torch.equal(tensor, cached.state_dict()[key]), f"frozen {frozen}: {key}"


@by_model
def test_prefix_activations_hardly_depend_on_the_batch_an_image_is_in(model: ModelSpec) -> None:
    """To rounding, that is: whether to the bit is for the processor and the library to say."""
    random = torch.Generator().manual_seed(0)
    x = torch.randn((60, model.channels, model.image_size, model.image_size), generator=random)
    network = build(model, CLASSES, seed=0)
    frozen = ladder_length(model) - 1
    freeze(network, frozen, "eval")
    whole = network.prefix(x, frozen)
    for size in (1, 2, 7, 32):
        chosen = torch.randperm(60, generator=random)[:size]
        part = network.prefix(x[chosen], frozen)
        for p, w in zip(part, whole, strict=True):
            torch.testing.assert_close(p, w[chosen])


@by_model
def test_a_frozen_prefix_records_no_graph_and_keeps_no_activations(model: ModelSpec) -> None:
    x, _ = batch(model, 0)
    network = build(model, CLASSES, seed=0)
    kept = []
    for frozen in range(ladder_length(model)):
        freeze(network, frozen, "eval")
        assert not any(tensor.requires_grad for tensor in network.prefix(x, frozen))
        saved: list[Tensor] = []
        with torch.autograd.graph.saved_tensors_hooks(lambda t, s=saved: s.append(t) or t, lambda t: t):
            network(x)
        kept.append(len(saved))
    assert all(deeper <= shallower for shallower, deeper in pairwise(kept))
    assert kept[-1] <= 2  # the head's input and weight


def test_freezing_again_replaces_what_was_frozen() -> None:
    model = MODELS[0]
    network = build(model, CLASSES, seed=0)
    everything = trainable_parameters(network)
    freeze(network, 5, "eval")
    assert not any(norm.training for unit in network.units[:5] for norm in unit.norms(network.net))
    freeze(network, 0, "eval")
    assert trainable_parameters(network) == everything
    assert all(module.training for module in network.modules())


@by_model
@pytest.mark.parametrize("mode", [True, False])
def test_modes_are_those_that_torch_would_set(model: ModelSpec, mode: bool) -> None:
    """Network.train does not walk the modules as nn.Module.train does; all of their flags are the same."""
    for frozen in (0, 2, ladder_length(model) - 1):
        network, plain = build(model, CLASSES, seed=0), build(model, CLASSES, seed=0)
        for one in (network, plain):
            freeze(one, frozen, "eval")
        network.train(not mode).train(mode)
        nn.Module.train(plain, mode)
        for norm in (norm for unit in plain.units[:frozen] for norm in unit.norms(plain.net)):
            norm.eval()
        ours, theirs = ([module.training for module in one.modules()] for one in (network, plain))
        assert ours == theirs


def test_gradients_from_before_freezing_do_not_move_frozen_weights() -> None:
    model = MODELS[0]
    network = build(model, CLASSES, seed=0)
    network(batch(model, 0)[0]).sum().backward()
    freeze(network, 4, "eval")
    before = snapshot(network)
    torch.optim.SGD(network.parameters(), lr=1.0).step()
    frozen = [key for key in before if any(unit.holds(key) for unit in network.units[:4])]
    assert frozen and all(torch.equal(network.state_dict()[key], before[key]) for key in frozen)


def test_a_parent_modules_train_keeps_frozen_statistics() -> None:
    model = MODELS[0]
    network = build(model, CLASSES, seed=0)
    freeze(network, 3, "eval")
    parent = nn.Sequential(network)
    parent.train()
    assert network.training
    assert not any(norm.training for unit in network.units[:3] for norm in unit.norms(network.net))
    assert all(norm.training for unit in network.units[3:] for norm in unit.norms(network.net))


@pytest.mark.parametrize(
    ("width", "counts"),
    [
        (64, (11_173_962, 11_024_138, 10_498_570, 8_398_858, 7_086_090, 4_725_770, 2_365_450, 5_130)),
        (8, (176_402, 173_802, 165_450, 132_362, 111_626, 74_634, 37_642, 650)),
    ],
)
def test_trainable_parameters_of_resnet18(width: int, counts: tuple[int, ...]) -> None:
    """By frozen convolutions, ten classes, colour images: 11.17M to 5,130 at width 64, 176k to 650 at 8."""
    network = build(ModelSpec(family="resnet", depth=18, width=width, channels=3), classes=10, seed=0)
    found = []
    for frozen in (0, 5, 9, 13, 14, 15, 16, 17):
        freeze(network, frozen, "eval")
        found.append(trainable_parameters(network))
    assert tuple(found) == counts


@pytest.mark.parametrize("frozen", [-1, 8, 100])
def test_freezing_beyond_the_ladder_is_refused(frozen: int) -> None:
    model = MODELS[0]
    network = build(model, CLASSES, seed=0)
    message = f"transfer.frozen = {frozen}: allowed 0 to 7"
    with pytest.raises(ValueError, match=message):
        freeze(network, frozen, "eval")
    with pytest.raises(ValueError, match=message):
        check_frozen(model, frozen)
    assert network.frozen == 0
    check_frozen(model, 7)
