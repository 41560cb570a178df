"""Partial inheritance: masks are nested, filters stay whole, and both ends are the plain cases to the bit."""

from __future__ import annotations

import math
from typing import Any

import pytest
import torch
from torch import Tensor

from architectures import FAMILIES, Network, build, freeze, hold_inherited, inherit, mask_of, trainable_parameters
from architectures.families.filters import Group
from architectures.masks import Mask
from sweeps.spec import InheritSpec, ModelSpec
from tests.architectures.small_networks import SMALL, classes_for, label, network

MEAN_FIELD = network("mean_field_mlp", 2, 6)
COPIED = [model for model in SMALL if model.family != "mean_field_mlp"]
"""Networks that start from the numbers that are copied. A mean-field one is seen from its start: below."""
WITH_FILTERS = [model for model in COPIED if FAMILIES[model.family].filters is not None]
WITH_STAGES = [model for model in COPIED if FAMILIES[model.family].stage is not None]
SHARES = (0.0, 0.25, 0.5, 1.0)


def made(model: ModelSpec, seed: int) -> Network:
    return build(model, classes_for(model, 3), seed)


def body(network: Network) -> dict[str, Tensor]:
    return {k: t.clone() for k, t in network.state_dict().items() if not network.units[-1].holds(k)}


def groups(model: ModelSpec) -> tuple[Group, ...]:
    filters = FAMILIES[model.family].filters
    assert filters is not None
    return tuple(filters(model))


def source_of(model: ModelSpec) -> dict[str, Tensor]:
    """Weights of which every entry differs from those of any network as it is drawn."""
    state = made(model, 1).state_dict()
    return {key: torch.arange(t.numel(), dtype=torch.float64).view(t.shape).to(t.dtype) + 2 for key, t in state.items()}


def inherited(model: ModelSpec, seed: int = 0, **given: Any) -> tuple[Network, Mask]:
    network = made(model, 0)
    mask = mask_of(network, model, InheritSpec(**given), seed)
    inherit(network, source_of(model), mask)
    return network, mask


def taken(model: ModelSpec, network: Network) -> dict[str, Tensor]:
    """Of each tensor of the body, which entries are the source's."""
    source = source_of(model)
    return {key: tensor == source[key] for key, tensor in body(network).items()}


def test_only_models_of_timm_have_no_filters() -> None:
    assert [name for name, family in FAMILIES.items() if family.filters is None] == ["timm"]
    with_stages = {name for name, family in FAMILIES.items() if family.stage is not None}
    assert with_stages == {"resnet", "preact_resnet", "densenet", "vgg"}


@pytest.mark.parametrize("model", WITH_FILTERS, ids=label)
def test_filters_own_each_entry_of_a_split_tensor_once(model: ModelSpec) -> None:
    shapes = {key: tensor.shape for key, tensor in body(made(model, 0)).items()}
    owned: dict[str, tuple[int, list[int]]] = {}
    for each in groups(model):
        assert each.size > 0 and each.parts
        for part in each.parts:
            axis, entries = owned.setdefault(part.tensor, (part.axis, []))
            assert axis == part.axis
            entries += range(part.start, part.start + each.size * part.each)
    for key, (axis, entries) in owned.items():
        assert sorted(entries) == list(range(shapes[key][axis])), key
    assert len({each.name for each in groups(model)}) == len(groups(model))
    # What is of no group is a count of batches, or belongs to the stream of a ViT.
    left = set(shapes) - set(owned)
    if model.family != "vit":
        assert all(key.endswith("num_batches_tracked") for key in left)
    else:
        assert not any(".qkv." in key or ".fc1." in key or key.endswith("fc2.weight") for key in left)


@pytest.mark.parametrize("model", WITH_FILTERS, ids=label)
def test_share_1_is_plain_transfer_and_share_0_is_scratch_to_the_bit(model: ModelSpec) -> None:
    plain = made(model, 0)
    inherit(plain, source_of(model))
    for granularity in ("filter", "unit"):
        whole, mask = inherited(model, share=1.0, granularity=granularity)
        assert all(torch.equal(tensor, plain.state_dict()[key]) for key, tensor in whole.state_dict().items())
        assert mask.share == 1.0
        none, mask = inherited(model, share=0.0, granularity=granularity)
        assert all(torch.equal(tensor, made(model, 0).state_dict()[key]) for key, tensor in none.state_dict().items())
        assert mask.share == 0.0 and not mask.tensors


@pytest.mark.parametrize("granularity", ["filter", "unit", "stage"])
@pytest.mark.parametrize("model", COPIED, ids=label)
def test_masks_are_nested_and_of_the_share_that_they_say(model: ModelSpec, granularity: str) -> None:
    family = FAMILIES[model.family]
    if (granularity == "filter" and family.filters is None) or (granularity == "stage" and family.stage is None):
        pytest.skip("the plan refuses it")
    before: dict[str, Tensor] | None = None
    digests = set()
    for share in SHARES:
        network, mask = inherited(model, share=share, granularity=granularity, mask_seed=5)
        now = taken(model, network)
        if before is not None:
            assert all(bool((now[key] | ~was).all()) for key, was in before.items())
        parameters = {key for key, _ in network.net.named_parameters() if key in now}
        kept = sum(int(now[key].sum()) for key in parameters)
        assert mask.share == kept / sum(now[key].numel() for key in parameters)
        before = now
        digests.add(mask.digest)
    assert len(digests) > 2 or granularity != "filter"


@pytest.mark.parametrize("model", WITH_FILTERS, ids=label)
def test_half_of_each_group_is_inherited_filter_by_filter(model: ModelSpec) -> None:
    network, _ = inherited(model, share=0.5)
    found = taken(model, network)
    for each in groups(model):
        entries = []
        for part in each.parts:
            of_group = found[part.tensor].movedim(part.axis, 0)[part.start : part.start + each.size * part.each]
            entries.append(of_group.reshape(each.size, -1))
        joined = torch.cat(entries, 1)
        assert torch.equal(joined.all(1), joined.any(1)), each.name
        assert int(joined.all(1).sum()) == math.floor(0.5 * each.size + 0.5)


def test_a_mean_field_unit_is_inherited_with_where_it_was_and_starts_from_there() -> None:
    """Its tensors are written anew, as differences from a new start: the hidden weights as they are count."""

    def hidden(network: Network) -> Tensor:
        state = network.state_dict()
        return state["hidden.start"] + state["hidden.scale"] * state["hidden.weight"]

    source = build(MEAN_FIELD, 2, seed=1)
    with torch.no_grad():
        source.net.get_parameter("hidden.weight").normal_()
    for share, kept in ((0.0, 0), (0.5, 3), (1.0, 6)):
        network, fresh = build(MEAN_FIELD, 2, seed=0), build(MEAN_FIELD, 2, seed=0)
        mask = mask_of(network, MEAN_FIELD, InheritSpec(share=share), seed=0)
        inherit(network, source.state_dict(), mask)
        from_source = torch.isclose(hidden(network), hidden(source)).all(1)
        assert int(from_source.sum()) == kept and mask.share == share
        assert torch.equal(hidden(network)[~from_source], hidden(fresh)[~from_source])
        assert not network.net.get_parameter("hidden.weight").any()


def test_the_mask_depends_on_its_own_seed_alone() -> None:
    model = SMALL[0]
    digests = [
        inherited(model, seed, share=0.5, mask_seed=mask)[1].digest for seed, mask in ((0, 3), (7, 3), (3, None))
    ]
    assert len(set(digests)) == 1
    assert inherited(model, 4, share=0.5)[1].digest != digests[0]


@pytest.mark.parametrize("model", COPIED, ids=label)
def test_first_units_and_none(model: ModelSpec) -> None:
    network, mask = inherited(model, mode="first_units", units=1)
    found = taken(model, network)
    stem = network.units[0]
    assert mask.units == (0,)
    assert all(bool(same.all()) == stem.holds(key) for key, same in found.items() if not key.endswith("tracked"))
    network, mask = inherited(model, mode="none")
    assert mask.share == 0 and not any(bool(same.all()) for same in taken(model, network).values())
    _, mask = inherited(model, mode="first_units", units=len(network.units) - 1)
    assert mask.share == 1


@pytest.mark.parametrize("model", WITH_STAGES, ids=label)
def test_a_stage_is_inherited_whole(model: ModelSpec) -> None:
    network, mask = inherited(model, share=0.5, granularity="stage")
    stage = FAMILIES[model.family].stage
    assert stage is not None
    names = [unit.name for unit in network.units[:-1]]
    stages = list(dict.fromkeys(map(stage, names)))
    kept = {stage(names[place]) for place in mask.units}
    assert len(kept) == math.floor(0.5 * len(stages) + 0.5) and len(stages) > 2
    assert [names[place] for place in mask.units] == [name for name in names if stage(name) in kept]


def test_a_vit_with_all_heads_inherited_gives_timms_own_output() -> None:
    import timm

    model = ModelSpec(family="vit", depth=3, width=16, image_size=16, channels=3)
    torch.manual_seed(0)
    timms = timm.models.vision_transformer.VisionTransformer(
        img_size=16, patch_size=4, in_chans=3, num_classes=5, embed_dim=16, depth=3, num_heads=4
    ).eval()
    network = build(model, 5, seed=1).eval()
    mask = mask_of(network, model, InheritSpec(share=1.0), seed=2)
    inherit(network, timms.state_dict(), mask)
    network.head.load_state_dict(timms.head.state_dict())
    images = torch.randn(4, 3, 16, 16, generator=torch.Generator().manual_seed(3))
    assert torch.equal(network(images), timms(images))
    # With two of four heads the output is another: the mask does something.
    half = build(model, 5, seed=1).eval()
    inherit(half, timms.state_dict(), mask_of(half, model, InheritSpec(share=0.5), seed=2))
    half.head.load_state_dict(timms.head.state_dict())
    assert not torch.allclose(half(images), timms(images), atol=1e-3)


@pytest.mark.parametrize("norm", ["stats", "train"])
@pytest.mark.parametrize("model", WITH_FILTERS, ids=label)
def test_what_is_held_is_counted(model: ModelSpec, norm: Any) -> None:
    network, mask = inherited(model, share=0.5)
    freeze(network, 0, norm)
    everything = trainable_parameters(network)
    hold_inherited(network)
    body_size = sum(p.numel() for unit in network.units[:-1] for p in unit.parameters(network.net))
    held = everything - trainable_parameters(network)
    if norm == "stats":
        assert held == round(mask.share * body_size)
    else:  # norms train
        assert 0 < held <= round(mask.share * body_size)
    freeze(network, 0, norm)
    assert trainable_parameters(network) == everything and not network.held
