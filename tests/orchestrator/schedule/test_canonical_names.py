"""Canonical names of tasks at expansion, and stores that were made before there were any."""

from __future__ import annotations

from pathlib import Path

import pytest

from analysis.tables.collect import collect
from analysis.tables.load import read_sweep
from orchestrator.schedule.plan import make_plan
from orchestrator.schedule.vocabulary import KnownWords
from orchestrator.store.ledger import Ledger
from sweeps.expand import expand
from sweeps.identity import run_id
from sweeps.sweep import parse
from tests.analysis.store_factory import finished, planned, sweep_text


def ids(source: str, target: str, where: str = "true") -> list[str]:
    text = f"""
name: spelling
base:
  source: {{task: "{source}", size: 100}}
  target: {{task: "{target}", size: 100}}
  model: {{family: resnet, depth: 14, width: 4}}
axes: {{seed: 0..1}}
where: "{where}"
"""
    return list(expand(parse(text), KnownWords()))


@pytest.mark.parametrize("target", ["digits[4,3,2,1,0]", "digits[ 0-4]", "digits[0-2,3-4]"])
@pytest.mark.parametrize("source", ["glyphs", "glyphs[A-MN-Z]"])
def test_equal_data_have_equal_ids(source: str, target: str) -> None:
    assert ids(source, target) == ids("glyphs[A-Z]", "digits[0-4]")
    assert ids("digits[5-9]", target) != ids("digits", target)
    assert ids("digits[0-9]", target) == ids("digits", target)


@pytest.mark.parametrize("task", ["glyphs", "glyphs[A-Z]", "glyphs[N-ZA-M]"])
def test_a_filter_may_use_any_spelling(task: str) -> None:
    assert len(ids("glyphs", "digits", f"source.task == '{task}'")) == 2
    assert len(ids("glyphs", "digits", f"'{task}' != source.task or source.size < 5 or seed == 1")) == 1
    assert len(ids("glyphs", "digits", f"source.task in ['cifar10', '{task}', none]")) == 2


def test_results_under_another_spelling_stay_readable_under_their_ids(tmp_path: Path) -> None:
    text = sweep_text(epochs=6, frozen="[0, 1, 2, 3]", last_seed=1).replace("glyphs[A-Z]", "glyphs")
    sweep, old = planned(text, tmp_path)  # by a vocabulary that leaves names as they are, as it was
    for spec in old.values():
        finished(tmp_path, spec)
    tables = collect(read_sweep(sweep, tmp_path))
    assert set(tables.runs["source.task"]) == {"glyphs"} and set(tables.runs["status"]) == {"done"}
    assert [run_id(run.spec) for run in tables.sweep.runs] == [run.id for run in tables.sweep.runs]

    plan = make_plan(sweep, Ledger(tmp_path))
    assert not plan.runs.keys() & old.keys()
    assert set(plan.statuses.values()) == {"missing"}


VIT = """
name: patches
base:
  source: null
  target: {task: digits, size: 40}
  model: {family: vit, depth: 1, width: 8, %s}
"""


@pytest.mark.parametrize(("side", "patch", "same"), [(8, 2, True), (32, 4, True), (16, 4, True), (16, 2, False)])
def test_the_patch_that_null_stands_for_is_null(side: int, patch: int, same: bool) -> None:
    unsaid, said = (
        list(expand(parse(VIT % fields), KnownWords()))
        for fields in (f"image_size: {side}", f"image_size: {side}, patch: {patch}")
    )
    assert (unsaid == said) is same


def test_a_patch_at_a_size_that_has_no_usual_one_stays() -> None:
    (spec,) = expand(parse(VIT % "image_size: 10, patch: 2"), KnownWords()).values()
    assert spec.model.patch == 2
