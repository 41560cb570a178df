"""What `plan` warns of: results under an older edition, small last batches through batch norm, batch norms that are
fixed before they see data, idle fields."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from orchestrator.cli import main
from orchestrator.schedule.idle_fields import idle_fields, momentum_without_sgd, trained_twice
from orchestrator.schedule.plan import Plan, make_plan
from orchestrator.schedule.plan_warnings import (
    Older,
    older_editions,
    small_last_batches,
    untrained_norms,
    warnings_of,
)
from orchestrator.store.ledger import Ledger
from orchestrator.train.start import network_of
from orchestrator.train.trial import run_trial
from sweeps.editions import EDITIONS
from sweeps.sweep import SweepSpec, overlay
from tests.orchestrator.small_runs import MODELS, curve, opened, run_of, small, source_of

LETTERS = {"task": "glyphs[A-D]", "size": 64, "epochs": 1, "batch_size": 16}


def sweep(**changes: Any) -> SweepSpec:
    base = {
        "source": LETTERS,
        "target": {"task": "digits", "size": 64},
        "model": MODELS["resnet"],
        "train": {"epochs": 1, "batch_size": 64},
    }
    return SweepSpec.model_validate({"name": "warned", "base": base, "edition": 1, **changes})


def planned(tmp_path: Path, **changes: Any) -> Plan:
    return make_plan(sweep(**changes), Ledger(tmp_path / "none"))


def warned(tmp_path: Path, **changes: Any) -> list[str]:
    return small_last_batches(planned(tmp_path, **changes))


# Small last batches.


def test_sizes_that_leave_few_samples_are_named_in_one_line(tmp_path: Path) -> None:
    axes = {"source": [None], "target.size": [560, 572, 584, 596, 608], "seed": "0..11"}
    (line,) = warned(tmp_path, axes=axes)
    assert line.startswith("12 of 60 runs end each epoch with a small batch through batch norm (target.size 584 = ")
    assert "(target.size 584 = 9 x 64 + 8)" in line and "`train.batches: even`" in line
    assert warned(tmp_path, axes=axes, edition=2) == []
    assert warned(tmp_path, axes={**axes, "train.batches": ["even"]}) == []
    assert len(warned(tmp_path, axes={**axes, "train.batches": [None]}, edition=2)) == 1


def test_many_sizes_stay_one_line(tmp_path: Path) -> None:
    (line,) = warned(tmp_path, axes={"source": [None], "target.size": "66..79"})
    assert line.startswith("14 of 14 runs") and "66 = 1 x 64 + 2, 67 = 1 x 64 + 3, 68 = 1 x 64 + 4 and 11 more" in line
    assert "\n" not in line and len(line) < 300


def test_source_models_have_a_line_of_their_own(tmp_path: Path) -> None:
    runs, sources = warned(tmp_path, axes={"source.size": [32, 35], "target.size": [70], "seed": [0, 1]})
    assert runs.startswith("4 of 4 runs ") and "`train.batches: even`" in runs
    assert sources.startswith("2 of 4 source models ") and "(source.size 35 = 2 x 16 + 3)" in sources
    assert "`source.batches: even`" in sources


@pytest.mark.parametrize(
    ("size", "batch_size", "small"),
    [
        (72, 64, True),
        (79, 64, True),  # 15: under a quarter
        (80, 64, False),  # 16
        (65, 64, False),  # one sample joins the batch before it
        (64, 64, False),
        (20, 64, False),  # the only batch
        (66, 64, True),
        (62, 20, True),  # 2
        (63, 20, True),  # 3
        (65, 20, False),  # 5: a quarter
        (10, 8, True),  # 2, as small as a variance can be
        (7, 5, True),  # 2; evenly 4 and 3
        (8, 3, False),  # 3, 3, 2 is as even as can be
        (63, 2, False),
    ],
)
def test_what_is_small(tmp_path: Path, size: int, batch_size: int, small: bool) -> None:
    axes = {"source": [None], "target.size": [size], "train.batch_size": [batch_size]}
    assert bool(warned(tmp_path, axes=axes)) == small


@pytest.mark.parametrize(
    ("changes", "count"),
    [
        ({"model": MODELS["densenet"]}, 1),
        ({"model": MODELS["vit"]}, 0),
        ({"transfer": {"frozen": 6}}, 1),
        ({"transfer": {"frozen": 7}}, 0),  # only the head trains
        ({"transfer": {"frozen": 7, "norm": "stats"}}, 1),
        ({"transfer": {"frozen": 7, "norm": "train"}}, 1),
        ({"train": {"epochs": 0}}, 0),
    ],
)
def test_only_batch_norms_that_see_batches_count(tmp_path: Path, changes: dict[str, Any], count: int) -> None:
    block = {"base": {"target": {"size": 70}, **changes}}
    assert len(warned(tmp_path, blocks=[block])) == count


# Batch norms that are fixed before they see data.


def test_frozen_norms_that_nothing_has_trained_are_counted_in_one_line(tmp_path: Path) -> None:
    axes = {"source": [None, LETTERS], "transfer.norm": ["eval", "stats", "train"], "transfer.frozen": [0, 3, 7]}
    plan = planned(tmp_path, axes=axes)
    (line,) = untrained_norms(plan)
    assert line.startswith("2 of 18 runs freeze batch norms that nothing has trained ")
    assert "mean 0 and variance 1" in line and "`transfer.norm: stats`" in line and "\n" not in line and len(line) < 300
    assert line in warnings_of(plan, Ledger(tmp_path / "none")).lines()
    assert untrained_norms(planned(tmp_path, axes=axes, where="transfer.norm == 'stats'")) == []


@pytest.mark.parametrize(
    ("changes", "count"),
    [
        ({"model": MODELS["densenet"]}, 1),
        ({"model": MODELS["timm"], "transfer": {"frozen": 1}}, 1),
        ({"model": MODELS["vit"], "transfer": {"frozen": 2}}, 0),
        ({"transfer": {"rate_factors": [1, 0]}}, 1),  # a unit of factor 0 is frozen
        ({"transfer": {"rate_factors": [1, 0.5]}}, 0),
        ({"source": {**LETTERS, "epochs": 0}}, 1),  # its weights are as drawn
        ({"source": {**LETTERS, "epochs": 0, "steps": 4}}, 0),
        ({"model": {**MODELS["resnet"], "weights": f"sha256:{0:064}"}}, 0),
        ({"transfer": {"frozen": 7}, "train": {"method": "lva_ridge"}}, 0),  # allows no other norm
        ({"transfer": {"frozen": 7}, "train": {"head_start": "lva_ridge"}}, 0),
    ],
)
def test_only_frozen_batch_norms_as_they_were_made_count(tmp_path: Path, changes: dict[str, Any], count: int) -> None:
    block = {"base": overlay({"source": None, "transfer": {"frozen": 3}}, changes)}
    if "rate_factors" in block["base"]["transfer"]:
        del block["base"]["transfer"]["frozen"]
    assert len(untrained_norms(planned(tmp_path, blocks=[block]))) == count


@pytest.mark.parametrize("norm", ["eval", "stats"])
def test_a_fixed_norm_that_nothing_has_trained_leaves_what_it_reads(norm: str) -> None:
    """Up to its epsilon; with `stats` the same layers normalise."""
    spec = small(source=None, transfer={"frozen": 7, "norm": norm})
    network = network_of(spec, "target", 10)
    network.train()
    layers = [layer for unit in network.frozen_units() for layer in unit.norms(network.net)]
    assert len(layers) >= 7
    for layer in layers:
        assert isinstance(layer, nn.BatchNorm2d)
        x = 3 + 2 * torch.randn(16, layer.num_features, 4, 4, generator=torch.Generator().manual_seed(0))
        told = torch.allclose(layer(x), x, rtol=1e-4)
        assert told == (norm == "eval")


# Fields without effect.


def test_runs_that_differ_in_fields_without_effect_are_counted(tmp_path: Path) -> None:
    axes = {"transfer.norm": ["eval", "stats", "train"], "transfer.frozen": [0, 3], "seed": "0..1"}
    (line,) = trained_twice(planned(tmp_path, axes=axes))
    assert line.startswith("4 of 12 runs train what another run trains: they differ in fields without effect alone (")
    assert "(transfer.norm with transfer.frozen 0); the first is resnet8-w4_" in line and "normstats;" in line
    where = "transfer.frozen > 0 or transfer.norm == 'eval'"
    assert trained_twice(planned(tmp_path, axes=axes, where=where)) == []
    one_norm = {"transfer.norm": ["stats"], "transfer.frozen": [0, 3]}
    assert trained_twice(planned(tmp_path, axes=one_norm)) == []  # an axis that passes through such a point
    kinds = {"target.noise_kind": ["permute", "any"], "target.label_noise": [0, 0.1]}
    (line,) = trained_twice(planned(tmp_path, axes=kinds))
    assert line.startswith("1 of 4 runs ") and "(target.noise_kind with target.label_noise 0)" in line


MEAN_FIELD = {"family": "mean_field_mlp", "depth": 2, "width": 8}


@pytest.mark.parametrize(
    ("plain", "idle"),
    [
        (
            {"target": {"label_noise": 0}},
            {"transfer": {"norm": "train"}, "target": {"noise_kind": "permute"}, "source": {"noise_kind": "any"}},
        ),
        ({"model": {**MEAN_FIELD, "richness": 0.5}}, {"transfer": {"richness": 0.5}}),
    ],
)
def test_what_is_called_without_effect_has_none(tmp_path: Path, plain: dict[str, Any], idle: dict[str, Any]) -> None:
    specs = [small(train={"epochs": 2}, **plain), small(train={"epochs": 2}, **overlay(plain, idle))]
    assert [set(idle_fields(spec)) for spec in specs] == [set(), {f"{s}.{f}" for s in idle for f in idle[s]}]
    ledger, options = opened(tmp_path)
    for spec in specs:
        assert run_trial(source_of(spec), options) == "done" and run_trial(run_of(spec), options) == "done"
    assert run_of(specs[0]).id != run_of(specs[1]).id
    assert curve(ledger, run_of(specs[0])) == curve(ledger, run_of(specs[1]))


def test_a_momentum_that_the_optimizer_does_not_use_is_named(tmp_path: Path) -> None:
    axes = {"train.optimizer": ["adam", "sgd", "adamw"], "train.momentum": [0, 0.9]}
    (line,) = momentum_without_sgd(planned(tmp_path, axes=axes))
    assert line == (
        "2 of 6 runs have a train.momentum without effect (0.9 with adam, 0.9 with adamw): "
        "it is of sgd alone, but part of every run id"
    )
    (line,) = momentum_without_sgd(planned(tmp_path, axes={"source.momentum": [0.5, 0], "seed": [0, 1]}))
    assert line.startswith("2 of 4 source models have a source.momentum without effect (0.5 with adam)")


# Results under an older edition.


@pytest.fixture(scope="module")
def half_done(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store with two of four runs under the first edition."""
    ledger, options = opened(tmp_path_factory.mktemp("editions"))
    plan = make_plan(sweep(axes={"seed": "0..1"}), ledger)
    for job in (*plan.sources.values(), *plan.runs.values()):
        assert run_trial(job, options) == "done"
    return ledger.root


FOUR = {"axes": {"seed": "0..3"}}


def test_results_under_an_older_edition_are_named(half_done: Path) -> None:
    ledger = Ledger(half_done)
    (older,) = older_editions(make_plan(sweep(**FOUR, edition=2), ledger), ledger)
    assert older == Older(edition=1, done=2, runs=4)
    assert older.line() == "2 of these 4 runs stand under edition 1: add `edition: 1` to use them"


def test_the_named_edition_uses_them(half_done: Path) -> None:
    ledger = Ledger(half_done)
    plan = make_plan(sweep(**FOUR, edition=1), ledger)
    assert plan.counts(plan.runs) == {"done": 2, "missing": 2}
    assert older_editions(plan, ledger) == []


@pytest.mark.parametrize(
    "changes",
    [
        {"axes": {"seed": "5..6"}},  # other cells
        {"axes": {"seed": "0..1", "train.batches": ["even"], "source.batches": ["even"]}},  # asked for in so many words
        {"axes": {"seed": "0..1"}, "where": "train.batches == 'even'"},  # there is no run then
    ],
)
def test_other_results_are_not_named(half_done: Path, changes: dict[str, Any]) -> None:
    ledger = Ledger(half_done)
    assert older_editions(make_plan(sweep(**changes, edition=2), ledger), ledger) == []


def test_a_sweep_that_is_done_or_a_store_without_other_runs_is_not_expanded_again(
    tmp_path: Path, half_done: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("orchestrator.schedule.plan_warnings.expand", lambda *_: pytest.fail("expanded again"))
    before = {f"{part}.{field}": [None] for part, fields in EDITIONS[2].items() for field in fields}
    done = make_plan(sweep(axes={"seed": "0..1", **before}, edition=2), Ledger(half_done))
    assert not done.open_runs and older_editions(done, Ledger(half_done)) == []
    fresh = Ledger(tmp_path / "none")
    assert older_editions(make_plan(sweep(edition=2), fresh), fresh) == []


def test_the_command_says_it_as_text_and_json(half_done: Path, tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    file = tmp_path / "warned.yaml"
    content = sweep(**FOUR, edition=2).model_dump(mode="json")
    content["base"]["train"]["batches"] = None
    content["axes"]["target.size"] = [64, 70]
    file.write_text(json.dumps(content))
    assert main(["plan", str(file), "--store", str(half_done), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["edition"] == 2 and told["older_editions"] == [{"edition": 1, "done": 2, "runs": 8}]
    ledger = Ledger(half_done)
    assert told["warnings"] == warnings_of(make_plan(SweepSpec.model_validate(content), ledger), ledger).lines()
    assert len(told["warnings"]) == 2
    assert main(["plan", str(file), "--store", str(half_done)]) == 0
    text = capsys.readouterr().out
    assert all(f"  warning: {line}\n" in text for line in told["warnings"])
    assert main(["status", str(file), "--store", str(half_done), "--json"]) == 0
    assert "warnings" not in json.loads(capsys.readouterr().out)
