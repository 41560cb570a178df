"""The losses of a recipe: their values, what is recorded of them, and their place in the identity."""

from __future__ import annotations

from pathlib import Path
from typing import get_args

import pytest
import torch
from safetensors.torch import load_file
from torch.nn.functional import mse_loss, one_hot

from architectures import build
from orchestrator.cli import main
from orchestrator.train.losses import LOSSES, loss_of, squared
from orchestrator.train.trial import run_trial
from sweeps.identity import run_id, source_id
from sweeps.spec import Loss, TrainSpec
from tasks import source_data
from tests.orchestrator.small_runs import MODELS, curve, opened, path_of, run_of, small, source_of


def test_every_loss_that_a_recipe_may_name_is_in_the_table() -> None:
    assert set(LOSSES) == set(get_args(Loss))
    assert loss_of(TrainSpec()) is LOSSES["cross_entropy"]
    assert loss_of(TrainSpec(loss="squared")) is squared


def test_the_squared_loss_and_its_gradient_are_those_of_mse_on_one_hot_targets() -> None:
    logits = torch.randn(11, 7, generator=torch.Generator().manual_seed(0), requires_grad=True)
    labels = torch.arange(11) % 7
    reference = mse_loss(logits, one_hot(labels, 7).float())
    torch.testing.assert_close(squared(logits, labels), reference)
    torch.testing.assert_close(squared(logits, labels, reduction="sum"), 11 * reference)
    (ours,), (theirs,) = (torch.autograd.grad(loss, logits) for loss in (squared(logits, labels), reference))
    torch.testing.assert_close(ours, theirs)


def test_the_default_written_out_is_the_same_run_and_another_loss_another() -> None:
    plain = small()
    written = small(source={"loss": "cross_entropy", "method": "gradient"}, train={"loss": "cross_entropy"})
    assert run_id(written) == run_id(plain) and source_id(written) == source_id(plain)
    assert run_id(small(train={"loss": "squared"})) != run_id(plain)
    assert source_id(small(source={"loss": "squared"})) != source_id(plain)


@pytest.mark.parametrize("family", MODELS)
def test_losses_on_record_are_those_of_the_recipe(tmp_path: Path, family: str) -> None:
    """Computed again from the committed weights of a source that was trained under the squared loss."""
    ledger, options = opened(tmp_path)
    spec = small(model=MODELS[family], source={"loss": "squared", "epochs": 2})
    job = source_of(spec)
    assert run_trial(job, options) == "done"
    record = ledger.result(job)
    assert record is not None and record.weights_sha256 is not None and record.spec["source"]["loss"] == "squared"
    data = source_data(spec)
    network = build(spec.model, data.classes, 0)
    network.load_state_dict(load_file(path_of(ledger, ledger.place(job).weights(record.weights_sha256))))
    network.eval()
    rows = curve(ledger, job)
    with torch.no_grad():
        for name, images, labels in (
            ("test_loss", data.test_inputs, data.test_labels),
            ("train_loss", data.inputs, data.labels),
        ):
            expected = mse_loss(network(images), one_hot(labels, data.classes).float()).item()
            assert rows[name][-1] == pytest.approx(expected, rel=1e-5)
    assert rows["train_loss"][1] < rows["train_loss"][0] < 1.0  # it falls


def test_a_sweep_over_losses_runs_from_the_command_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    sweep, store = tmp_path / "losses.yaml", str(tmp_path / "store")
    sweep.write_text(
        "name: losses\n"
        "edition: 1\n"
        "base:\n"
        "  source: null\n"
        "  target: {task: digits, size: 60}\n"
        "  model: {family: resnet, depth: 8, width: 4}\n"
        "  train: {epochs: 2}\n"
        "axes: {train.loss: [cross_entropy, squared]}\n"
    )
    arguments = ["run", str(sweep), "--store", store, "--runner", "local", "--wandb", "disabled"]
    assert main(arguments) == 0
    ledger, _ = opened(tmp_path)
    losses = {}
    for loss in ("cross_entropy", "squared"):
        changes = {
            "source": None,
            "target": {"label_noise": 0.0},
            "train": {"epochs": 2, "batch_size": 64, "loss": loss},
        }
        losses[loss] = curve(ledger, run_of(small(**changes)))["train_loss"]
    assert losses["squared"][0] < losses["cross_entropy"][0]
    capsys.readouterr()
    assert main(arguments) == 0 and "nothing to do" in capsys.readouterr().out
