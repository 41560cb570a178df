"""Spelling never changes an id; any change of a value does."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sweeps.expand import flat
from sweeps.identity import ID_LENGTH, SCHEMA, canonical, canonical_json, cell_id, run_id, run_name, source_id
from sweeps.language.plain_yaml import load
from sweeps.spec import RunSpec, SourceSpec, TrainSpec
from sweeps.sweep import overlay
from tests.sweeps.example_specs import FIELD_VALUES, LEAVES, RUN_VALUES, VALUE, at, spec
from tests.sweeps.yaml_styles import as_yaml, real_spellings, whole_spellings

GOLDEN = Path(__file__).parents[1] / "golden" / "run_ids.json"
PROPERTY = settings(max_examples=100, deadline=None)


def ids(run: RunSpec) -> tuple[str, str, str | None]:
    return run_id(run), cell_id(run), source_id(run)


def shuffled(value: Any, data: st.DataObject) -> Any:
    if not isinstance(value, dict):
        return value
    return {key: shuffled(value[key], data) for key in data.draw(st.permutations(sorted(value)))}


# What must not change an id.


@PROPERTY
@given(RUN_VALUES, st.data())
def test_key_order_never_changes_an_id(value: dict[str, Any], data: st.DataObject) -> None:
    assert ids(RunSpec.model_validate(shuffled(value, data))) == ids(RunSpec.model_validate(value))


@PROPERTY
@given(RUN_VALUES, st.data())
def test_yaml_style_and_number_spelling_never_change_an_id(value: dict[str, Any], data: st.DataObject) -> None:
    text = data.draw(as_yaml(value))
    assert ids(RunSpec.model_validate(load(text))) == ids(RunSpec.model_validate(value))


@pytest.mark.parametrize("rate", [0.001, 1e-3, "1e-3", "0.001", "1.0E-3", "1e-03", " 1e-3 ", "+.001", "00.0010"])
def test_a_real_number_is_its_value(rate: Any) -> None:
    assert ids(spec(train={"learning_rate": rate})) == ids(spec(train={"learning_rate": 0.001}))


@pytest.mark.parametrize("size", [1000, 1000.0, 1e3, "1000", "1e3", "1000.0", "1.0E+3", "01000"])
def test_a_whole_number_is_its_value(size: Any) -> None:
    same = spec(target={"size": size})
    assert ids(same) == ids(spec(target={"size": 1000}))
    assert type(same.target.size) is int


@pytest.mark.parametrize("zero", [0, 0.0, -0.0, "-0.0", "0e9", "-0"])
def test_zero_has_no_sign(zero: Any) -> None:
    assert ids(spec(target={"label_noise": zero}, seed=zero)) == ids(spec(target={"label_noise": 0.0}, seed=0))


@PROPERTY
@given(st.floats(0, 1, exclude_max=True), st.integers(0, 10**9))
def test_every_spelling_of_a_number_is_the_same_number(share: float, seed: int) -> None:
    for text in real_spellings(share):
        assert RunSpec.model_validate(overlay(VALUE, load(f"train: {{momentum: {text}}}"))).train.momentum == share
    for text in whole_spellings(seed):
        assert RunSpec.model_validate(overlay(VALUE, load(f"seed: {text}"))).seed == seed


def test_a_default_written_out_is_the_default() -> None:
    given_out = spec(
        transfer={"norm": "eval"}, model={"image_size": 8, "channels": 1}, target={"noise_kind": "incorrect"}
    )
    assert ids(given_out) == ids(spec())


@PROPERTY
@given(RUN_VALUES)
def test_a_stored_spec_is_read_back_as_the_same_run(value: dict[str, Any]) -> None:
    run = RunSpec.model_validate(value)
    again = RunSpec.model_validate({"source": None, **json.loads(canonical_json(canonical(run)))})
    assert again == run
    assert ids(again) == ids(run)


# What must change an id.


def test_every_field_has_values_to_try() -> None:
    """A new field fails here until the tests below try it."""
    assert set(FIELD_VALUES) == set(LEAVES)


@pytest.mark.parametrize("path", LEAVES)
@settings(max_examples=15, deadline=None)
@given(data=st.data())
def test_a_change_of_any_value_changes_the_id(path: str, data: st.DataObject) -> None:
    before = data.draw(RUN_VALUES.filter(lambda value: value["source"] is not None))
    values = FIELD_VALUES[path]
    old = RunSpec.model_validate(before)
    other = data.draw(values.filter(lambda value: value != flat(old).get(path)))
    new = RunSpec.model_validate(overlay(before, at(path, other)))
    assert run_id(new) != run_id(old)
    assert (cell_id(new) != cell_id(old)) == (path != "seed")
    seeds = old.seed_of("source"), new.seed_of("source")
    part_of_source = path.startswith(("source.", "model.")) and path != "source.seed"
    assert (source_id(new) != source_id(old)) == (part_of_source or seeds[0] != seeds[1])


@PROPERTY
@given(RUN_VALUES, RUN_VALUES)
def test_ids_are_equal_exactly_when_specs_are(one: dict[str, Any], two: dict[str, Any]) -> None:
    first, second = RunSpec.model_validate(one), RunSpec.model_validate(two)
    assert (run_id(first) == run_id(second)) == (first == second)


def test_neighbouring_numbers_differ() -> None:
    assert run_id(spec(train={"learning_rate": 0.001})) != run_id(spec(train={"learning_rate": 0.0010000000000000002}))


def test_a_source_model_has_one_id_whichever_field_gave_its_seed() -> None:
    def run(seed: int, given: int | None) -> RunSpec:
        return spec(seed=seed, source={"seed": given})

    assert source_id(run(3, None)) == source_id(run(0, 3)) == source_id(run(7, 3)) != source_id(run(0, None))
    assert len({run_id(run(3, None)), run_id(run(0, 3)), run_id(run(7, 3)), run_id(run(3, 3))}) == 4
    assert cell_id(run(0, 3)) == cell_id(run(7, 3)) != cell_id(run(0, 4))
    assert run_id(run(3, None)) == run_id(spec(seed=3))
    assert run_name(run(7, 3)).endswith("_source-seed3_seed7")


def test_a_run_from_scratch_has_no_source_and_an_id_of_its_own() -> None:
    scratch = RunSpec.model_validate({**VALUE, "source": None})
    assert source_id(scratch) is None
    assert run_id(scratch) != run_id(spec())


def test_ids_of_different_kinds_never_meet() -> None:
    assert len({*ids(spec())}) == 3
    assert all(re.fullmatch(rf"[0-9a-f]{{{ID_LENGTH}}}", str(id)) for id in ids(spec()))


# Fields that are added later.


class LaterTrain(TrainSpec):
    label_smoothing: float | None = None


class LaterSource(SourceSpec):
    label_smoothing: float | None = None


class LaterRun(RunSpec):
    source: LaterSource | None  # pyright: ignore[reportIncompatibleVariableOverride]
    train: LaterTrain = LaterTrain()  # pyright: ignore[reportIncompatibleVariableOverride]
    sharpness: float | None = None


@PROPERTY
@given(RUN_VALUES)
def test_a_field_added_later_leaves_old_ids_alone(value: dict[str, Any]) -> None:
    assert ids(LaterRun.model_validate(value)) == ids(RunSpec.model_validate(value))


def test_a_field_added_later_counts_once_it_is_given() -> None:
    later = LaterRun.model_validate
    assert run_id(later(overlay(VALUE, {"train": {"label_smoothing": 0.0}}))) != run_id(spec())
    assert run_id(later(overlay(VALUE, {"sharpness": 0.0}))) != run_id(spec())
    assert source_id(later(overlay(VALUE, {"source": {"label_smoothing": 0.1}}))) != source_id(spec())
    assert source_id(later(overlay(VALUE, {"train": {"label_smoothing": 0.1}}))) == source_id(spec())


# Pinned ids.


def test_golden_ids() -> None:
    """The ids under which results are stored today.

    A change here is a decision and not a repair: results computed under the old ids would no longer be found, and
    every sweep would start from nothing. If a value's meaning changed, that is right: raise SCHEMA, say so in
    CHANGELOG.md, and write the new ids into the file. If not, the change that brought you here (a new default, a
    renamed field, another canonical form) has to be undone. The specs leave fields out, so that defaults are pinned.
    """
    golden = json.loads(GOLDEN.read_text())
    assert golden["schema"] == SCHEMA
    assert len(golden["runs"]) >= 8
    for entry in golden["runs"]:
        run = RunSpec.model_validate(entry["spec"])
        found = {"run_id": run_id(run), "cell_id": cell_id(run), "source_id": source_id(run)}
        assert found == {key: entry[key] for key in found}, entry["about"]


def test_golden_ids_cover_the_families_and_are_all_different() -> None:
    runs = json.loads(GOLDEN.read_text())["runs"]
    assert {entry["spec"]["model"]["family"] for entry in runs} == {"resnet", "densenet", "vit"}
    assert len({entry["run_id"] for entry in runs}) == len(runs)


# Names.


@PROPERTY
@given(RUN_VALUES)
def test_a_name_is_fit_for_a_file_and_a_url(value: dict[str, Any]) -> None:
    assert re.fullmatch(r"[A-Za-z0-9_.-]+", run_name(RunSpec.model_validate(value)))


def test_a_name_is_readable() -> None:
    assert run_name(spec()) == "resnet10-w8_glyphs-A-Z-3000_digits-1000_frozen3_seed1"
