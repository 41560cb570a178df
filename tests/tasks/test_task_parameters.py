"""A task with parameters, from the sweep to its tensors, tables and filters."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import torch
from typer.testing import CliRunner

from analysis.tables.collect import collect
from analysis.tables.load import read_sweep
from orchestrator.cli import app
from orchestrator.schedule import KnownWords
from sweeps.errors import SpecError
from sweeps.expand import expand
from sweeps.identity import canonical, run_id, run_name
from sweeps.spec import RunSpec
from sweeps.sweep import parse
from tasks import check, citation, classes_of, held_out, names, registry, target_data
from tests.tasks.signal_noise import SignalNoise

NAME = "signal_noise(noise=0.25,specific=2,universal=4)"
SWEEP = """
name: with-parameters
base:
  source: {{task: {task}, size: 8, epochs: 1}}
  target: {{task: {{name: signal_noise, specific: 2}}, size: 8}}
  model: {{family: resnet, depth: 8, width: 2}}
  train: {{epochs: 1, batch_size: 8}}
{more}
"""


@pytest.fixture(autouse=True)
def registered(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """One row of the table, as any data set has it."""
    monkeypatch.setitem(registry.DATASETS, "signal_noise", "tests.tasks.signal_noise")
    caches = (registry.parameter_names, names._parsed)
    for cache in caches:
        cache.cache_clear()
    yield
    for cache in caches:
        cache.cache_clear()


def runs(more: str = "", task: str = "digits") -> list[RunSpec]:
    return list(expand(parse(SWEEP.format(task=task, more=more)), KnownWords()).values())


def tasks(more: str, task: str = "digits") -> list[str]:
    return [spec.target.task for spec in runs(more, task)]


@pytest.mark.parametrize(
    "written",
    [
        "{name: signal_noise, specific: 2}",
        "{specific: 2, name: signal_noise}",
        "{name: signal_noise, specific: 2, universal: 4}",
        "{name: signal_noise, specific: 2.0, universal: 4e0, noise: 0.250}",
        "{name: signal_noise, specific: '2', noise: 25e-2}",
        "{name: 'signal_noise[d,c,a,b]', specific: 2}",
        "{name: signal_noise, specific: 2, mirrored: null}",
        "signal_noise(specific=2)",
        "'signal_noise( universal = 4, specific=2)'",
        "'signal_noise[0-3](noise=0.25,specific=2,universal=4)'",
    ],
)
def test_equal_data_have_one_name_and_one_id(written: str) -> None:
    (spec,) = runs(task=written)
    (reference,) = runs(task=f"'{NAME}'")
    assert spec.source is not None and spec.source.task == NAME
    assert run_id(spec) == run_id(reference)


def test_a_later_parameter_leaves_the_name_alone_until_it_is_set() -> None:
    (spec,) = runs(task="{name: signal_noise, specific: 2, mirrored: true}")
    assert spec.source is not None
    assert spec.source.task == "signal_noise(mirrored=true,noise=0.25,specific=2,universal=4)"
    assert SignalNoise(specific=2).mirrored is None


def test_the_text_stands_in_the_canonical_form_and_in_the_short_name() -> None:
    (spec,) = runs(task="{name: 'signal_noise[0-1]', specific: 1, noise: 0}")
    text = "signal_noise[0-1](noise=0.0,specific=1,universal=4)"
    assert canonical(spec)["source"]["task"] == text
    assert RunSpec.model_validate(canonical(spec)) == spec
    assert run_name(spec).startswith("resnet8-w2_signal_noise-0-1-noise-0.0-specific-1-universal-4-8_")


def test_an_axis_may_be_a_parameter() -> None:
    more = "axes: {target.task.universal: 1..3, target.task.noise: [0.5]}"
    assert tasks(more) == [f"signal_noise(noise=0.5,specific=2,universal={rows})" for rows in (1, 2, 3)]
    more = "axes: {target.task: [digits, {universal: 1}, {name: signal_noise, specific: 1}]}"
    assert tasks(more) == [
        "digits",
        "signal_noise(noise=0.25,specific=2,universal=1)",
        "signal_noise(noise=0.25,specific=1,universal=4)",
    ]


@pytest.mark.parametrize(
    ("where", "kept"),
    [
        ("target.task.universal > 1", [2, 3]),
        ("target.task.universal % 2 == 1 and target.task.noise == 0.25", [1, 3]),
        ("target.task == 'signal_noise(specific=2,universal=3)'", [3]),
        ("target.task in ['signal_noise[3,1,0,2](universal=1,specific=2)', 'digits']", [1]),
        ("'universal=2' in target.task", [2]),
        ("source.task.universal == none and target.task.mirrored == none and target.task.universal < 3", [1, 2]),
    ],
)
def test_a_filter_sees_parameters_and_any_spelling(where: str, kept: list[int]) -> None:
    more = f'axes: {{target.task.universal: 1..3}}\nwhere: "{where}"'
    assert tasks(more) == [f"signal_noise(noise=0.25,specific=2,universal={rows})" for rows in kept]


def test_the_data_are_those_of_the_values() -> None:
    few, many, digits = (runs(f"axes: {{target.task: [{task}]}}")[0] for task in ("{universal: 0}", "{}", "digits"))
    for spec in (few, many, digits):
        check(spec)
    assert classes_of(few.target.task) == 4 and held_out(few.target.task) == 40
    assert target_data(few).inputs.shape == (8, 1, 8, 8)
    assert not torch.equal(target_data(few).inputs, target_data(many).inputs)
    assert citation(few.target.task) == "Signal and noise: a test. Licence: Apache-2.0."


@pytest.mark.parametrize(
    ("task", "said"),
    [
        ("{name: signal_noise}", "source.task: 'signal_noise': specific: missing; it has no default"),
        ("{name: signal_noise, specifc: 2}", "unknown key 'specifc'; did you mean 'specific'?"),
        ("{name: signal_noise, specific: -1}", "specific = '-1': allowed: greater than or equal to 0"),
        ("{name: signal_noise, specific: 1.5}", "specific = '1.5': expected a whole number"),
        ("{name: signal_noise, specific: word}", "specific = 'word': expected a number"),
        ("{name: signal_noise, specific: 2, mirrored: 7}", "mirrored = '7': allowed: a valid boolean"),
        (
            "{name: signal_noise, specific: [1]}",
            "source.task: specific = [1]: allowed: a number, true, false or a word",
        ),
        ("{name: signal_noise, specific: null}", "source.task: 'signal_noise': specific: missing; it has no default"),
        ("{name: signal_noise, specific: a b}", "source.task: specific = 'a b': allowed: a number"),
        ("{name: signal_noise, Specific: 1}", "source.task: 'Specific' is no parameter; allowed: small letters"),
        (
            "{specific: 2}",
            "source.task: a task with parameters needs the name of its data set, as {name: ..., specific",
        ),
        ("{name: 3, specific: 2}", "source.task: a task with parameters needs the name"),
        ("{name: 'signal_noise(specific=2)', noise: 1}", "parameters stand beside the name here, not in it"),
        ("{name: digits, specific: 2}", "source.task: 'digits(specific=2)': digits has no parameters"),
        ("{name: digit, specific: 2}", "'digit(specific=2)' is no known task; did you mean 'digits'?"),
        ("{name: 'signal_noise[0-7]', specific: 2}", "'0-7' is not within the classes 0-3"),
        ("'signal_noise(specific)'", "'specific' is not a parameter; write e.g. 'key=1'"),
        ("'signal_noise()'", "'' is not a parameter"),
        ("'signal_noise(specific=1,specific=2)'", "gives specific more than once"),
        ("'signal_noise(specific=1)[0-3]'", "is not a task name"),
        ("{name: signal_noise, specific: 2, noise: 1" + "0" * 5000 + "}", "is too large a number"),
        ("{name: " + "x" * 150 + ", specific: 2, y: " + "z" * 80 + "}", "at most 200 characters"),
    ],
)
def test_a_wrong_parameter_is_told_in_one_line(task: str, said: str) -> None:
    with pytest.raises(SpecError, match=r"^[^\n]+$") as refusal:
        runs(task=task)
    assert said in str(refusal.value)


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (
            "axes: {target.task.univeral: [1]}",
            "unknown key 'target.task.univeral'; did you mean 'target.task.universal'?",
        ),
        ("axes: {source.task.universal: [1]}", "needs the name of its data set, as {name: ..., universal: 1}"),
        (
            "where: target.task.univeral > 1",
            "unknown field 'target.task.univeral'; did you mean 'target.task.universal'?",
        ),
        ("where: source.task.universal > 1", "where = 'source.task.universal > 1': "),
        ("where: target.task == 'signal_noise(specific=x)'", "specific = 'x': expected a number"),
    ],
)
def test_a_wrong_axis_or_filter_is_told_in_one_line(more: str, said: str) -> None:
    with pytest.raises(SpecError, match=r"^[^\n]+$") as refusal:
        runs(more)
    assert said in str(refusal.value)


def test_it_runs_and_its_table_has_its_text(tmp_path: Path) -> None:
    text = SWEEP.format(task="{name: signal_noise, specific: 3}", more="axes: {target.task.universal: [1, 2]}")
    file, store = tmp_path / "sweep.yaml", tmp_path / "store"
    file.write_text(text)
    asked: list[Any] = ["run", str(file), "--store", str(store), "--runner", "local", "--wandb", "disabled"]
    assert CliRunner().invoke(app, asked).exit_code == 0
    assert "nothing to do" in CliRunner().invoke(app, asked).stdout
    stored = read_sweep(parse(text), store)
    table: pd.DataFrame = collect(stored).runs
    assert table["status"].tolist() == ["done", "done"]
    assert table["target.task"].tolist() == [f"signal_noise(noise=0.25,specific=2,universal={n})" for n in (1, 2)]
    assert set(table["source.task"]) == {"signal_noise(noise=0.25,specific=3,universal=4)"}
    assert stored.record.citations == {"signal_noise": "Signal and noise: a test. Licence: Apache-2.0."}
