"""Names that show what differs between the runs of a sweep."""

from __future__ import annotations

import re
from typing import Any

from sweeps.naming import differing, name_of_run, name_of_source
from sweeps.spec import RunSpec

BASE: dict[str, Any] = {
    "source": {"task": "glyphs[A-J]", "size": 60, "epochs": 1},
    "target": {"task": "digits", "size": 50},
    "model": {"family": "resnet", "depth": 8, "width": 1},
    "train": {"epochs": 1},
}
FIXED = "resnet8-w1_glyphs-A-J-60_digits-50_frozen0_seed0"


def made(**changes: dict[str, Any] | None) -> RunSpec:
    """BASE with fields of its sections changed; None leaves the section out."""
    return RunSpec.model_validate(
        {
            **BASE,
            **{part: None if given is None else {**BASE.get(part, {}), **given} for part, given in changes.items()},
        }
    )


def test_names_show_what_differs_and_nothing_else() -> None:
    specs = [
        made(target={"label_noise": noise}, train={"learning_rate": rate})
        for rate in (1e-3, 1e-2)
        for noise in (0, 0.2)
    ]
    varied = differing(specs)
    assert varied == ("target.label_noise", "train.learning_rate")
    assert [name_of_run(spec, varied) for spec in specs] == [
        f"{FIXED}_label_noise0.0_learning_rate0.001",
        f"{FIXED}_label_noise0.2_learning_rate0.001",
        f"{FIXED}_label_noise0.0_learning_rate0.01",
        f"{FIXED}_label_noise0.2_learning_rate0.01",
    ]
    assert {name_of_source(spec, varied) for spec in specs} == {"source_resnet8-w1_glyphs-A-J-60_seed0"}


def test_fields_that_every_name_has_are_not_repeated() -> None:
    specs = [made(model={"width": 1}), made(model={"width": 2}, transfer={"frozen": 1}, target={"size": 60})]
    assert differing(specs) == ()
    assert name_of_run(specs[0], ()) == FIXED


def test_fields_of_one_name_are_told_apart_by_their_section() -> None:
    specs = [made(), made(source={"label_noise": 0.1}, target={"label_noise": 0.2})]
    varied = differing(specs)
    assert name_of_run(specs[1], varied) == f"{FIXED}_source.label_noise0.1_target.label_noise0.2"
    assert name_of_source(specs[1], varied) == "source_resnet8-w1_glyphs-A-J-60_seed0_label_noise0.1"


def test_runs_from_scratch_beside_pretrained_ones_say_so() -> None:
    specs = [made(), made(source=None)]
    assert [name_of_run(spec, differing(specs)) for spec in specs] == [FIXED, FIXED.replace("glyphs-A-J-60", "scratch")]


def test_every_field_that_may_differ_tells_two_runs_apart() -> None:
    changes: list[dict[str, Any]] = [
        {"train": {"optimizer": "sgd"}},
        {"train": {"augment": "crop_flip"}},
        {"train": {"epochs": 2}},
        {"source": {"epochs": 2}},
        {"transfer": {"norm": "train"}},
        {"target": {"noise_kind": "any", "label_noise": 0.1}},
        {"model": {"image_size": 16}},
    ]
    for change in changes:
        specs = [made(), made(**change)]
        names = {name_of_run(spec, differing(specs)) for spec in specs}
        assert len(names) == 2, change
        assert all(re.fullmatch(r"[A-Za-z0-9_.-]+", name) for name in names)
