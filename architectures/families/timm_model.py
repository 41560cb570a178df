"""Any model of timm by its name, as a ladder of timm's own layer groups (`from_timm/derived.py`).

Unlike the other families, a plan of such a network imports torch and timm: its ladder is that of the module itself.
Dropout and stochastic depth are off, as in all families: a frozen prefix is then a function of the image.
"""

from __future__ import annotations

import difflib
import functools
from typing import TYPE_CHECKING, Any, NamedTuple

from architectures.families.family import Family
from architectures.families.ladder import Unit
from architectures.families.work import Work, linear_head
from sweeps.errors import shown
from sweeps.spec import ModelSpec

if TYPE_CHECKING:
    from torch import nn

CHANCE = ("p", "drop_prob", "drop_rate")
"""Attributes that hold the probability of a dropout, by whichever layer."""


class Known(NamedTuple):
    """What is found out once for a model of timm, an image size and a number of channels."""

    ladder: tuple[Unit, ...]
    whole_alone: str | None
    """Why its units do not run one by one, None where they do."""
    body: tuple[Work, ...]
    """Of each unit but the head."""
    features: int


def plain_name(model: ModelSpec) -> str:
    """The name of the architecture, without the tag of its pre-trained weights: `resnet18` of `resnet18.a1_in1k`."""
    return (model.name or "").partition(".")[0]


def check(model: ModelSpec) -> None:
    """Raises ValueError for what is no model of timm, or none with a ladder at this image size."""
    if model.name is None:
        raise ValueError("model.name: missing; the family timm needs the name of a model, such as convnext_atto")
    if model.width != 1:
        raise ValueError(f"model: width {model.width} of {model.name}: its name says its width; leave it out")
    known(plain_name(model), model.image_size, model.channels)


def construct(model: ModelSpec) -> nn.Module:
    """timm's module without a head, drawn as timm draws it. Input (N, channels, S, S)."""
    return made(plain_name(model), model.image_size, model.channels)


def made(
    name: str, image_size: int, channels: int, classes: int = 0, weights: dict[str, Any] | None = None
) -> nn.Module:
    """A model of timm, without a head for no classes; from a state dict if one is given, adapted and checked by timm.

    Raises ValueError, in one line, where timm cannot make it so.
    """
    import timm

    if not timm.is_model(name):
        near = difflib.get_close_matches(name, timm.list_models(), n=1)
        meant = f"; did you mean {near[0]}?" if near else ""
        raise ValueError(f"model.name = {shown(name)}: not a model of timm{meant}")
    usual = timm.get_pretrained_cfg(name)
    sized = {"img_size": image_size} if usual is not None and usual.fixed_input_size else {}
    # Equal numbers of classes: timm then loads all there is and wants all there is.
    overlay = {"state_dict": weights, "num_classes": classes, "custom_load": False}
    loaded = {} if weights is None else {"pretrained": True, "pretrained_cfg_overlay": overlay}
    try:
        net = timm.create_model(name, num_classes=classes, in_chans=channels, **sized, **loaded)
    except Exception as problem:  # a size that does not fit is whatever the model's own code says
        text = " ".join(str(problem).split())[:160]
        asked = f"for {image_size} pixels, {channels} channels" if weights is None else "from these weights"
        raise ValueError(f"model: {name} of timm cannot be made {asked}: {text}") from None
    for module in net.modules():
        for attribute in CHANCE:
            if isinstance(getattr(module, attribute, None), float):
                setattr(module, attribute, 0.0)
    return net


def pretrained_state(model: ModelSpec, weights: dict[str, Any]) -> dict[str, Any]:
    """The state dict of the model with these weights, in timm's present form. Raises ValueError, in one line."""
    import timm

    usual = timm.get_pretrained_cfg(plain_name(model))
    classifier = usual.classifier if usual is not None else None
    head = weights.get(f"{classifier}.weight")
    # A file may have another head than timm's, none at all, or names from before, under which it is not found.
    tried = [len(head)] if head is not None else [0, usual.num_classes] if usual is not None else [0]
    for classes in tried:
        try:
            net = made(plain_name(model), model.image_size, model.channels, classes, dict(weights))
        except ValueError:
            if classes == tried[-1]:
                raise
        else:
            return net.state_dict()
    raise AssertionError


def add_head(net: Any, classes: int) -> None:
    """timm's own linear head."""
    net.reset_classifier(classes)


@functools.lru_cache(maxsize=256)
def known(name: str, image_size: int, channels: int) -> Known:
    """Raises ValueError, in one line, where the model has no ladder."""
    import torch
    from torch import nn

    from architectures.families.from_timm.counted import counted_work
    from architectures.families.from_timm.derived import derived_ladder

    image = torch.zeros(1, channels, image_size, image_size)
    with torch.random.fork_rng(devices=[]):  # the process's own random state stays as it was
        net = made(name, image_size, channels)
        add_head(net, 2)
    classifier = net.pretrained_cfg.get("classifier")  # pyright: ignore
    try:
        if not isinstance(classifier, str) or not isinstance(head := net.get_submodule(classifier), nn.Linear):
            raise ValueError("its head is not one linear layer")
        with torch.no_grad():
            units, whole_alone = derived_ladder(net, classifier, image)
            return Known(units, whole_alone, counted_work(net, units, image)[:-1], head.in_features)
    except (ValueError, RuntimeError) as problem:
        text = " ".join(str(problem).split())[:200]
        raise ValueError(f"model: {name} of timm has no ladder for images of {image_size} pixels: {text}") from None


def of(model: ModelSpec) -> Known:
    return known(plain_name(model), model.image_size, model.channels)


def work(model: ModelSpec, classes: int) -> tuple[Work, ...]:
    return (*of(model).body, linear_head(of(model).features, classes))


FAMILY = Family(
    depths=(1,),
    check=check,
    own_fields=frozenset({"name"}),
    ladder=lambda model: of(model).ladder,
    work=work,
    construct=construct,
    add_head=add_head,
    channels_last=True,
)
