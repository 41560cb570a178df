"""The catalog: every sweep is planned and says what to expect; one run of each goes the real way."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from architectures import fixes_batch_norm
from frostline.catalog import SCALES, catalog, of_sweeps
from frostline.cli import main
from orchestrator.schedule.plan import make_plan
from orchestrator.schedule.plan_warnings import missing
from orchestrator.schedule.vocabulary import KnownWords
from orchestrator.store.ledger import Ledger
from sweeps.expand import expand
from sweeps.identity import run_id, source_id
from sweeps.spec import RunSpec
from sweeps.sweep import CATALOG, overlay, read
from tests.tasks.files.published_files import BUILDERS, taken_for_published

QUESTIONS = (
    "nakkiran_resnet_cifar10", "yosinski_selffer", "claim1_target_size", "claim2_source_size", "claim3_freezing",
    "claim4_relatedness", "frozen_norm", "frozen_random_weights", "layerwise_lr", "noise_kinds", "from_scratch",
)  # fmt: skip
NAMES = [f"{question}_{scale}" for question in QUESTIONS for scale in SCALES]
WORDS = KnownWords()
PICTURES = {"tiny_imagenet", "food101", "cifar10", "cifar100", "svhn"}
SAMPLES = 40
SIDE = 32


def runs_of(name: str) -> Mapping[str, RunSpec]:
    return expand(read(name), WORDS)


@pytest.fixture
def no_data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("FROSTLINE_DATA", str(tmp_path / "data"))
    return tmp_path


def test_every_question_is_there_at_every_scale() -> None:
    assert {*NAMES, "quickstart"} <= {file.stem for file in CATALOG.glob("*.yaml")}


@pytest.mark.parametrize("name", NAMES)
def test_a_sweep_is_planned_and_warns_of_data_that_are_not_there(name: str, no_data: Path) -> None:
    made = make_plan(read(name), Ledger(no_data / "store"))
    specs = [job.spec for job in made.runs.values()]
    tasks = {part.task.partition("[")[0] for spec in specs for part in (spec.source, spec.target) if part is not None}
    told = missing(made)
    assert {line.split()[0] for line in told} == tasks & PICTURES
    assert all("make them: frostline data" in line for line in told)
    assert bool(told) == (not name.endswith("_digits"))
    if name.endswith("_full") and not name.startswith(("nakkiran", "frozen_norm", "layerwise")):
        assert {spec.model.family for spec in specs} == {"resnet", "densenet", "vit"}


def head_of(name: str) -> str:
    """The comment that a sweep's file begins with."""
    return (CATALOG / f"{name}.yaml").read_text().partition("\nname:")[0].partition("\nextends:")[0]


@pytest.mark.parametrize("name", sorted(file.stem for file in CATALOG.glob("*.yaml")))
def test_the_head_of_every_sweep_says_whence_it_is_and_what_it_costs(name: str) -> None:
    """Each once, and the runs and source models that it tells of are those of the plan."""
    head = head_of(name)
    for word in ("Source:", "Cost:"):
        assert head.count(f"\n# {word} ") == 1, word
    runs = runs_of(name)
    sources = {id for id in map(source_id, runs.values()) if id is not None}
    told = r"# Cost: ([\d,]+) runs?(?:, ([\d,]+) source models?)?; about [\d,]+ (CPU minutes|GPU hours)"
    cost = re.search(told, head)
    assert cost is not None
    assert [int((number or "0").replace(",", "")) for number in cost.groups()[:2]] == [len(runs), len(sources)]


@pytest.mark.parametrize("name", NAMES)
def test_the_head_of_a_sweep_of_the_paper_says_what_to_expect(name: str) -> None:
    assert "\n# Expected: " in head_of(name)


@pytest.mark.parametrize("name", [name for name in NAMES if not name.endswith("_digits")])
def test_larger_scales_extend_the_smaller_ones(name: str) -> None:
    assert "\nextends: " in (CATALOG / f"{name}.yaml").read_text()


@pytest.mark.parametrize("scale", SCALES)
def test_random_weights_are_frozen_with_both_norms_and_old_ids_stay(scale: str) -> None:
    """With `eval` they are the runs of claim3 without a source, as they were before there was `stats`; with `stats`
    there is one beside each run of `frozen_norm` with `stats`, and no other."""

    def without_source(question: str, norm: str) -> set[str]:
        specs = [spec for spec in runs_of(f"{question}_{scale}").values() if spec.transfer.norm == norm]
        return {run_id(spec.model_copy(update={"source": None})) for spec in specs}

    runs = runs_of(f"frozen_random_weights_{scale}")
    ids = {norm: {id for id, spec in runs.items() if spec.transfer.norm == norm} for norm in ("eval", "stats")}
    assert all(spec.source is None for spec in runs.values()) and len(runs) == sum(map(len, ids.values()))
    assert ids["eval"] == without_source("claim3_freezing", "eval")
    assert ids["stats"] == without_source("frozen_norm", "stats")
    kept = [(runs[id].model, runs[id].transfer.model_copy(update={"norm": "eval"})) for id in ids["stats"]]
    assert all(fixes_batch_norm(model, transfer) for model, transfer in kept)


def test_what_two_sweeps_ask_for_is_counted_once() -> None:
    found = of_sweeps(["claim3_freezing_digits", "from_scratch_digits", "layerwise_lr_digits"])
    claim, scratch, rates = (runs_of(each.name) for each in found.entries)
    assert found.entries[0].shared == {"from_scratch_digits": len(claim), "layerwise_lr_digits": 5}
    assert found.entries[1].shared["claim3_freezing_digits"] == len(claim) == len(scratch) - 15
    assert found.runs == len({*claim, *scratch, *rates}) == found.asked - len(claim) - 5
    assert "layerwise_lr_digits" in found.as_text() and f"together {found.runs:,} runs" in found.as_text()


def test_the_full_scale_is_thousands_of_runs(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["catalog", "--scale", "full", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["runs"] >= 5000 and told["asked"] > told["runs"]
    listed = [each["name"] for each in told["entries"]]
    assert {name for name in NAMES if name.endswith("_full")} <= set(listed)
    every = {id: spec for name in listed for id, spec in runs_of(name).items()}
    assert told["runs"] == len(every)
    assert told["sources"] == len({source_id(spec) for spec in every.values()} - {None})
    scaling, paper = ((CATALOG.parents[1] / "docs" / name).read_text() for name in ("scaling.md", "paper.md"))
    assert f"{told['runs']:,} runs, {told['sources']} source models" in scaling
    assert (
        f"{told['asked']:,} runs are asked\nfor, {told['runs']:,} are distinct, with {told['sources']} source" in paper
    )
    assert {spec.source.task.partition("[")[0] for spec in every.values() if spec.source} >= {
        "tiny_imagenet",
        "food101",
    }


def test_a_scale_that_is_none_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["catalog", "--scale", "huge"]) == 2
    assert capsys.readouterr().err.strip() == "error: --scale huge: allowed: digits, cifar, full"
    assert {each.name for each in catalog("cifar").entries} >= {name for name in NAMES if name.endswith("_cifar")}


def cut(spec: RunSpec) -> dict[str, Any]:
    """The same run, two epochs long, on few small images, in a network as deep and no wider than a CPU trains in
    seconds."""
    small = {
        "width": min(spec.model.width, 32 if spec.model.family == "vit" else 8),
        "image_size": min(spec.model.image_size, SIDE),
    }
    short: dict[str, Any] = {"target": {"size": SAMPLES}, "train": {"epochs": 2}, "model": small}
    if spec.source is not None:
        budget = {"epochs": 2} if spec.source.steps is None else {"steps": 2}
        short["source"] = {"size": SAMPLES, **budget}
    return overlay(spec.model_dump(mode="json"), short)


@pytest.mark.parametrize("scale", SCALES)
def test_one_run_of_every_sweep_goes_the_real_way(scale: str, no_data: Path) -> None:
    """Decoded from archives in the published format, planned, trained, committed, read back. Families take turns."""
    chosen: dict[str, dict[str, Any]] = {}
    for turn, name in enumerate(each for each in NAMES if each.endswith(f"_{scale}")):
        specs = list(runs_of(name).values())
        families = list(dict.fromkeys(spec.model.family for spec in specs))
        family = families[turn % len(families)]
        chosen[name] = cut(next(spec for spec in reversed(specs) if spec.model.family == family))
    origin = no_data / "origin"
    origin.mkdir()
    for task in PICTURES if scale != "digits" else ():
        BUILDERS[task](origin)
        taken_for_published(task, origin).prepare(SIDE, origin, workers=1)
    sweep = no_data / "cut.yaml"
    sweep.write_text(json.dumps({"name": "cut", "edition": 1, "blocks": [{"base": each} for each in chosen.values()]}))
    store = no_data / "store"
    assert main(["run", str(sweep), "--store", str(store), "--runner", "local", "--wandb", "disabled"]) == 0
    done = [json.loads(path.read_text()) for path in (store / "runs").rglob("result.json")]
    assert {each["id"] for each in done} == set(expand(read(str(sweep)), WORDS))
    assert all(each["status"] == "done" and each["epochs"] == 2 for each in done)
