"""Editions: better defaults for new sweeps, no new id for old ones."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel

from sweeps import layout
from sweeps.editions import CURRENT, EDITIONS, FIRST
from sweeps.errors import SpecError
from sweeps.expand import expand, flat
from sweeps.identity import run_id
from sweeps.language.plain_yaml import load
from sweeps.records import SweepRecord
from sweeps.self_digest import unsealed
from sweeps.spec import RunSpec
from sweeps.sweep import CATALOG, SweepSpec, overlay, parse
from tests.sweeps.example_specs import VALUE, Words, at

GOLDEN = Path(__file__).parents[1] / "golden"
BASE = {key: value for key, value in VALUE.items() if key not in ("transfer", "seed")}
FIELDS = {"batches": "even", "kernels": "tuned"}
LATEST = {f"{part}.{field}": value for part in ("source", "train") for field, value in FIELDS.items()}
"""What edition 2 writes out."""


def sweep(**changes: Any) -> SweepSpec:
    return SweepSpec.model_validate({"name": "a", "base": BASE, **changes})


def runs(**changes: Any) -> list[RunSpec]:
    return list(expand(sweep(**changes), Words()).values())


def batches(**changes: Any) -> list[tuple[Any, Any]]:
    """(source.batches, train.batches) of each run; "scratch" in a run without a source."""
    return [(flat(run).get("source.batches", "scratch"), run.train.batches) for run in runs(**changes)]


def test_the_first_edition_is_no_word_about_any_field() -> None:
    assert EDITIONS[FIRST] == {} and min(EDITIONS) == FIRST
    assert list(EDITIONS) == list(range(FIRST, CURRENT + 1))


@pytest.mark.parametrize("edition", EDITIONS)
def test_an_edition_writes_fields_whose_own_default_is_none(edition: int) -> None:
    """A field with another default is part of old ids as it is; an edition is for fields that came later."""
    for name, fields in EDITIONS[edition].items():
        section = type(getattr(RunSpec.model_validate(VALUE), name))
        assert issubclass(section, BaseModel)
        for field, value in fields.items():
            assert section.model_fields[field].default is None
            written = RunSpec.model_validate(overlay(VALUE, at(f"{name}.{field}", value)))
            assert flat(written)[f"{name}.{field}"] == value is not None


def test_expansion_writes_the_edition_into_each_run() -> None:
    assert batches(edition=1) == [(None, None)]
    assert batches(edition=2) == [("even", "even")]
    assert {name: flat(runs(edition=2)[0])[name] for name in LATEST} == LATEST
    assert batches() == batches(edition=CURRENT)


def test_an_edition_writes_nothing_else() -> None:
    one, two = flat(runs(edition=1)[0]), flat(runs(edition=2)[0])
    assert {name: value for name, value in two.items() if value != one[name]} == LATEST


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"base": {**BASE, "train": {"batches": None}}}, [("even", None)]),
        ({"base": overlay(BASE, {"source": {"batches": None}})}, [(None, "even")]),
        ({"base": {key: value for key, value in BASE.items() if key != "train"}}, [("even", "even")]),
        ({"base": {**BASE, "source": None}}, [("scratch", "even")]),
        ({"axes": {"train.batches": [None, "even"]}}, [("even", None), ("even", "even")]),
        ({"axes": {"train": [{}, {"epochs": 3, "batches": None}]}}, [("even", "even"), ("even", None)]),
        ({"axes": {"source": [None, {}]}}, [("scratch", "even"), ("even", "even")]),
        (
            {"base": {**BASE, "source": None}, "axes": {"source": [None, {"task": "digits", "size": 9}]}},
            [("scratch", "even"), ("even", "even")],
        ),
        ({"blocks": [{"base": {"train": {"batches": None}}}, {}]}, [("even", None), ("even", "even")]),
        ({"axes": {"train.batches": [None, "even"]}, "where": "train.batches == none"}, [("even", None)]),
        ({"axes": {"seed": [0, 1]}, "where": "train.batches == 'even' and seed == 1"}, [("even", "even")]),
    ],
)
def test_what_the_sweep_says_of_a_field_holds(changes: dict[str, Any], expected: list[Any]) -> None:
    assert batches(**changes, edition=2) == expected


def test_runs_of_the_first_edition_keep_their_ids() -> None:
    assert list(expand(sweep(edition=1), Words())) == [run_id(RunSpec.model_validate(BASE))]
    assert set(expand(sweep(edition=1), Words())).isdisjoint(expand(sweep(edition=2), Words()))


def test_a_missing_section_is_missing_under_every_edition() -> None:
    for edition in EDITIONS:
        with pytest.raises(SpecError, match=r"^source: missing; it has no default$"):
            runs(edition=edition, base={key: value for key, value in BASE.items() if key != "source"})


def test_the_reference_lists_every_edition() -> None:
    text = (Path(__file__).parents[2] / "docs" / "sweeps.md").read_text()
    assert f"| the current one, {CURRENT} |" in text
    for edition, sections in EDITIONS.items():
        (row,) = re.findall(rf"^\| {edition} \| (.*) \|$", text, re.MULTILINE)
        fields = [
            f"`{name}.{field}: {value}`" for name, written in sections.items() for field, value in written.items()
        ]
        assert re.findall("`[^`]*`", row) == fields


@pytest.mark.parametrize("file", sorted(CATALOG.glob("*.yaml")), ids=lambda file: file.stem)
def test_sweeps_of_the_catalog_say_their_edition(file: Path) -> None:
    """Without it, the results that people have of them would be asked for anew with every edition."""
    content = load(file.read_text())
    while "edition" not in content and "extends" in content:
        content = load((CATALOG / f"{content['extends']}.yaml").read_text())
    assert content["edition"] in EDITIONS


# The sweep's digest and record.


def test_the_digest_of_the_first_edition_is_that_of_before_editions() -> None:
    """Records stand under their digest in stores that were made before the key existed."""
    before = "d0d13e502ade0556b836"
    found = parse("name: a\nedition: 1\nbase: {seed: 1}\n").digest
    assert found.startswith(before), found


def test_the_digest_names_every_later_edition() -> None:
    digests = {sweep(edition=edition).digest for edition in EDITIONS}
    assert len(digests) == len(EDITIONS)
    assert sweep().digest == sweep(edition=CURRENT).digest == sweep(edition=1).under(CURRENT).digest


def test_the_golden_store_holds_the_golden_sweep() -> None:
    golden = parse((GOLDEN / "sweep.yaml").read_text())
    assert golden.edition == 1
    path = GOLDEN / "store" / layout.sweep(golden.name, golden.digest)
    record = SweepRecord.model_validate_json(unsealed(path.read_bytes()))
    assert record.edition is None and record.digest == golden.digest
    assert set(record.runs) == set(expand(golden, Words(lambda _: 14)))


@pytest.mark.parametrize(
    ("edition", "said"),
    [
        ("0", "edition = 0: allowed: 1, 2"),
        ("99", "edition = 99: allowed: 1, 2"),
        ("-1", "edition = -1: allowed: 1, 2"),
        ("1.5", "edition = 1.5: expected a whole number"),
        ("latest", "edition = 'latest': expected a number"),
        ("true", "edition = True: expected a whole number"),
        ("null", "edition = None: expected a whole number"),
        ("[1]", "edition = [1]: expected a whole number"),
    ],
)
def test_an_edition_that_there_is_not_is_refused_in_one_line(edition: str, said: str) -> None:
    with pytest.raises(SpecError) as caught:
        parse(f"name: a\nedition: {edition}\n")
    assert said in str(caught.value) and "\n" not in str(caught.value)


def test_another_edition_of_a_sweep_must_exist() -> None:
    with pytest.raises(ValueError, match="allowed: 1, 2"):
        sweep().under(99)
