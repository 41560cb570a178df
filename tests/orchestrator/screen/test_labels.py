"""Jobs are named by what differs, and no two runs of a sweep alike."""

from __future__ import annotations

from pathlib import Path

import pytest

from orchestrator.cli import main
from orchestrator.schedule.vocabulary import KnownWords
from orchestrator.screen.labels import Labels
from orchestrator.store.jobs import Job, source_job
from sweeps.expand import expand
from sweeps.naming import differing, field_values, varying
from sweeps.sweep import parse

SWEEP = """
name: labels
base:
  source: {task: "glyphs[A-D]", size: 40}
  target: {task: digits, size: 60}
  model: {family: resnet, depth: 8, width: 4}
axes:
  transfer.frozen: [0, 1]
  source.size: [40, 80]
  target.size: [60, 90]
  seed: 0..1
blocks:
  - {}
  - base: {source: null, model: {family: vit, depth: 2, width: 16}}
    axes: {seed: 0..1}
"""


def jobs(text: str) -> list[Job]:
    return [Job("run", id, spec) for id, spec in expand(parse(text), KnownWords()).items()]


def labelled(text: str) -> list[str]:
    runs = jobs(text)
    labels = Labels(runs)
    return [labels.of(job) for job in runs]


def test_no_two_runs_have_one_label() -> None:
    runs = jobs(SWEEP)
    labels = Labels(runs)
    named = [labels.of(job) for job in runs]
    assert len(set(named)) == len(runs) == 18
    assert "resnet8-w4, source.size 40, target.size 60, frozen 0, seed 0" in named
    assert [name for name in named if name.startswith("vit2-w16, from scratch, ")]
    sources = {source.id: labels.of(source) for job in runs if (source := source_job(job.spec)) is not None}
    assert "source model, resnet8-w4, source.size 80, seed 1" in sources.values()
    assert len(set(sources.values())) == len(sources) == 4


def test_what_does_not_differ_is_left_out() -> None:
    only_seeds = SWEEP.partition("axes:")[0] + "axes: {seed: 0..2}\n"
    assert labelled(only_seeds) == ["seed 0", "seed 1", "seed 2"]
    (one,) = jobs(SWEEP.partition("axes:")[0])
    assert Labels([one]).of(one) == one.name
    tasks = SWEEP.partition("axes:")[0] + 'axes: {source.task: ["glyphs[A-D]", "glyphs[A-M]"]}\n'
    assert set(labelled(tasks)) == {"from glyphs[A-D]", "from glyphs[A-M]"}


def test_what_follows_from_other_fields_is_left_out() -> None:
    """As long as runs, and source models, are told apart: two targets of one network have two names."""
    text = """
name: recipes
base:
  source: {task: "glyphs[A-D]", size: 40}
  target: {task: digits, size: 60}
blocks:
  small:
    base: {model: {family: resnet, depth: 8, width: 4}, train: {epochs: 5, learning_rate: 0.1}}
    axes: {transfer.frozen: [0, 2], seed: 0..1}
  other:
    base: {source: {size: 80}, model: {family: vit, depth: 2, width: 16}, train: {epochs: 7, learning_rate: 0.2}}
    axes: {target.size: [60, 90], seed: 0..1}
"""
    named = labelled(text)
    assert named[0] == "resnet8-w4, size 60, frozen 0, seed 0" and len(set(named)) == len(named) == 8
    sources = text.replace("target.size: [60, 90]", "source.epochs: [1, 2]")
    labels = Labels(runs := jobs(sources))
    assert {labels.of(source) for job in runs if (source := source_job(job.spec)) is not None} == {
        f"source model, {rest}, seed {seed}"
        for seed in (0, 1)
        for rest in ("resnet8-w4, source.epochs 10", "vit2-w16, source.epochs 1", "vit2-w16, source.epochs 2")
    }


def test_the_fields_that_differ_are_those_of_the_values() -> None:
    specs = [job.spec for job in jobs(SWEEP)]
    varied = varying(specs)
    assert varied == tuple(field for field, values in field_values(specs).items() if len(values) > 1)
    assert {"source.size", "target.size", "transfer.frozen", "model.family", "seed"} <= set(varied)
    assert field_values(specs)["seed"] == {"0", "1"}
    assert not {"seed", "transfer.frozen", "source.size"} & set(differing(specs))  # names show these anyway


def test_networks_of_timm_are_named_as_timm_names_them(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """On the screen and in a plan."""
    text = """
name: timm
base: {source: null, target: {task: digits, size: 60}, model: {family: timm, depth: 1, width: 1}}
axes: {model.name: [test_efficientnet, test_resnet]}
"""
    assert labelled(text) == ["test_efficientnet", "test_resnet"]
    (tmp_path / "timm.yaml").write_text(text)
    assert main(["plan", str(tmp_path / "timm.yaml"), "--store", str(tmp_path / "store")]) == 0
    told = capsys.readouterr().out
    assert "networks: test_efficientnet 1 runs, test_resnet 1 runs" in told
    assert "varies: nothing but the network" in told
