"""Another training method is one row of the table: a closed-form head goes through plan, trial, store and tables."""

from __future__ import annotations

import math
import time
from pathlib import Path

import pytest
import torch
from torch import Tensor

from analysis.tables.collect import collect
from analysis.tables.load import read_sweep
from architectures import ladder_length
from orchestrator.cli import main
from orchestrator.schedule.cost import CostModel, work_of
from orchestrator.store.ledger import Ledger
from orchestrator.train.evaluation import evaluate
from orchestrator.train.losses import loss_of
from orchestrator.train.methods import METHODS, method_of
from orchestrator.train.methods.method import Setting, Trained, Work
from orchestrator.train.methods.reports import EpochReports
from orchestrator.train.trial import run_trial
from sweeps.records import EpochRecord
from sweeps.seeds import Role
from sweeps.spec import LabelledSet, ModelSpec, Recipe, RunSpec, SourceSpec, TransferSpec
from sweeps.sweep import parse
from tests.orchestrator.small_runs import MODELS, curve, folder_of, opened, run_of, small, source_of

RIDGE = 1e-3


class RidgeHead:
    """The head by ridge regression on one-hot targets, all before it frozen. One solve, one row, no checkpoint."""

    def check(self, run: RunSpec, role: Role) -> None:
        last = ladder_length(run.model) - 1
        if role == "source":
            raise ValueError("source.method = 'ridge_head': allowed: gradient (it trains a head alone)")
        if run.transfer.frozen != last:
            raise ValueError(f"transfer.frozen = {run.transfer.frozen}: train.method ridge_head allows {last}")

    def work(self, model: ModelSpec, part: LabelledSet, recipe: Recipe, transfer: TransferSpec) -> Work:
        once = method_of(Recipe()).work(model, part, Recipe(epochs=1), transfer)
        return once._replace(epochs=1.0, steps=1.0)

    def train(self, setting: Setting, reports: EpochReports) -> Trained:
        began = time.perf_counter()
        z, y = features(setting)
        weights = torch.linalg.solve(z.T @ z + RIDGE * torch.eye(z.shape[1]), z.T @ y)
        with torch.no_grad():
            setting.network.head.weight.copy_(weights[:-1].T)
            setting.network.head.bias.copy_(weights[-1])
        scores = evaluate(setting.network, setting.data, setting.inputs, loss_of(setting.recipe))
        row = EpochRecord(1, 1, **scores, learning_rate=math.nan, seconds=time.perf_counter() - began)
        reports.trained(row)
        return Trained([row], notes=("one solve",))


def features(setting: Setting) -> tuple[Tensor, Tensor]:
    """What the head reads of the training set, with a column of ones (N, p + 1), and one-hot targets, in float64."""
    seen: list[Tensor] = []
    handle = setting.network.head.register_forward_pre_hook(lambda _, given: seen.append(given[0]))
    setting.network.eval()
    with torch.no_grad():
        setting.inputs.train_logits(setting.network, torch.arange(len(setting.data.labels)))
    handle.remove()
    z = torch.cat([seen[0], torch.ones(len(seen[0]), 1)], 1).double()
    return z, torch.nn.functional.one_hot(setting.data.labels, setting.data.classes).double()


@pytest.fixture
def ridge_head(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(METHODS, "ridge_head", RidgeHead())


SWEEP = """
name: heads
edition: 1
base:
  source: {{task: "glyphs[A-D]", size: 40, epochs: 1, batch_size: 16{source}}}
  target: {{task: digits, size: 60, label_noise: 0.3}}
  model: {{family: resnet, depth: 8, width: 4}}
  transfer: {{frozen: {frozen}}}
  train: {{epochs: 3, batch_size: 16, loss: squared, method: {method}}}
"""
TEXT = SWEEP.format(source="", frozen=7, method="ridge_head")


def heads(family: str = "resnet", size: int = 60, **train: object) -> RunSpec:
    last = ladder_length(ModelSpec.model_validate(MODELS[family])) - 1
    recipe = {"loss": "squared", "method": "ridge_head", **train}
    return small(model=MODELS[family], target={"size": size}, transfer={"frozen": last}, train=recipe)


@pytest.mark.usefixtures("ridge_head")
@pytest.mark.parametrize("family", MODELS)
def test_a_closed_form_head_is_computed_and_committed(tmp_path: Path, family: str) -> None:
    ledger, options = opened(tmp_path)
    job, by_gradient = run_of(heads(family, 64)), run_of(heads(family, 64, method=None, epochs=60))
    for each in (source_of(job.spec), job, by_gradient):
        assert run_trial(each, options) == "done"
    record = ledger.result(job)
    assert record is not None and record.notes[1:] == ("one solve",) and "computed once" in record.notes[0]
    assert not list(folder_of(ledger, job).glob("checkpoint-*"))
    rows = curve(ledger, job)
    assert (rows["epoch"], rows["learning_rate"]) == ([1], [None])
    # The least squared loss on these features: gradient descent comes nearer with each epoch and stays above.
    descent = curve(ledger, by_gradient)["train_loss"]
    assert rows["train_loss"][0] < descent[-1] < descent[0]


@pytest.mark.usefixtures("ridge_head")
def test_it_is_planned_run_verified_and_tabled_like_any_other(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path, store = tmp_path / "heads.yaml", tmp_path / "store"
    path.write_text(TEXT)
    arguments = [str(path), "--store", str(store)]
    assert main(["run", *arguments, "--runner", "local", "--wandb", "disabled"]) == 0
    assert main(["verify", str(store)]) == 0
    capsys.readouterr()
    assert main(["run", *arguments, "--runner", "local"]) == 0
    assert "nothing to do" in capsys.readouterr().out
    runs = collect(read_sweep(parse(TEXT), store)).runs
    assert list(runs["train.method"]) == ["ridge_head"] and list(runs["epochs"]) == [1]
    assert Ledger(store).status(run_of(heads())) == "done"


@pytest.mark.usefixtures("ridge_head")
@pytest.mark.parametrize(
    ("changes", "line"),
    [
        ({"frozen": 6}, "transfer.frozen = 6: train.method ridge_head allows 7"),
        ({"source": ", method: ridge_head"}, "source.method = 'ridge_head': allowed: gradient"),
        (
            {"method": "rigde_head"},
            "train.method = 'rigde_head': allowed: gradient, lva_exact, lva_ridge, lva_perturb, unadapted, ",
        ),
    ],
)
def test_what_it_cannot_train_is_refused_before_anything_is_launched(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], changes: dict[str, object], line: str
) -> None:
    path = tmp_path / "heads.yaml"
    path.write_text(SWEEP.format(**{"source": "", "frozen": 7, "method": "ridge_head", **changes}))
    assert main(["run", str(path), "--store", str(tmp_path / "store"), "--runner", "local"]) == 2
    refused = capsys.readouterr().err
    assert line in refused and len(refused.strip().splitlines()) == 1
    assert not (tmp_path / "store" / "runs").exists()


@pytest.mark.usefixtures("ridge_head")
def test_the_cost_model_asks_the_method_for_its_work() -> None:
    solve, descent = run_of(heads()), run_of(heads(method=None, epochs=30))
    assert work_of(solve).steps == 1 and work_of(descent).steps == 30 * 4
    assert 0 < CostModel().seconds(solve) < CostModel().seconds(descent)


def test_without_the_row_the_name_is_unknown() -> None:
    assert list(METHODS) == ["gradient", "lva_exact", "lva_ridge", "lva_perturb", "unadapted"]
    with pytest.raises(ValueError, match="method = 'ridge_head': allowed: gradient"):
        method_of(SourceSpec(task="digits", size=10, method="ridge_head"))
