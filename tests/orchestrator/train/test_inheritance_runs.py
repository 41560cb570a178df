"""Partial inheritance through the real trial: both ends to the bit, the prefix cache, a stop, and what is held."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from orchestrator.schedule.vocabulary import KnownWords
from orchestrator.train.start import network_of, weights_of
from orchestrator.train.trial import run_trial
from orchestrator.train.worker_state import LruCache, WorkerState, keys_of
from sweeps.errors import SpecError
from sweeps.expand import expand
from sweeps.identity import run_id
from sweeps.records import RunRecord
from sweeps.spec import InheritSpec, RunSpec, TransferSpec
from sweeps.sweep import SweepSpec
from tasks import TaskData, source_data, target_data
from tests.orchestrator.small_runs import MODELS, WHOLE_BATCHES, curve, opened, run_of, small, source_of

FAMILIES = ("resnet", "preact_resnet", "densenet", "vit", "vgg")
TWO_LAYERS = {"family": "two_layer_relu_cnn", "depth": 2, "width": 5, "image_size": 8}
SIGNALS = {"name": "signal_noise", "dimension": 32}


def partly(family: str = "resnet", frozen: int = 0, norm: str = "eval", **inherit: Any) -> RunSpec:
    transfer = {"frozen": frozen, "norm": norm, "inherit": inherit or None}
    return small(model=MODELS[family], target=WHOLE_BATCHES, transfer=transfer, train={"epochs": 2})


def two_layers(**changes: Any) -> RunSpec:
    source = {"task": {**SIGNALS, "direction": 1}, "size": 40, "epochs": 3}
    spec = {
        "source": source,
        "target": {"task": {**SIGNALS, "direction": 2}, "size": 20, "label_noise": 0.0},
        "model": TWO_LAYERS,
        "train": {"epochs": 3, "measures": ["alignment", "noise_memory"]},
        **changes,
    }
    return small(**spec)


def end(folder: Path, spec: RunSpec, cached: bool = True, stopped: bool = False) -> tuple[dict[str, Any], RunRecord]:
    KnownWords().check(spec)
    ledger, options = opened(folder)
    options = replace(options, use_prefix_cache=cached)
    if spec.source is not None:
        assert run_trial(source_of(spec), options) == "done"
    state = WorkerState(options)
    if stopped:
        state.stop.set()
    while (ending := run_trial(run_of(spec), options, state)) == "stopped":
        pass
    assert ending == "done"
    record = ledger.result(run_of(spec))
    assert record is not None
    return curve(ledger, run_of(spec)), record


@pytest.mark.parametrize("family", FAMILIES)
def test_share_1_is_the_plain_transfer_and_share_0_is_from_scratch(tmp_path: Path, family: str) -> None:
    plain, without = end(tmp_path, partly(family))
    whole, record = end(tmp_path, partly(family, share=1.0))
    assert whole == plain and record.inherited_share == 1.0 and without.inherited_share is None
    scratch, _ = end(tmp_path, partly(family).from_scratch())
    nothing, record = end(tmp_path, partly(family, share=0.0))
    assert nothing == scratch != plain and record.inherited_share == 0.0
    half, record = end(tmp_path, partly(family, share=0.5))
    assert half not in (plain, scratch) and 0.4 < (record.inherited_share or 0) < 0.6


@pytest.mark.parametrize("family", FAMILIES)
def test_the_prefix_cache_is_exact(tmp_path: Path, family: str) -> None:
    spec = partly(family, frozen=2, share=0.5)
    cached, record = end(tmp_path / "cached", spec)
    assert "computed once" in record.notes[0]
    assert end(tmp_path / "every", spec, cached=False)[0] == cached


def test_masks_and_seeds_are_in_the_key_of_a_prefix(tmp_path: Path) -> None:
    parts: list[dict[str, Any]] = [{}, {"share": 0.5}, {"share": 0.25}, {"share": 0.5, "mask_seed": 1}]
    specs = [partly(frozen=2, **inherit) for inherit in parts]
    assert len({keys_of(spec, "target").prefix for spec in specs}) == len(specs)
    # One worker, which keeps activations from run to run, and workers that have none.
    ledger, options = opened(tmp_path / "one")
    state = WorkerState(options)
    assert run_trial(source_of(specs[0]), options, state) == "done"
    for number, spec in enumerate(specs):
        assert run_trial(run_of(spec), options, state) == "done"
        assert curve(ledger, run_of(spec)) == end(tmp_path / str(number), spec)[0]


@pytest.mark.parametrize(
    ("family", "inherit"),
    [
        ("resnet", {"share": 0.5, "freeze": True}),
        ("densenet", {"share": 0.5, "freeze": True}),
        ("vit", {"share": 0.5, "freeze": True}),
        ("resnet", {"share": 0.5, "granularity": "unit", "freeze": True}),
    ],
)
def test_what_is_held_keeps_every_bit_and_a_stop_changes_none(tmp_path: Path, family: str, inherit: Any) -> None:
    spec = partly(family, norm="stats", **inherit)
    spec = spec.model_copy(update={"train": spec.train.model_copy(update={"optimizer": "adamw", "weight_decay": 0.5})})
    whole, record = end(tmp_path / "whole", spec)
    assert end(tmp_path / "stopped", spec, stopped=True)[0] == whole
    free = partly(family, norm="stats", **{**inherit, "freeze": None})
    assert record.trainable_params < end(tmp_path / "free", free)[1].trainable_params


def test_held_entries_stay_and_others_move(tmp_path: Path) -> None:
    from orchestrator.train.device import prepare
    from orchestrator.train.methods.reports import EpochReports
    from orchestrator.train.methods.table import method_of
    from orchestrator.train.start import setting_of

    spec = partly(norm="stats", share=0.5, freeze=True)
    ledger, options = opened(tmp_path)
    state = WorkerState(options)
    assert run_trial(source_of(spec), options, state) == "done"
    source = weights_of(source_of(spec).id, ledger, LruCache(2**30)).tensors
    job = run_of(spec)
    device = prepare("cpu", 1, "float32", 0.0)
    setting, _ = setting_of(job, job.stage(), device, ledger, state)
    start = {key: tensor.clone() for key, tensor in setting.network.state_dict().items()}
    lease = ledger.claim(job, "")
    try:
        method_of(spec.train).train(setting, EpochReports(lease, None, state.stop))
    finally:
        lease.release()
    mask = setting.network.inherited
    assert mask is not None
    moved = 0
    for key, parameter in setting.network.net.named_parameters():
        entries = mask.tensors.get(key)
        kept = torch.zeros(parameter.shape, dtype=torch.bool)
        if entries is not None:
            kept.index_fill_(entries.axis, entries.index, True)
            assert torch.equal(parameter.detach()[kept], source[key][kept]), key
        moved += int((parameter.detach() != start[key])[~kept].sum())
    assert moved > 0.5 * sum(p.numel() for p in setting.network.parameters()) * 0.4


def test_measures_split_filters_by_origin(tmp_path: Path) -> None:
    _, record = end(tmp_path, two_layers(transfer={"inherit": {"share": 0.4}}))
    assert record.measures is not None and record.inherited_share == 0.4
    names = {
        f"alignment.{signal}.{origin}"
        for signal in ("universal", "specific_1", "specific_2")
        for origin in ("inherited", "fresh")
    }
    assert set(record.measures) == names | {"noise_memory.inherited", "noise_memory.fresh"}
    assert all(len(values) == 3 and None not in values for values in record.measures.values())
    _, plain = end(tmp_path, two_layers())
    assert plain.measures is not None
    assert plain.measures["alignment.universal.fresh"] == (None, None, None)
    _, scratch = end(tmp_path, two_layers().from_scratch())
    assert scratch.measures is not None
    assert scratch.measures["noise_memory.inherited"] == (None, None, None)


def test_measures_are_what_they_say(tmp_path: Path) -> None:
    """By hand, from the weights of a source model."""
    from orchestrator.train.methods.signal_measures import signal_measures

    spec = two_layers()
    network = network_of(spec, "target", 2)
    data = target_data(spec)
    w = network.net.get_parameter("filters.weight").detach()
    alignment, memory = signal_measures(network, data, ["alignment", "noise_memory"])
    assert alignment()["alignment.universal.fresh"] == pytest.approx((w[5:, 0].sum() - w[:5, 0].sum()).item() / 10)
    assert alignment()["alignment.specific_2.fresh"] == pytest.approx((w[5:, 2].sum() - w[:5, 2].sum()).item() / 10)
    noise = data.inputs.flatten(1)[:, 32:]
    own = [(noise[i] @ w[5 * int(y) : 5 * int(y) + 5].T).relu().sum().item() / 5 for i, y in enumerate(data.labels)]
    assert memory()["noise_memory.fresh"] == pytest.approx(sum(own) / len(own), rel=1e-5)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"source": None, "transfer": {"inherit": {"share": 0.5}}}, "allowed with a source or with model.weights"),
        (
            {"transfer": {"inherit": {}}},
            "transfer.inherit.share: missing; transfer.inherit.mode = 'random_share' needs it",
        ),
        ({"transfer": {"inherit": {"mode": "first_units"}}}, "transfer.inherit.units: missing"),
        (
            {"transfer": {"inherit": {"mode": "none", "share": 0.5}}},
            "transfer.inherit.share = 0.5: allowed with .* random_share",
        ),
        (
            {"transfer": {"inherit": {"mode": "first_units", "units": 2, "freeze": True}}},
            "transfer.inherit.freeze = True",
        ),
        (
            {"transfer": {"inherit": {"share": 0.5, "units": 2}}},
            "transfer.inherit.units = 2: allowed with .*first_units",
        ),
        ({"transfer": {"inherit": {"mode": "first_units", "units": 8}}}, "transfer.inherit.units = 8: allowed 0 to 7"),
        (
            {"transfer": {"inherit": {"share": 0.5}, "l2_sp": 0.1}},
            "transfer.l2_sp = 0.1: allowed where all is inherited",
        ),
        (
            {"transfer": {"inherit": {"share": 0.5, "freeze": True}}},
            "transfer.norm = 'eval': allowed with .*: stats, train",
        ),
        (
            {"transfer": {"inherit": {"share": 0.5, "granularity": "stage"}}, "model": MODELS["vit"]},
            "granularity = 'stage': allowed with the family vit: filter, unit",
        ),
        (
            {"transfer": {"inherit": {"share": 0.5}}, "model": MODELS["timm"]},
            "granularity = 'filter': allowed with the family timm: unit",
        ),
        ({"train": {"measures": ["alignment"]}}, "train.measures = 'alignment': allowed with the task signal_noise"),
        (
            {"model": TWO_LAYERS},
            "source.task = 'glyphs.A-D.': 4 classes; allowed with the family two_layer_relu_cnn: 2",
        ),
        (
            {"model": TWO_LAYERS, "source": None, "target": {"task": "digits[0,1]"}, "transfer": {"frozen": 1}},
            "transfer.frozen = 1: nothing would train; the head of two_layer_relu_cnn is fixed",
        ),
    ],
)
def test_what_cannot_be_is_refused_by_a_plan(changes: dict[str, Any], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        KnownWords().check(small(**changes))


def test_a_plan_adds_the_run_from_scratch_once_and_whatever_the_filter_says() -> None:
    base = partly().model_dump(exclude={"seed"})
    axes = {"transfer.inherit.share": [0.25, 0.5, 0.75], "transfer.frozen": [0, 2], "seed": "0..1"}
    sweep = {"name": "a", "base": base, "axes": axes, "where": "source.size == 40 and transfer.inherit.share > 0.3"}
    runs = expand(SweepSpec.model_validate(sweep), KnownWords())
    shares = [None if spec.transfer.inherit is None else spec.transfer.inherit.share for spec in runs.values()]
    assert (shares.count(0.25), shares.count(0.5), shares.count(0.75), shares.count(None)) == (0, 4, 4, 2)
    scratch = [spec for spec in runs.values() if spec.source is None]
    assert {run_id(spec.from_scratch()) for spec in runs.values()} == {run_id(spec) for spec in scratch}
    assert all(spec.transfer.frozen == 0 for spec in scratch)
    with pytest.raises(SpecError, match="has no runs"):
        expand(SweepSpec.model_validate({**sweep, "where": "transfer.inherit == none"}), KnownWords())


def test_all_inherited_is_the_transfer_without_the_field() -> None:
    assert partly(mode="all") == partly() and run_id(partly(mode="all")) == run_id(partly())
    assert run_id(partly(share=0.5, granularity="filter", freeze=False)) == run_id(partly(share=0.5))


def descended(w: np.ndarray, data: TaskData, steps: int, patch: int) -> tuple[np.ndarray, float, float]:
    """Full-batch gradient descent at the rate 1 on log(1 + exp(-y f)), by hand: weights, train loss, test error."""
    half = len(w) // 2
    signs = np.repeat([-1.0, 1.0], half) / half

    def patches(inputs: torch.Tensor) -> list[np.ndarray]:
        pixels = inputs.flatten(1).double().numpy()
        return [pixels[:, :patch], pixels[:, patch : 2 * patch]]

    def margin(xs: list[np.ndarray], labels: torch.Tensor) -> np.ndarray:
        return (2 * labels.numpy() - 1) * sum(np.maximum(x @ w.T, 0) @ signs for x in xs)

    xs, y = patches(data.inputs), 2 * data.labels.numpy() - 1
    for _ in range(steps):
        pull = (-y / (1 + np.exp(margin(xs, data.labels))) / len(y))[:, None] * signs
        w = w - sum((pull * (x @ w.T > 0)).T @ x for x in xs)
    loss = float(np.log1p(np.exp(-margin(xs, data.labels))).mean())
    return w, loss, float((margin(patches(data.test_inputs), data.test_labels) <= 0).mean())


def test_the_recipe_is_full_batch_gradient_descent_on_the_logistic_loss(tmp_path: Path) -> None:
    """Source, inheritance and target by hand, in float64, against what the trial commits."""
    full = {"optimizer": "sgd", "learning_rate": 1.0, "batch_size": 10**6, "epochs": 60}
    source = {"task": {**SIGNALS, "direction": 1, "universal": 6, "specific": 3}, "size": 40, **full}
    target = {"task": {**SIGNALS, "direction": 2, "universal": 6, "specific": 3}, "size": 20}
    spec = two_layers(source=source, target={**target, "label_noise": 0.0}, train=full)
    spec = spec.model_copy(update={"transfer": TransferSpec(inherit=InheritSpec(share=0.4))})
    rows, record = end(tmp_path, spec)
    first = network_of(spec, "source", 2).net.get_parameter("filters.weight").detach().double().numpy()
    learnt, _, _ = descended(first, source_data(spec), 60, 32)
    network = network_of(spec, "target", 2, {"filters.weight": torch.from_numpy(learnt).float()})
    start = network.net.get_parameter("filters.weight").detach().double().numpy()
    kept = np.isclose(start, learnt, rtol=1e-5, atol=1e-7).all(1)
    assert kept.reshape(2, 5).sum(1).tolist() == [2, 2] and record.inherited_share == 0.4
    _, loss, error = descended(start, target_data(spec), 60, 32)
    assert rows["train_loss"][-1] == pytest.approx(loss, rel=1e-3)
    assert rows["test_error"][-1] == pytest.approx(error, abs=2 / 2000)  # a margin may be within rounding of 0
