"""Features of a source and a target: what the head reads, under the source's own network, of training samples alone."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from architectures import build
from orchestrator.features import extract, features_of, pairs_of
from orchestrator.store.ledger import Ledger
from orchestrator.train import prefix_files
from orchestrator.train.device import prepare
from orchestrator.train.options import TrialOptions
from orchestrator.train.start import setting_of, weights_of
from orchestrator.train.trial import run_trial
from orchestrator.train.worker_state import WorkerState
from sweeps.spec import RunSpec
from sweeps.store.interface import Damaged
from tests.orchestrator.small_runs import MODELS, opened, run_of, small, source_of


def trained(spec: RunSpec, folder: Path) -> WorkerState:
    ledger, options = opened(folder)
    state = WorkerState(options, ledger)
    assert run_trial(source_of(spec), options, state) == "done"
    return state


def test_runs_that_differ_in_depth_and_recipe_share_a_pair() -> None:
    specs = [
        small(),
        small(transfer={"frozen": 3}),
        small(train={"learning_rate": 0.1}),
        small(seed=1),
        small(target={"label_noise": 0.1}),
        small(source=None),
    ]
    jobs = [run_of(spec) for spec in specs]
    pairs = pairs_of(jobs)
    assert [pair.runs for pair in pairs] == [tuple(job.id for job in jobs[:3]), (jobs[3].id,), (jobs[4].id,)]
    assert [pair.source and pair.source.id for pair in pairs] == [job.needs for job in (jobs[0], jobs[3], jobs[4])]


@pytest.mark.parametrize("family", ["resnet", "densenet", "vit"])
def test_the_sources_own_head_on_these_features_gives_these_logits(family: str, tmp_path: Path) -> None:
    spec = small(model=MODELS[family])
    state = trained(spec, tmp_path)
    (pair,) = pairs_of([run_of(spec)])
    found = features_of(pair, state)
    assert found.target.shape[0] == len(found.target_labels) == 60
    assert found.source is not None and found.source_labels is not None and found.target_logits is not None
    assert (len(found.source), found.source_classes, found.target_classes) == (40, 4, 10)
    tensors = weights_of(source_of(spec).id, state.ledger, state.weights).tensors
    network = build(spec.model, 4, seed=0)
    network.load_state_dict(tensors)
    matrix, bias = (part.detach().double().numpy() for part in (network.head.weight, network.head.bias))
    assert found.target @ matrix.T + bias == pytest.approx(found.target_logits, abs=1e-4)


def test_features_are_those_that_a_run_of_the_head_alone_trains_on(tmp_path: Path) -> None:
    spec = small(transfer={"frozen": 7})
    state = trained(spec, tmp_path)
    (pair,) = pairs_of([run_of(spec)])
    found = features_of(pair, state)
    device = prepare("cpu", 1, "float32")
    setting, _ = setting_of(run_of(spec), run_of(spec).stage(), device, state.ledger, state)
    read: list[torch.Tensor] = []
    setting.network.head.register_forward_pre_hook(lambda _, given: read.append(given[0]))
    setting.network.eval()
    setting.inputs.train_logits(setting.network, torch.arange(60))
    assert found.target == pytest.approx(read[0].detach().double().numpy(), abs=1e-5)
    assert np.array_equal(found.target_labels, setting.data.labels.numpy())  # noise included


def test_what_takes_long_is_kept_in_the_store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    spec = small()
    state = trained(spec, tmp_path)
    (pair,) = pairs_of([run_of(spec)])
    monkeypatch.setattr(prefix_files, "worth_keeping", lambda seconds, size: True)
    first = features_of(pair, state)
    monkeypatch.setattr(extract, "_computed", None)  # a second computation would fail
    again = features_of(pair, WorkerState(TrialOptions(state.ledger.root), Ledger(state.ledger.root)))
    for one, other in zip(first[:-1], again[:-1], strict=True):
        assert np.array_equal(np.asarray(one), np.asarray(other))
    assert list(prefix_files.problems(state.ledger.store)) == []


def test_at_most_so_many_samples_of_each_side(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    spec = small()
    state = trained(spec, tmp_path)
    (pair,) = pairs_of([run_of(spec)])
    whole = features_of(pair, state)
    monkeypatch.setattr(extract, "MOST_SAMPLES", 30)
    part = features_of(pair, state)
    assert part.source is not None and whole.source is not None
    assert (len(part.target), len(part.source)) == (30, 30)
    assert part.target == pytest.approx(whole.target[:30], abs=1e-5)


def test_a_source_model_that_is_not_there(tmp_path: Path) -> None:
    ledger, options = opened(tmp_path)
    (pair,) = pairs_of([run_of(small())])
    with pytest.raises(Damaged, match="is not in the store"):
        features_of(pair, WorkerState(options, ledger))
