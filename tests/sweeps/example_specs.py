"""Specifications for the tests of sweeps/, as values and as hypothesis strategies over every field."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from hypothesis import strategies as st

from sweeps.expand import FIELDS
from sweeps.spec import ModelSpec, RunSpec
from sweeps.sweep import RUN_KEYS, overlay

LEAVES = tuple(name for name in FIELDS if name not in RUN_KEYS)
"""The dotted names of the fields that hold a value."""

VALUE: dict[str, Any] = {
    "source": {"task": "glyphs[A-Z]", "size": 3000, "epochs": 10},
    "target": {"task": "digits", "size": 1000, "label_noise": 0.3},
    "model": {"family": "resnet", "depth": 10, "width": 8},
    "transfer": {"frozen": 3},
    "train": {"optimizer": "adam", "learning_rate": 0.001, "batch_size": 64, "epochs": 100},
    "seed": 1,
}


def spec(**changes: Any) -> RunSpec:
    return RunSpec.model_validate(overlay(VALUE, changes))


def at(path: str, value: Any) -> dict[str, Any]:
    """The mapping in which the dotted `path` has this value."""
    for part in reversed(path.split(".")):
        value = {part: value}
    return value


def ladder_length(model: ModelSpec) -> int:
    """Stands in for architectures.ladder_length, which sweeps does not know."""
    return {"resnet": model.depth, "densenet": model.depth - 1, "vit": model.depth + 2}[model.family]


class Words:
    """Stands in for what the packages beside `sweeps` know: every name is canonical, and nothing is refused."""

    def __init__(self, ladder: Callable[[ModelSpec], int] = ladder_length) -> None:
        self.ladder_length = ladder

    def model(self, model: ModelSpec) -> ModelSpec:
        return model

    def task(self, name: str) -> str:
        return name

    def task_parameters(self) -> tuple[str, ...]:
        return ("universal", "specific")

    def check(self, run: RunSpec) -> None:
        del run


WHOLE = st.integers(0, 10**9)
SHARE = st.floats(0, 1)
RATE = st.floats(0, 1e6, exclude_min=True)
SIZE = st.integers(2, 10**9)
TASK = st.sampled_from(["digits", "digits[0-4]", "glyphs[A-Z]", "cifar10", "ß"])

_RECIPE = {
    "epochs": WHOLE,
    "optimizer": st.sampled_from(["adam", "sgd", "adamw"]),
    "learning_rate": RATE,
    "schedule": st.sampled_from(["constant", "cosine", "inverse_sqrt", "step"]),
    "batch_size": SIZE,
    "momentum": st.floats(0, 1, exclude_max=True),
    "weight_decay": st.floats(0, 1e6),
    "augment": st.sampled_from(["none", "crop_flip"]),
    "precision": st.sampled_from(["float32", "tf32", "bf16"]),
    "batches": st.sampled_from([None, "even"]),
    "kernels": st.sampled_from([None, "tuned"]),
    "loss": st.sampled_from([None, "squared"]),
    "method": st.sampled_from([None, "ridge_head"]),
    "head_start": st.sampled_from([None, "lva_exact", "lva_ridge"]),
    "nesterov": st.sampled_from([None, True]),
    "steps": st.none() | st.integers(1, 10**9),
    "warmup": st.none() | st.integers(1, 10**9),
    "milestones": st.sampled_from([None, "5", "5,50"]),
    "decay": st.none() | st.floats(0.2, 0.9),
    "clip": st.none() | RATE,
    "evaluate": st.sampled_from([None, "log"]),
    "measures": st.sampled_from([None, "readout_gap", "readout_gap,source_distance", "alignment"]),
}
_LABELLED = {
    "task": TASK,
    "size": SIZE,
    "label_noise": SHARE,
    "noise_kind": st.sampled_from(["incorrect", "any", "permute"]),
}
_INHERIT: dict[str, st.SearchStrategy[Any]] = {
    "mode": st.sampled_from(["none", "first_units", "random_share"]),
    "share": st.none() | SHARE,
    "units": st.none() | WHOLE,
    "granularity": st.sampled_from([None, "unit", "stage"]),
    "mask_seed": st.none() | WHOLE,
    "freeze": st.sampled_from([None, True]),
}
_GROUPS: dict[str, dict[str, st.SearchStrategy[Any]]] = {
    "source": _LABELLED | _RECIPE | {"seed": st.none() | WHOLE},
    "target": _LABELLED,
    "model": {
        "family": st.sampled_from(["resnet", "densenet", "vit"]),
        "depth": st.integers(1, 10**9),
        "width": st.integers(1, 10**9),
        "image_size": st.integers(8, 64),
        "channels": st.sampled_from([1, 3]),
        "name": st.sampled_from([None, "convnext_atto"]),
        "patch": st.none() | st.integers(1, 64),
        "inputs": st.none() | st.integers(1, 64),
        "biases": st.sampled_from([None, "0,1", "1,0,1"]),
        "richness": st.none() | st.floats(1.5, 1e6),  # 1 is what null stands for
        "activation": st.sampled_from([None, "linear"]),
        "weights": st.sampled_from([None, "sha256:00", "a file.safetensors"]),
    },
    "transfer": {
        "frozen": WHOLE,
        "norm": st.sampled_from(["eval", "stats", "train"]),
        "rate_factors": st.sampled_from([None, "0.5", "1,0,0.25"]),
        "richness": st.none() | RATE,
        "head": st.sampled_from([None, "source"]),
        "l2_sp": st.none() | RATE,
        "inherit": st.none() | st.fixed_dictionaries(_INHERIT),
    },
    "train": _RECIPE,
}
FIELD_VALUES: dict[str, st.SearchStrategy[Any]] = {
    **{
        f"{group}.{name}": values
        for group, fields in {**_GROUPS, "transfer.inherit": _INHERIT}.items()
        for name, values in fields.items()
        if name != "inherit"
    },
    "seed": WHOLE,
}
"""Values that each field may take. A test asks that no field is missing here."""

RUN_VALUES = st.fixed_dictionaries(
    {
        "source": st.none() | st.fixed_dictionaries(_GROUPS["source"]),
        "target": st.fixed_dictionaries(_GROUPS["target"]),
        "model": st.fixed_dictionaries(_GROUPS["model"]),
        "transfer": st.fixed_dictionaries(_GROUPS["transfer"]),
        "train": st.fixed_dictionaries(_GROUPS["train"]),
        "seed": WHOLE,
    }
)
"""A run with every field given, as plain values."""
