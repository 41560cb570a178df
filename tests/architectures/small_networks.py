"""Small networks of every family, and all of their depths."""

from __future__ import annotations

from typing import Literal

from architectures import FAMILIES
from sweeps.spec import ModelSpec


def network(family: str, depth: int, width: int = 4, image_size: int = 8, channels: Literal[1, 3] = 3) -> ModelSpec:
    return ModelSpec(family=family, depth=depth, width=width, image_size=image_size, channels=channels)


def named(name: str, image_size: int = 32, channels: Literal[1, 3] = 3) -> ModelSpec:
    """A model of timm."""
    return ModelSpec(family="timm", depth=1, width=1, name=name, image_size=image_size, channels=channels)


def classes_for(model: ModelSpec, usual: int) -> int:
    """A number of classes that the network can have."""
    return FAMILIES[model.family].classes or usual


def label(model: ModelSpec) -> str:
    return model.name or f"{model.family}{model.depth}"


SMALL = [
    network("resnet", 8, 3),
    network("resnet", 18),
    network("resnet", 50, 2),
    network("preact_resnet", 8, 3),
    network("preact_resnet", 18),
    network("densenet", 10, 3),
    network("densenet", 22),
    network("vit", 1),
    network("vit", 3, 8),
    network("vgg", 11, 3),
    network("vgg", 16),
    network("mlp", 1),
    network("mlp", 3, 8),
    network("fcn", 2),
    network("fcn", 4, 3),
    network("mean_field_mlp", 2, 3),
    network("mean_field_mlp", 2, 8),
    named("test_resnet"),
    named("test_efficientnet"),
    network("two_layer_relu_cnn", 2, 3),
    network("two_layer_relu_cnn", 2, 8, channels=1),
]
"""Two of each family: a test asks that none is missing."""

ALL_DEPTHS = [
    named("test_convnext") if family == "timm" else network(family, depth)
    for family, brings in FAMILIES.items()
    for depth in (sorted({1, 2, 12} & {*brings.depths}) if isinstance(brings.depths, range) else brings.depths)
]
