"""`frostline rank`, `--prefer ranked` of `plan` and `run`, `frostline transferability`: one small sweep, end to end."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest

import frostline as fl
from analysis.transferability.scores import NAMES
from frostline.cli import main
from frostline.transfer.ranking import context
from orchestrator.features.ranking_file import prefer_ranked
from orchestrator.schedule.agenda import Agenda
from orchestrator.schedule.forecast import forecast
from orchestrator.schedule.plan import make_plan
from orchestrator.store.ledger import Ledger
from sweeps import layout
from sweeps.store import records
from sweeps.sweep import read
from tests.orchestrator.small_runs import small

SWEEP = """
name: ranked
edition: 2
base:
  source: {task: "digits[0-4]", size: 60, epochs: 3}
  target: {task: "digits[5-9]", size: 60}
  model: {family: resnet, depth: 8, width: 4}
  train: {epochs: 2}
axes:
  source: [{}, {task: "glyphs[A-D]"}, {label_noise: 1.0, task: "glyphs[0-9]"}, {epochs: 0}]
  transfer.frozen: [0, 7]
  seed: [0, 1]
blocks:
  - base: {source: null}
    axes: {seed: [0]}
"""


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, str]:
    """A sweep of which the sources are trained and ranked, and no run."""
    folder = tmp_path_factory.mktemp("rank")
    file = folder / "ranked.yaml"
    file.write_text(SWEEP)
    assert main(["rank", str(file), "--store", str(folder / "store"), "--train", "--out", str(folder / "r.csv")]) == 0
    return str(file), str(folder / "store")


def ledger_of(store: str) -> Ledger:
    return Ledger(Path(store))


def test_untrained_sources_are_refused_in_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "ranked.yaml"
    file.write_text(SWEEP)
    assert main(["rank", str(file), "--store", str(tmp_path / "store")]) == 2
    told = capsys.readouterr().err
    assert told.startswith("error: 8 source models of ranked are not trained; `") and "--train" in told
    assert main(["plan", str(file), "--store", str(tmp_path / "store"), "--prefer", "ranked"]) == 2
    assert "has no ranking of this version of ranked" in capsys.readouterr().err


def test_a_sweep_without_a_start_has_nothing_to_rank(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "scratch.yaml"
    model = "{family: resnet, depth: 8, width: 4}"
    file.write_text(f"name: scratch\nbase: {{source: null, target: {{task: digits, size: 60}}, model: {model}}}")
    assert main(["rank", str(file), "--store", str(tmp_path / "store")]) == 2
    assert "there is nothing to rank" in capsys.readouterr().err


def test_the_ranking_has_every_score_of_every_pair_before_any_run(made: tuple[str, str]) -> None:
    sweep, store = read(made[0]), made[1]
    found = records.ranking(ledger_of(store).store, layout.ranking(sweep.name, sweep.digest))
    assert found is not None
    assert (found.named, found.runs_done, len(found.pairs)) == ("tta_bound", 0, 8)
    plan = make_plan(sweep, ledger_of(store))
    assert {run for pair in found.pairs for run in pair.runs} == {id for id, job in plan.runs.items() if job.needs}
    for pair in found.pairs:
        assert set(NAMES) <= set(pair.values) and {"features", *NAMES} == set(pair.seconds)
        assert len(pair.runs) == 2
    places = {pair.candidate: pair.place for pair in found.pairs}
    assert sorted(places.values()) == [1, 2, 3, 4]
    # The order is that of the mean bound over seeds.
    with (Path(store).parent / "r.csv").open() as file:
        rows = list(csv.DictReader(file))
    bounds = {name: [float(row["tta_bound"]) for row in rows if row["candidate"] == name] for name in places}
    assert sorted(bounds, key=lambda name: sum(bounds[name])) == sorted(places, key=places.__getitem__)
    assert len(rows) == 8 and all(float(row["seconds_features"]) > 0 for row in rows)


def test_runs_of_the_best_source_are_begun_first(made: tuple[str, str], capsys: pytest.CaptureFixture[str]) -> None:
    ledger = ledger_of(made[1])
    plan = make_plan(read(made[0]), ledger)
    (line,) = prefer_ranked(plan, ledger, "frostline rank")
    best = line.partition(": ")[2].split(", ")
    agenda = Agenda(plan, forecast(plan, 1).costs.seconds)
    taken = []
    while (job := agenda.take()) is not None:
        taken.append(job)
    places = [plan.behind[job.id] for job in taken if job.needs is not None]
    assert places == sorted(places) == [0] * 4 + [1] * 4 + [2] * 4 + [3] * 4
    assert [job for job in taken[:5] if job.needs is None]  # runs from random weights stand with the first
    assert main(["plan", made[0], "--store", made[1], "--prefer", "ranked"]) == 0
    assert ", ".join(best) in capsys.readouterr().out
    assert main(["plan", made[0], "--store", made[1], "--prefer", "ranked", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["order"] == [line]


def test_after_the_runs_every_score_meets_what_was_measured(
    made: tuple[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["transferability", made[0], "--store", made[1]]) == 2
    assert "fewer than two ranked sources have a result yet" in capsys.readouterr().err
    run = ["run", made[0], "--store", made[1], "--runner", "local", "--wandb", "disabled", "--prefer", "ranked"]
    assert main(run) == 0
    assert "queue of" in capsys.readouterr().out
    assert main(["transferability", made[0], "--store", made[1], "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["named"], found["runs_done_then"]) == ("tta_bound", 0)
    assert [(group["trained_units"], group["frozen"]) for group in found["groups"]] == [(1, [7]), (8, [0])]
    for group in found["groups"]:
        assert set(group["scores"]) == set(NAMES) and len(group["accuracy"]) == 4
        for name in NAMES:
            score = group["scores"][name]
            assert score["sources"] == 4
            assert 0 <= score["regret"]["value"] <= max(group["accuracy"].values())
            assert -1 <= score["spearman"]["value"] <= 1
    assert found["bound"]["pairs"] == 8 and found["bound"]["head_runs"] == 8
    assert main(["transferability", made[0], "--store", made[1]]) == 0
    told = capsys.readouterr().out
    ranking = records.ranking(ledger_of(made[1]).store, layout.ranking("ranked", read(made[0]).digest))
    assert ranking is not None
    bounds = {run: pair.values["tta_bound"] for pair in ranking.pairs for run in pair.runs}
    runs = fl.load(made[0], made[1]).runs
    found = dict(zip(runs["run_id"].tolist(), runs["tta_bound"].tolist(), strict=True))
    assert {id: value for id, value in found.items() if value == value} == bounds and len(found) == len(bounds) + 1
    assert "top-1 regret, digits[5-9]-60 resnet8-w4, frozen 7 (head alone trains): TTA" in told and "kNN" in told


def test_contexts_tell_targets_and_networks_apart() -> None:
    assert context(small(), across_models=False) == "digits-60 noise 0.3 resnet8-w4"
    assert context(small(), across_models=True) == "digits-60 noise 0.3"
    other = small().target.model_copy(update={"noise_kind": "permute"})
    assert context(small().model_copy(update={"target": other}), True) == "digits-60 noise 0.3 permute"
