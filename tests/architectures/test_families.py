"""The table of families: what each brings agrees with the network it makes, and its rules are told in one line."""

from __future__ import annotations

import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from architectures import FAMILIES, build, exact_prefix, family_of, freeze, ladder_length, unit_names
from architectures.arithmetic import unit_work
from architectures.families.family import Family
from architectures.families.ladder import Unit
from sweeps.spec import FrozenNorm, ModelSpec
from tests.architectures.small_networks import ALL_DEPTHS, SMALL, classes_for, label, network

ROOT = Path(__file__).parents[2]
vit = FAMILIES["vit"]


def test_every_family_is_tried() -> None:
    assert {model.family for model in SMALL} == {model.family for model in ALL_DEPTHS} == set(FAMILIES)


@pytest.mark.parametrize("model", ALL_DEPTHS, ids=label)
def test_what_is_said_without_torch_is_what_is_built(model: ModelSpec) -> None:
    """`build` itself asserts that the ladder's norms are the network's."""
    made = build(model, classes_for(model, 3), seed=0)
    assert unit_names(model) == tuple(unit.name for unit in made.units)
    assert ladder_length(model) == len(made.units) == len(unit_work(model, 3))


@pytest.mark.parametrize("norm", ["eval", "stats", "train"])
@pytest.mark.parametrize("model", SMALL, ids=label)
def test_a_prefix_is_exact_where_the_network_says_so(model: ModelSpec, norm: FrozenNorm) -> None:
    made = build(model, classes_for(model, 3), seed=0)
    for frozen in range(ladder_length(model)):
        freeze(made, frozen, norm)
        assert exact_prefix(model, frozen, norm) == made.exact_prefix(), frozen


def test_a_ladder_that_says_wrong_of_its_norms_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    def ladder(model: ModelSpec) -> tuple[Unit, ...]:
        return tuple(replace(unit, norm=unit.norm and "batch") for unit in vit.ladder(model))

    monkeypatch.setitem(FAMILIES, "vit", replace(vit, ladder=ladder))
    with pytest.raises(AssertionError, match=r"unit blocks\.0 has norm 'sample', its ladder says 'batch'"):
        build(network("vit", 2), classes=2, seed=0)


def test_a_family_without_a_part_is_no_family() -> None:
    parts = dict(vars(FAMILIES["resnet"]))
    for part in ("depths", "ladder", "work", "construct", "add_head", "channels_last"):
        with pytest.raises(TypeError, match=part):
            Family(**{name: value for name, value in parts.items() if name != part})


@pytest.mark.parametrize(
    ("model", "said"),
    [
        (
            network("resnet18", 18),
            r"model\.family = 'resnet18': allowed: 'resnet', .* or '\w+'; did you mean 'resnet'\?",
        ),
        (network("lstm", 18), r"model\.family = 'lstm': allowed: 'resnet', .* or '\w+'"),
        (network("resnet", 19), "model: depth 19 is no resnet; allowed: 8, 10, 14, 18, 20, 32, 34, 44, 50, 56"),
        (network("densenet", 18), "model: depth 18 is no densenet; allowed: 10, 16, 22, 40, 100, 121"),
        (network("vit", 49), "model: depth 49 is no vit; allowed: 1 to 48"),
        (network("vit", 4, 30), r"model\.width = 30: allowed with the family vit: multiples of 4 \(.*\)"),
        (network("vit", 4, 32, 9), r"model\.image_size = 9: allowed with the family vit .*: multiples of 4"),
        (
            ModelSpec(family="vit", depth=4, width=32, patch=5),
            r"model\.patch = 5: allowed with model\.image_size 8: 1, 2, 4, 8",
        ),
    ],
)
def test_a_network_that_does_not_exist_is_refused_by_whoever_is_asked(model: ModelSpec, said: str) -> None:
    for ask in (
        family_of,
        ladder_length,
        unit_names,
        lambda model: unit_work(model, 2),
        lambda model: build(model, 2, 0),
    ):
        with pytest.raises(ValueError) as caught:
            ask(model)
        assert re.fullmatch(said, str(caught.value))


def test_a_field_that_one_family_names_as_its_own_is_refused_by_others(monkeypatch: pytest.MonkeyPatch) -> None:
    """Here `weights`, which all families read: a field of a new family needs no line elsewhere."""
    model = ModelSpec(family="mlp", depth=2, width=8, weights="a.safetensors")
    assert family_of(model) is FAMILIES["mlp"]
    monkeypatch.setitem(FAMILIES, "vit", replace(vit, own_fields=frozenset({"patch", "weights"})))
    with pytest.raises(ValueError, match=r"^model\.weights = 'a\.safetensors': allowed with the family vit alone$"):
        family_of(model)


def test_planning_imports_no_torch() -> None:
    """Length, names, work and exactness of every network, those of family timm aside, in a process of its own."""
    code = """
import sys
from architectures import FAMILIES, exact_prefix, ladder_length, unit_names
from architectures.arithmetic import unit_work
from sweeps.spec import ModelSpec
for family, brings in FAMILIES.items():
    for depth in () if "name" in brings.own_fields else brings.depths:
        model = ModelSpec(family=family, depth=depth, width=8)
        assert len(unit_names(model)) == len(unit_work(model, 10)) == ladder_length(model)
        exact_prefix(model, 1, "stats")
print(*{"torch", "timm", "numpy"}.intersection(sys.modules))
"""
    found = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert (found.stdout.split(), found.stderr) == ([], "")
