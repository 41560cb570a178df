"""What a specification allows, what it refuses and how it says so."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel, ValidationError

from sweeps.errors import SpecError, from_pydantic
from sweeps.expand import expand, flat
from sweeps.spec import InheritSpec, ModelSpec, RunSpec, SourceSpec, TargetSpec, TrainSpec, TransferSpec
from sweeps.sweep import RUN_KEYS, overlay, parse
from tests.sweeps.example_specs import LEAVES, VALUE, Words, at, spec


def refusal(changes: dict[str, Any]) -> str:
    """The one line that says why the example with these changes is no run."""
    with pytest.raises(ValidationError) as caught:
        RunSpec.model_validate(overlay(VALUE, changes))
    text = str(from_pydantic(caught.value, RUN_KEYS))
    assert "\n" not in text
    return text


def test_specs_are_immutable() -> None:
    with pytest.raises(ValidationError):
        spec().seed = 3  # pyright: ignore[reportAttributeAccessIssue]


def test_every_specification_is_frozen_and_refuses_unknown_keys() -> None:
    def kinds(kind: type[BaseModel]) -> set[type[BaseModel]]:
        return {kind, *(each for below in kind.__subclasses__() for each in kinds(below))}

    from sweeps.spec import Spec

    for kind in kinds(Spec):
        assert kind.model_config.get("frozen"), kind
        assert kind.model_config.get("extra") == "forbid", kind


@pytest.mark.parametrize(
    ("path", "value", "said"),
    [
        ("target.sise", 5, "unknown key 'target.sise'; did you mean 'size'?"),
        ("sorce", 5, "unknown key 'sorce'; did you mean 'source'?"),
        ("zzz", 5, "unknown key 'zzz'; allowed: model, seed, source, target, train, transfer"),
        ("target.size", "many", "target.size = 'many': expected a number"),
        ("target.size", 1, "target.size = 1: allowed: greater than or equal to 2"),
        ("target.size", 10.5, "target.size = 10.5: expected a whole number"),
        ("target.size", True, "target.size = True: expected a whole number, not true or false"),
        ("target.size", None, "target.size = None: expected a whole number"),
        ("target.size", [500], "target.size = [500]: expected a whole number"),
        ("target.label_noise", 1.01, "target.label_noise = 1.01: allowed: less than or equal to 1"),
        ("target.label_noise", -1e-9, "target.label_noise = -1e-09: allowed: greater than or equal to 0"),
        ("target.label_noise", False, "expected a number, not true or false"),
        ("target.noise_kind", "wrong", "target.noise_kind = 'wrong': allowed: 'incorrect', 'any' or 'permute'"),
        ("target.task", 3, "target.task = 3: allowed: a valid string"),
        ("target.task", "", "target.task = ''"),
        ("train.learning_rate", 0, "train.learning_rate = 0: allowed: greater than 0"),
        ("train.learning_rate", "1e-400", "allowed: greater than 0"),
        ("train.learning_rate", "1e400", "allowed: a finite number"),
        ("train.learning_rate", float("nan"), "train.learning_rate = nan"),
        ("train.learning_rate", "0x10", "expected a number"),
        ("train.learning_rate", "1_0", "expected a number"),
        ("train.learning_rate", "inf", "expected a number"),
        ("train.momentum", 1, "train.momentum = 1: allowed: less than 1"),
        ("train.optimizer", "lion", "train.optimizer = 'lion': allowed: 'adam', 'sgd' or 'adamw'"),
        ("train.batches", "odd", "train.batches = 'odd': allowed: 'even'"),
        ("train.loss", "hinge", "train.loss = 'hinge': allowed: 'cross_entropy' or 'squared'"),
        ("train.method", "Ridge", "train.method = 'Ridge': allowed: lower-case letters, digits and '_'"),
        ("train.epochs", -1, "train.epochs = -1: allowed: greater than or equal to 0"),
        ("train", None, "train = None: allowed: a mapping with the keys epochs, optimizer, learning_rate, "),
        ("target", "glyphs", "target = 'glyphs': allowed: a mapping with the keys task, size, label_noise, noise_kind"),
        ("model", "resnet18", "model = 'resnet18': allowed: a mapping with the keys family, depth, width, "),
        ("model.name", "resnet 18", "model.name = 'resnet 18': allowed: the name of a model of timm: letters, digits"),
        ("model.family", "", "model.family = ''"),
        ("model.family", 18, "model.family = 18: allowed: a valid string"),
        ("model.channels", 2, "model.channels = 2: allowed: 1 or 3"),
        ("model.image_size", 7, "model.image_size = 7: allowed: greater than or equal to 8"),
        ("transfer.frozen", "most", "transfer.frozen = 'most': expected a number"),
        ("transfer.norm", "test", "transfer.norm = 'test': allowed: 'eval', 'stats' or 'train'"),
        ("seed", -1, "seed = -1: allowed: greater than or equal to 0"),
        ("seed", 1e300, "seed = 1e+300: expected a whole number"),
    ],
)
def test_a_wrong_value_is_refused_in_one_line(path: str, value: Any, said: str) -> None:
    assert said in refusal(at(path, value))


@pytest.mark.parametrize("missing", ["source", "target", "model", "target.task", "target.size", "model.family"])
def test_what_has_no_default_must_be_given(missing: str) -> None:
    value: dict[str, Any] = {**VALUE, "target": dict(VALUE["target"]), "model": dict(VALUE["model"])}
    parent, _, key = missing.rpartition(".")
    del (value[parent] if parent else value)[key]
    with pytest.raises(ValidationError) as caught:
        RunSpec.model_validate(value)
    assert str(from_pydantic(caught.value, RUN_KEYS)) == f"{missing}: missing; it has no default"


def test_a_misspelt_key_is_said_before_what_it_makes_missing() -> None:
    value = {**VALUE, "target": {"tsk": "digits", "size": 100}}
    with pytest.raises(ValidationError) as caught:
        RunSpec.model_validate(value)
    assert str(from_pydantic(caught.value, RUN_KEYS)).startswith("unknown key 'target.tsk'; did you mean 'task'?")


def test_a_number_too_long_to_print_is_refused() -> None:
    assert refusal(at("target.size", 10**5000)).startswith("target.size")
    assert "the number is too large" in refusal(at("train.learning_rate", 10**5000))


def test_a_long_value_is_shortened_in_the_message() -> None:
    assert len(refusal(at("target.task", "x" * 100_000))) < 300
    assert len(refusal({"k" * 100_000: 1})) < 300


def test_defaults_are_the_documented_ones() -> None:
    """A default is part of the identity of every run that leaves it out (tests/golden pins the ids)."""
    run = RunSpec(
        source=SourceSpec(task="glyphs", size=100),
        target=TargetSpec(task="digits", size=100),
        model=ModelSpec(family="resnet", depth=18, width=8),
    )
    assert run.train == TrainSpec(
        epochs=100,
        optimizer="adam",
        learning_rate=0.001,
        schedule="constant",
        batch_size=64,
        momentum=0.0,
        weight_decay=0.0,
        augment="none",
        precision="float32",
        batches=None,
        loss=None,
        method=None,
    )
    assert run.source is not None
    assert run.source.epochs == 10
    assert (run.target.label_noise, run.target.noise_kind) == (0.0, "incorrect")
    assert (run.model.image_size, run.model.channels) == (8, 1)
    assert (run.transfer.frozen, run.transfer.norm, run.seed) == (0, "eval", 0)


REFERENCE = Path(__file__).parents[2] / "docs" / "sweeps.md"


def test_the_reference_lists_every_field_with_its_default() -> None:
    rows = re.findall(r"^\| `([a-z0-9_.]+)` \| (needed|`[^`]*`) \|", REFERENCE.read_text(), re.MULTILINE)
    listed = {path: default.strip("`") for path, default in rows if path in LEAVES}
    least = RunSpec(
        source=SourceSpec(task="glyphs", size=100),
        target=TargetSpec(task="digits", size=100),
        model=ModelSpec(family="resnet", depth=18, width=8),
        transfer=TransferSpec(inherit=InheritSpec()),
    )
    needed = {"source.task", "source.size", "target.task", "target.size", "model.family", "model.depth", "model.width"}
    assert listed == {
        path: "needed" if path in needed else "null" if value is None else str(value)
        for path, value in flat(least).items()
    }


def test_the_example_of_the_reference_is_a_sweep() -> None:
    example = re.findall(r"```yaml\n(.*?)```", REFERENCE.read_text(), re.DOTALL)[0]
    assert len(expand(parse(example), Words())) == 18 * 2 * 5 - 5 + 6 * 5


def test_errors_are_for_users() -> None:
    assert issubclass(SpecError, ValueError)
