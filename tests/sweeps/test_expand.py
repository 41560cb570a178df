"""From a sweep to its runs: how base, axes, blocks and filter make a grid."""

from __future__ import annotations

from typing import Any

import pytest

from sweeps import expand as expansion
from sweeps.errors import SpecError
from sweeps.expand import expand, flat
from sweeps.identity import run_id
from sweeps.spec import RunSpec
from sweeps.sweep import SweepSpec, overlay, parse
from tests.sweeps.example_specs import LEAVES, VALUE, Words, spec

BASE = {key: value for key, value in VALUE.items() if key not in ("transfer", "seed")}

LETTERS_TO_DIGITS = """
name: letters-to-digits
about: How deep to freeze when rendered letters teach handwritten digits.
base:
  source: {task: "glyphs[A-Z]", size: 3000, epochs: 10}
  target: {task: digits, size: 1000, label_noise: 0.3}
  model: {family: resnet, depth: 18, width: 8}
  train: {optimizer: adam, learning_rate: 1e-3, batch_size: 64, epochs: 100}
axes:
  transfer.frozen: all        # every depth of this network's ladder, head last
  target.size: [500, 1000]
  seed: 0..4
blocks:
  - base: {model: {family: vit, depth: 4, width: 32}}
    axes: {transfer.frozen: all, seed: 0..4}
where: "transfer.frozen > 0 or target.size == 1000"
"""


def runs(**sweep: Any) -> list[RunSpec]:
    """Under the first edition unless said otherwise: a run is then its fields and their defaults."""
    value = {"name": "a", "edition": 1, "base": BASE, **sweep}
    return list(expand(SweepSpec.model_validate(value), Words()).values())


def seen(specs: list[RunSpec], *fields: str) -> list[Any]:
    """The values of one field, or tuples of several, run by run."""
    rows = [tuple(flat(run)[field] for field in fields) for run in specs]
    return [row[0] for row in rows] if len(fields) == 1 else rows


def refused(**sweep: Any) -> str:
    with pytest.raises(SpecError) as caught:
        runs(**sweep)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_the_example() -> None:
    found = list(expand(parse(LETTERS_TO_DIGITS), Words()).values())
    resnets = [run for run in found if run.model.family == "resnet"]
    # 18 depths x 2 sizes x 5 seeds without frozen 0 of size 500; the vit has 6 depths, 5 seeds and one size.
    assert len(resnets) == 18 * 2 * 5 - 5
    assert len(found) - len(resnets) == 6 * 5
    assert {run.transfer.frozen for run in resnets if run.target.size == 500} == set(range(1, 18))
    assert {run.transfer.frozen for run in resnets if run.target.size == 1000} == set(range(18))
    assert all(run.train.learning_rate == 0.001 for run in found)
    assert all(run.target.size == 1000 for run in found if run.model.family == "vit")


def test_runs_are_found_under_their_ids() -> None:
    found = expand(parse(LETTERS_TO_DIGITS), Words())
    assert all(id == run_id(run) for id, run in found.items())


# Base and axes.


def test_a_base_alone_is_one_run() -> None:
    assert runs() == [RunSpec.model_validate(BASE)]
    assert runs(axes={}) == runs(blocks=[]) == runs()


def test_axes_are_crossed_the_last_one_fastest() -> None:
    found = runs(axes={"target.size": [500, 1000], "seed": [0, 1, 2]})
    assert seen(found, "target.size", "seed") == [(500, 0), (500, 1), (500, 2), (1000, 0), (1000, 1), (1000, 2)]


def test_the_order_is_the_same_every_time() -> None:
    ids = [list(expand(parse(LETTERS_TO_DIGITS), Words())) for _ in range(3)]
    assert ids[0] == ids[1] == ids[2]


def test_an_axis_changes_its_field_and_no_other() -> None:
    before = flat(RunSpec.model_validate({**BASE, "seed": 0}))
    for run in runs(axes={"train.momentum": [0.5, 0.9]}):
        changed = {name for name, value in flat(run).items() if value != before[name]}
        assert changed == {"train.momentum"}


def test_an_axis_may_be_of_mappings_laid_over_the_base() -> None:
    found = runs(axes={"model": [{"depth": 18}, {"family": "vit", "depth": 4, "width": 32}]})
    assert seen(found, "model.family", "model.depth", "model.width") == [("resnet", 18, 8), ("vit", 4, 32)]


def test_an_axis_of_mappings_meets_an_axis_of_one_of_their_fields() -> None:
    found = runs(axes={"train": [{"optimizer": "sgd"}, {"optimizer": "adam"}], "train.momentum": [0.0, 0.9]})
    assert seen(found, "train.optimizer", "train.momentum") == [
        ("sgd", 0.0),
        ("sgd", 0.9),
        ("adam", 0.0),
        ("adam", 0.9),
    ]


def test_a_source_may_be_left_out_on_an_axis_and_come_back() -> None:
    found = runs(axes={"source": [None, {}, {"size": 100}]})
    assert [None if run.source is None else run.source.size for run in found] == [None, 3000, 100]
    scratch = {**BASE, "source": None}
    assert runs(base=scratch)[0].source is None
    assert runs(base=scratch, axes={"source": [{"task": "digits", "size": 9}]})[0].source is not None
    assert "source.task: missing" in refused(base=scratch, axes={"source.size": [100]})


def test_a_run_asked_for_twice_is_one_run() -> None:
    assert seen(runs(axes={"seed": [0, 1, 1, 1.0, "1e0", 0]}), "seed") == [0, 1]
    assert len(runs(axes={"seed": [0]}, blocks=[{"axes": {"seed": [0, 1]}}])) == 2


# Ranges.


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("0..4", [0, 1, 2, 3, 4]),
        ("3..3", [3]),
        ("0..100..25", [0, 25, 50, 75, 100]),
        ("0..10..4", [0, 4, 8]),
        ("1..2..9", [1]),
        (" 5 .. 7 ", [5, 6, 7]),
        ("0..999999999..999999999", [0, 999999999]),
    ],
)
def test_a_range_includes_both_ends(text: str, values: list[int]) -> None:
    assert seen(runs(axes={"seed": text}), "seed") == values


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ("4..0", "axes.seed = '4..0': a range goes up"),
        ("0..4..0", "a range goes up"),
        ("0..", "an axis is a list or a range such as 0..4"),
        ("0..1.5", "an axis is a list or a range"),
        ("0...4", "an axis is a list or a range"),
        ("a..e", "an axis is a list or a range"),
        ("0..9999999999", "at most 9 digits"),
        ("0..999999999", "more than 1,000,000 values"),
        ("-3..0", "seed = -3: allowed: greater than or equal to 0"),
        ("", "an axis is a list or a range"),
        (5, "axes.seed = 5: an axis is a list or a range"),
        (None, "axes.seed = None: an axis is a list or a range"),
        ({"from": 0}, "an axis is a list or a range"),
        (True, "an axis is a list or a range"),
        ([], "axes.seed = []: an axis needs at least one value"),
        (["0..4"], "seed = '0..4': expected a number"),
        ([[0, 1]], "seed = [0, 1]: expected a whole number"),
        ("all", "axes.seed = 'all': only transfer.frozen has 'all'"),
        (["all"], "seed = 'all': expected a number"),
    ],
)
def test_what_is_no_axis_is_refused(value: Any, said: str) -> None:
    assert said in refused(axes={"seed": value})


# All depths.


@pytest.mark.parametrize(
    "sweep",
    [
        {"axes": {"transfer.frozen": "all"}},
        {"axes": {"transfer.frozen": ["all"]}},
        {"axes": {"transfer.frozen": [0, "all", 3]}},
        {"axes": {"transfer": [{"frozen": "all"}]}},
        {"base": {**BASE, "transfer": {"frozen": "all"}}},
    ],
)
def test_all_is_every_depth_of_the_ladder(sweep: dict[str, Any]) -> None:
    assert seen(runs(**sweep), "transfer.frozen") == list(range(10))


def test_all_knows_each_network() -> None:
    found = runs(axes={"model.depth": [8, 10], "transfer.frozen": "all"})
    assert seen(found, "model.depth", "transfer.frozen") == [
        *((8, frozen) for frozen in range(8)),
        *((10, frozen) for frozen in range(10)),
    ]


def test_all_keeps_what_else_is_said_of_the_transfer() -> None:
    assert set(seen(runs(axes={"transfer.norm": ["stats"], "transfer.frozen": "all"}), "transfer.norm")) == {"stats"}


def test_an_axis_takes_the_place_of_all_in_the_base() -> None:
    found = runs(base={**BASE, "transfer": {"frozen": "all"}}, axes={"transfer.frozen": [2]})
    assert seen(found, "transfer.frozen") == [2]


# Blocks.


def test_the_sweep_is_its_own_grid_and_its_blocks() -> None:
    found = runs(axes={"seed": "0..1"}, blocks=[{"base": {"target": {"size": 50}}}])
    assert seen(found, "target.size", "seed") == [(1000, 0), (1000, 1), (50, 0), (50, 1)]


def test_without_axes_of_its_own_the_sweep_is_its_blocks() -> None:
    found = runs(blocks=[{"base": {"target": {"size": 50}}}, {"axes": {"seed": [3, 4]}}])
    assert seen(found, "target.size", "seed") == [(50, 0), (1000, 3), (1000, 4)]


def test_the_axes_of_a_block_replace_those_of_the_sweep() -> None:
    found = runs(axes={"target.size": [500, 1000]}, blocks=[{"axes": {"seed": [7]}}, {"axes": {}}])
    assert seen(found, "target.size", "seed") == [(500, 0), (1000, 0), (1000, 7)]


def test_the_base_of_a_block_is_laid_over_that_of_the_sweep() -> None:
    [found] = runs(blocks=[{"base": {"train": {"momentum": 0.9}, "source": None}}])
    assert found.train.momentum == 0.9
    assert found.train.epochs == 100
    assert found.source is None


def test_a_sweep_may_be_complete_only_with_its_blocks() -> None:
    sweep = {"base": {"source": None, "model": BASE["model"]}, "blocks": [{"base": {"target": BASE["target"]}}]}
    assert len(runs(**sweep)) == 1
    assert refused(**sweep, axes={"seed": [0]}) == "target: missing; it has no default"


def test_a_mistake_in_a_block_is_found_by_its_place() -> None:
    block = {"base": {"target": {"size": "many"}}}
    assert refused(blocks=[{}, block]) == "blocks.1: target.size = 'many': expected a number"
    assert "blocks.0: axes.seed = []" in refused(blocks=[{"axes": {"seed": []}}])
    assert "blocks.0: axes: unknown key 'sead'; did you mean 'seed'?" in refused(blocks=[{"axes": {"sead": [0]}}])


# Unknown keys.


@pytest.mark.parametrize(
    ("key", "said"),
    [
        ("transfer.frosen", "axes: unknown key 'transfer.frosen'; did you mean 'transfer.frozen'?"),
        ("frozen", "axes: unknown key 'frozen'"),
        ("target.size.more", "axes: unknown key 'target.size.more'; did you mean 'target.size'?"),
        ("", "axes: unknown key ''"),
        (".", "axes: unknown key '.'"),
        ("target.", "axes: unknown key 'target.'"),
    ],
)
def test_an_unknown_axis_is_refused(key: str, said: str) -> None:
    assert said in refused(axes={key: [1]})


def test_an_unknown_key_in_the_base_is_refused() -> None:
    assert refused(base={**BASE, "target.size": 5}).startswith("unknown key 'target.size'")
    assert "did you mean 'momentum'?" in refused(axes={"train": [{"momentun": 0.9}]})


# Filters.


def test_a_filter_keeps_what_it_says() -> None:
    found = runs(axes={"seed": "0..5", "transfer.frozen": "all"}, where="seed % 2 == 0 and transfer.frozen in [0, 9]")
    assert seen(found, "seed", "transfer.frozen") == [(seed, frozen) for seed in (0, 2, 4) for frozen in (0, 9)]


def test_a_filter_sees_defaults_and_runs_from_scratch() -> None:
    axes = {"source": [None, {}], "transfer.frozen": [0, 4]}
    found = runs(axes=axes, where="source != none or transfer.frozen == 0")
    assert [(run.source is None, run.transfer.frozen) for run in found] == [(True, 0), (False, 0), (False, 4)]
    assert len(runs(axes=axes, where="train.schedule == 'constant'")) == 4


def test_a_filter_that_keeps_nothing_is_an_error() -> None:
    assert refused(where="seed > 9") == "a: the sweep has no runs (its filter keeps none)"


# Size.


def test_a_sweep_too_large_is_refused_before_it_is_expanded() -> None:
    axes = {"seed": "0..9999", "target.size": "2..1001", "transfer.frozen": "0..9"}
    assert refused(axes=axes) == "100,000,000 runs are asked for; allowed: at most 1,000,000 in one sweep"
    many = [{"axes": {"seed": "0..999999"}}] * 2
    assert "2,000,000 runs are asked for" in refused(blocks=many)


def test_all_depths_count_towards_the_size(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(expansion, "MOST_RUNS", 29)
    assert "30 runs are asked for" in refused(axes={"transfer.frozen": "all", "seed": "0..3"})
    assert len(runs(axes={"transfer.frozen": "all", "seed": "0..1"})) == 20


# Runs from scratch that partial transfers are compared with.


def test_runs_from_scratch_that_come_along_are_checked_and_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    class NoScratch(Words):
        def check(self, run: RunSpec) -> None:
            if run.source is None:
                raise ValueError("source = None: not allowed here")

    sweep = {"name": "a", "edition": 1, "base": BASE, "axes": {"transfer.inherit.share": [0.25, 0.5], "seed": [0, 1]}}
    assert len(runs(**sweep)) == 6
    with pytest.raises(SpecError, match=r"^source = None: not allowed here; first in the run [^\n]+$"):
        expand(SweepSpec.model_validate(sweep), NoScratch())
    monkeypatch.setattr(expansion, "MOST_RUNS", 5)
    assert "6 runs are asked for" in refused(**sweep)


# Overlays and flat names.


def test_overlay_leaves_what_it_is_laid_on_alone() -> None:
    base = {"a": {"b": 1, "c": 2}, "d": 3}
    assert overlay(base, {"a": {"b": 9}, "e": 4}) == {"a": {"b": 9, "c": 2}, "d": 3, "e": 4}
    assert overlay(base, {"a": None}) == {"a": None, "d": 3}
    assert overlay({"a": None}, {"a": {"b": 1}}) == {"a": {"b": 1}}
    assert base == {"a": {"b": 1, "c": 2}, "d": 3}


def test_flat_names_every_field() -> None:
    assert set(flat(spec(transfer={"inherit": {"share": 0.5}}))) == set(LEAVES)
    inherit = {name for name in LEAVES if name.startswith("transfer.inherit.")}
    assert set(flat(spec())) == {"transfer.inherit", *LEAVES} - inherit
    scratch = flat(RunSpec.model_validate({**VALUE, "source": None}))
    assert scratch["source"] is None
    left = {name for name in LEAVES if not name.startswith("source.")} - inherit
    assert set(scratch) == {"source", "transfer.inherit", *left}
