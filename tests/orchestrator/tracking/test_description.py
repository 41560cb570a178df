"""What runs are called in W&B: groups say what a cell is, names what differs in the sweep."""

from __future__ import annotations

from typing import Any

import pytest

from orchestrator.tracking.description import (
    NAME_LENGTH,
    TAG_LENGTH,
    describe,
    fields_that_differ,
    group_name,
    short_name,
    tags,
)
from sweeps.identity import canonical, cell_id, run_id, run_name, source_value
from sweeps.spec import RunSpec

EDITION_2 = {"batches": "even", "kernels": "tuned"}
BASE: dict[str, Any] = {
    "source": {"task": "glyphs[A-Z]", "size": 3000, **EDITION_2},
    "target": {"task": "digits", "size": 1000, "label_noise": 0.3},
    "model": {"family": "resnet", "depth": 14, "width": 8},
    "transfer": {"frozen": 3},
    "train": {"epochs": 60, "optimizer": "sgd", **EDITION_2},
}


def spec(**changes: Any) -> RunSpec:
    """BASE with fields replaced: target__size=500, or a whole part."""
    value = {name: dict(part) for name, part in BASE.items()} | {"seed": changes.pop("seed", 0)}
    for name, given in changes.items():
        section, _, field = name.partition("__")
        if field:
            value[section][field] = given
        else:
            value[section] = given
    return RunSpec.model_validate(value)


@pytest.mark.parametrize(
    ("changes", "name"),
    [
        ({}, "resnet14-w8 frozen 3: glyphs[A-Z] 3000 to digits 1000, noise 0.3, epochs 60, sgd"),
        ({"seed": 4}, "resnet14-w8 frozen 3: glyphs[A-Z] 3000 to digits 1000, noise 0.3, epochs 60, sgd"),
        ({"source": None}, "resnet14-w8 frozen 3: from scratch to digits 1000, noise 0.3, epochs 60, sgd"),
        ({"train": EDITION_2, "target__label_noise": 0.0}, "resnet14-w8 frozen 3: glyphs[A-Z] 3000 to digits 1000"),
        (
            {"source__label_noise": 0.1, "source__epochs": 20, "train__learning_rate": 0.02},
            "resnet14-w8 frozen 3: glyphs[A-Z] 3000 to digits 1000, noise 0.3, epochs 60, sgd, lr 0.02, "
            "source epochs 20, source noise 0.1",
        ),
        (
            {"train": {}, "source": {"task": "glyphs[A-Z]", "size": 3000}},
            "resnet14-w8 frozen 3: glyphs[A-Z] 3000 to digits 1000, noise 0.3, edition 1",
        ),
        (
            {"train": {"batches": "even"}, "source": None},
            "resnet14-w8 frozen 3: from scratch to digits 1000, noise 0.3, batches even",
        ),
        (
            {"source": None, "model__weights": f"sha256:{'ab' * 32}"},
            "resnet14-w8 frozen 3: weights abababab to digits 1000, noise 0.3, epochs 60, sgd",
        ),
    ],
)
def test_a_group_says_what_the_cell_is(changes: dict[str, Any], name: str) -> None:
    assert group_name("run", canonical(spec(**changes))) == name


def test_cells_are_told_apart_and_seeds_are_not() -> None:
    """Whatever field differs, and however long the names are."""
    many: dict[str, Any] = {
        "train__weight_decay": 0.0005,
        "train__momentum": 0.9,
        "train__schedule": "cosine",
        "train__batch_size": 128,
        "train__learning_rate": 0.0123,
        "source__epochs": 33,
    }
    changes: list[dict[str, Any]] = [
        {},
        {"target__size": 500},
        {"model__width": 4},
        {"transfer__norm": "stats"},
        {"source": None},
        {"source__seed": 5},
        many,
        {**many, "source__label_noise": 0.2},
        {**many, "source__label_noise": 0.25},
    ]
    specs = [spec(**change, seed=seed) for change in changes for seed in (0, 1)]
    names = {cell_id(each): group_name("run", canonical(each)) for each in specs}
    assert len(names) == len(set(names.values())) == len(changes)
    assert max(map(len, names.values())) <= NAME_LENGTH


def test_a_source_is_a_group_of_its_seeds() -> None:
    names = set()
    for seed in (0, 1):
        value = source_value(spec(seed=seed))
        assert value is not None
        names.add(group_name("source", value))
    assert names == {"resnet14-w8 source: glyphs[A-Z] 3000"}


def test_a_name_shows_what_differs_in_the_sweep_alone() -> None:
    specs = [spec(transfer__frozen=frozen, seed=seed) for frozen in (0, 3) for seed in (0, 1)]
    differ = fields_that_differ(specs)
    assert differ == ("transfer.frozen",)
    assert [short_name("run", canonical(each), differ) for each in specs] == [
        "frozen 0, seed 0",
        "frozen 0, seed 1",
        "frozen 3, seed 0",
        "frozen 3, seed 1",
    ]
    value = source_value(specs[1])
    assert value is not None and short_name("source", value, differ) == "source, seed 1"


def test_names_of_networks_sizes_and_runs_from_scratch() -> None:
    """The target's size follows from the network, the source's does not."""
    specs = [
        spec(),
        spec(source=None),
        spec(source__size=500),
        spec(model={"family": "vit", "depth": 2, "width": 32}, source__size=100, target__size=500),
    ]
    differ = fields_that_differ(specs)
    assert [short_name("run", canonical(each), differ) for each in specs] == [
        "resnet14-w8, from glyphs[A-Z], source size 3000, seed 0",
        "resnet14-w8, from scratch, seed 0",
        "resnet14-w8, from glyphs[A-Z], source size 500, seed 0",
        "vit2-w32, from glyphs[A-Z], source size 100, seed 0",
    ]
    differ = fields_that_differ([*specs, spec(target__size=500)])
    assert short_name("run", canonical(specs[0]), differ) == (
        "resnet14-w8, from glyphs[A-Z], source size 3000, target size 1000, seed 0"
    )


def test_tags_and_config() -> None:
    one = spec(seed=2)
    described = describe("run", run_id(one), run_name(one), canonical(one), ("transfer.frozen",), "letters")
    assert described["tags"] == ["letters", "network:resnet14-w8", "source:glyphs[A-Z]", "target:digits"]
    assert {name: described["config"].pop(name) for name in ("run_id", "cell_id")} == {
        "run_id": run_id(one),
        "cell_id": cell_id(one),
    }
    assert described["config"].pop("cell") == described["group"]
    assert described["config"].pop("name") == run_name(one)
    assert described["config"] == canonical(one)
    long = spec(target__task=f"glyphs[{''.join(chr(65 + 2 * n) for n in range(13))}]", source=None)
    assert all(len(tag) <= TAG_LENGTH for tag in tags(canonical(long), "x" * 80))
    assert tags(canonical(long), "x" * 80)[0] != tags(canonical(long), "x" * 79)[0]
