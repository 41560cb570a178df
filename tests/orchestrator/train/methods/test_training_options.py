"""Every option of a recipe and of a transfer through the real path: the cache changes no bit, nor does a stop."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from architectures import Network, build
from orchestrator.schedule.vocabulary import KnownWords
from orchestrator.train.device import prepare
from orchestrator.train.methods.optimizers import FACTOR, Pull, make_optimizer
from orchestrator.train.methods.reports import EpochReports
from orchestrator.train.methods.schedules import schedule_factor
from orchestrator.train.methods.table import method_of
from orchestrator.train.options import TrialOptions
from orchestrator.train.start import network_of, setting_of, zero_factors
from orchestrator.train.trial import run_trial
from orchestrator.train.worker_state import WorkerState
from sweeps.identity import run_id
from sweeps.spec import Recipe, RunSpec, TransferSpec
from tasks.steps import Budget, budget, evaluated_epochs
from tests.orchestrator.small_runs import WHOLE_BATCHES, curve, opened, run_of, small, source_of

SGD = {"optimizer": "sgd", "learning_rate": 0.05}
OPTIONS: dict[str, dict[str, Any]] = {
    "nesterov": {"train": {**SGD, "momentum": 0.9, "nesterov": True}},
    "adamw": {"train": {"optimizer": "adamw", "weight_decay": 0.5}},
    "weight decay": {"train": {"weight_decay": 0.5}},
    "cosine": {"train": {"schedule": "cosine"}},
    "inverse_sqrt": {"train": {"schedule": "inverse_sqrt"}},
    "step": {"train": {"schedule": "step", "milestones": [1], "decay": 0.5}},
    "warm-up": {"train": {"warmup": 6}},
    "clipping": {"train": {"clip": 0.01, **SGD}},
    "crop and flip": {"train": {"augment": "crop_flip"}},
    "log grid": {"train": {"evaluate": "log"}},
    "steps": {"train": {"steps": 7, "epochs": 0}},
    "squared loss": {"train": {"loss": "squared"}},
    "even batches": {"train": {"batches": "even"}},
    "factors": {"transfer": {"rate_factors": [0, 0, 0.5, 0, 0.1]}},
    "l2-sp": {"transfer": {"l2_sp": 0.1}, "train": {"weight_decay": 0.1}},
    "l2-sp and clipping": {"transfer": {"l2_sp": 0.1}, "train": {"clip": 0.01}},
}


SAME_IN_EIGHT_STEPS = ("log grid", "steps", "even batches", "inverse_sqrt")


def spec_of(option: str, **changes: Any) -> RunSpec:
    parts = OPTIONS[option]
    transfer = {"frozen": 2, **parts.get("transfer", {}), **changes.get("transfer", {})}
    train = {"epochs": 2, **parts.get("train", {}), **changes.get("train", {})}
    source = {"epochs": 1} if transfer.get("l2_sp") else None
    base = small(source=None) if source is None else small(source=source)
    return base.model_validate(
        {**base.model_dump(), "target": {**base.target.model_dump(), **WHOLE_BATCHES}, "transfer": transfer}
        | {"train": {**base.train.model_dump(), **train}}
    )


def end(folder: Path, spec: RunSpec, cached: bool = True, stopped: bool = False) -> tuple[dict[str, list[Any]], str]:
    """The curve, and what the record says of the prefix."""
    ledger, options = opened(folder)
    options = TrialOptions(options.store, use_prefix_cache=cached)
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
    return curve(ledger, run_of(spec)), record.notes[0]


@pytest.mark.parametrize("option", OPTIONS)
def test_the_prefix_cache_and_a_stop_change_no_bit(tmp_path: Path, option: str) -> None:
    spec = spec_of(option)
    KnownWords().check(spec)
    whole, note = end(tmp_path / "whole", spec)
    assert ("computed once" in note) == (option != "crop and flip"), note
    assert end(tmp_path / "every", spec, cached=False)[0] == whole
    assert end(tmp_path / "stopped", spec, stopped=True)[0] == whole


@pytest.mark.parametrize("option", [name for name in OPTIONS if name not in SAME_IN_EIGHT_STEPS])
def test_every_option_changes_the_curve(tmp_path: Path, option: str) -> None:
    plain = spec_of(option).model_copy(update={"transfer": TransferSpec(frozen=2), "train": spec_of("log grid").train})
    assert end(tmp_path / "plain", plain)[0] != end(tmp_path / "option", spec_of(option))[0]


def test_a_budget_in_steps_ends_within_an_epoch(tmp_path: Path) -> None:
    rows, _ = end(tmp_path, spec_of("steps"))
    assert (rows["epoch"], rows["step"]) == ([1, 2], [4, 7])


def test_one_epoch_in_steps_is_that_epoch(tmp_path: Path) -> None:
    steps, epochs = spec_of("steps", train={"steps": 8}), spec_of("log grid", train={"evaluate": None})
    assert end(tmp_path / "steps", steps)[0] == end(tmp_path / "epochs", epochs)[0]


def test_a_log_grid_leaves_out_evaluations_and_changes_none(tmp_path: Path) -> None:
    every = end(tmp_path / "every", spec_of("log grid", train={"epochs": 15, "evaluate": None}))[0]
    grid = end(tmp_path / "grid", spec_of("log grid", train={"epochs": 15}))[0]
    assert grid["epoch"] == [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 13, 14, 15]
    kept = [epoch - 1 for epoch in grid["epoch"]]
    assert grid == {name: [values[place] for place in kept] for name, values in every.items()}


def test_the_grid_has_20_points_a_decade() -> None:
    grid = list(evaluated_epochs(Recipe(evaluate="log"), 100_000))
    assert grid == sorted(set(grid)) and grid[0] == 1 and grid[-1] == 100_000
    assert sum(1000 < epoch <= 10_000 for epoch in grid) == 20
    assert list(evaluated_epochs(Recipe(evaluate="log"), 0)) == []
    assert list(evaluated_epochs(Recipe(), 3)) == [1, 2, 3]


def test_schedules() -> None:
    def factors(length: Budget, *steps: int, **recipe: Any) -> list[float]:
        return [schedule_factor(Recipe.model_validate(recipe), step, length) for step in steps]

    ten = Budget(5, 10, 2)
    assert factors(ten, 0, 5, 9) == [1.0, 1.0, 1.0]
    assert factors(ten, 0, 5, schedule="cosine") == [1.0, pytest.approx(0.5)]
    assert factors(ten, 511, 3 * 512, schedule="inverse_sqrt") == [1.0, 0.5]
    assert factors(ten, 4, 5, 9, schedule="step", milestones=[1]) == [1.0, 0.1, 0.1]
    assert factors(Budget(1, 9, 9), 1, 2, 3, 4, schedule="step", milestones=[2, 4], decay=0.5) == [1.0, 0.5, 0.5, 0.25]
    assert factors(ten, 0, 1, 3, 4, 9, warmup=4) == [0.25, 0.5, 1.0, 1.0, 1.0]


@pytest.mark.parametrize(("recipe", "scheduler"), [({"schedule": "cosine"}, "cosine"), ({"schedule": "step"}, "step")])
def test_schedules_are_torchs(recipe: dict[str, Any], scheduler: str) -> None:
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], 1.0)
    torchs = (
        torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, 12)
        if scheduler == "cosine"
        else torch.optim.lr_scheduler.MultiStepLR(optimizer, [3, 9], 0.3)
    )
    if scheduler == "step":
        recipe = {**recipe, "milestones": [1, 3], "decay": 0.3}
    for step in range(12):
        ours = schedule_factor(Recipe.model_validate(recipe), step, Budget(3, 12, 4))
        assert ours == pytest.approx(optimizer.param_groups[0]["lr"], abs=1e-12)
        optimizer.step()
        torchs.step()


def trained(folder: Path, spec: RunSpec) -> tuple[Network, Network]:
    """A run's network before and after training."""
    ledger, options = opened(folder)
    job = run_of(spec)
    state, device = WorkerState(options), prepare("cpu", 1, "float32")
    setting, _ = setting_of(job, job.stage(), device, ledger, state)
    reports = EpochReports(ledger.claim(job), None, state.stop)
    assert not method_of(spec.train).train(setting, reports).diverged
    return network_of(spec, "target", setting.data.classes), setting.network


def moved(before: Network, after: Network) -> list[bool]:
    """Of each unit, whether any of its tensors, statistics too, is another."""
    old, new = before.state_dict(), after.state_dict()
    return [any(unit.holds(key) and not torch.equal(old[key], new[key]) for key in old) for unit in before.units]


@pytest.mark.parametrize("norm", ["eval", "train"])
def test_a_unit_of_factor_zero_does_not_move(tmp_path: Path, norm: str) -> None:
    spec = spec_of("factors", transfer={"norm": norm})
    assert spec.transfer.frozen == 2 and zero_factors(spec.transfer) == (3,)
    before, after = trained(tmp_path, spec)
    expected = [False, False, True, False, *[True] * 4] if norm == "eval" else [True] * 8
    assert moved(before, after) == expected
    for place in (0, 3):
        convolution = before.units[place].owns[0]
        key = f"{convolution}.weight"
        assert torch.equal(before.state_dict()[key], after.state_dict()[key])


def test_factors_of_zero_are_frozen_units() -> None:
    frozen, factors = (small(transfer=transfer) for transfer in ({"frozen": 2}, {"rate_factors": [0, 0, 1]}))
    assert frozen == factors and run_id(frozen) == run_id(factors)
    assert TransferSpec(frozen=0, rate_factors=[1, 1.0]) == TransferSpec()  # pyright: ignore[reportArgumentType]


def test_a_step_of_sgd_is_as_long_as_its_factor_says() -> None:
    model = small().model

    def step(transfer: TransferSpec) -> list[Tensor]:
        network = build(model, 10, 0)
        before = [parameter.detach().clone() for parameter in network.parameters()]
        optimizer = make_optimizer(network, Recipe(optimizer="sgd", learning_rate=0.5), transfer)
        for group in optimizer.param_groups:
            group["lr"] *= group[FACTOR]
        for parameter in network.parameters():
            parameter.grad = torch.ones_like(parameter)
        optimizer.step()
        return [old - new for old, new in zip(before, network.parameters(), strict=True)]

    factors = TransferSpec.model_validate({"rate_factors": [0.5, 0.25]})
    units = [unit for unit in build(model, 10, 0).units]
    network = build(model, 10, 0)
    unit_of = {id(p): place for place, unit in enumerate(units) for p in unit.parameters(network.net)}
    for parameter, whole, part in zip(network.parameters(), step(TransferSpec()), step(factors), strict=True):
        factor = {0: 0.5, 1: 0.25}.get(unit_of[id(parameter)], 1.0)
        assert torch.allclose(part, factor * whole, atol=1e-6)


def test_the_pull_is_the_gradient_of_the_penalty_and_leaves_the_head_out() -> None:
    network = build(small().model, 10, 0)
    pull, starts = Pull(network, 0.3), [parameter.detach().clone() for parameter in network.parameters()]
    head = {id(parameter) for parameter in network.head.parameters()}
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.add_(torch.randn(parameter.shape, generator=torch.Generator().manual_seed(1)))
    pulled = [(p, start) for p, start in zip(network.parameters(), starts, strict=True) if id(p) not in head]
    penalty = torch.stack([0.15 * (parameter - start).square().sum() for parameter, start in pulled]).sum()
    expected = torch.autograd.grad(penalty, [parameter for parameter, _ in pulled])
    for parameter in network.parameters():
        parameter.grad = torch.zeros_like(parameter)
    pull.add_to_gradients()
    for (parameter, _), gradient in zip(pulled, expected, strict=True):
        assert parameter.grad is not None and torch.allclose(parameter.grad, gradient, atol=1e-6)
    assert all(p.grad is not None and not p.grad.any() for p in network.head.parameters())


def test_l2_sp_decays_the_head_alone() -> None:
    network = build(small().model, 10, 0)
    recipe, head = Recipe(weight_decay=0.2), {id(parameter) for parameter in network.head.parameters()}
    for group in make_optimizer(network, recipe, TransferSpec(l2_sp=0.1)).param_groups:
        assert {id(parameter) in head for parameter in group["params"]} == {group["weight_decay"] == 0.2}
    (group,) = make_optimizer(network, recipe, TransferSpec()).param_groups
    assert group["weight_decay"] == 0.2 and len(group["params"]) == len(list(network.parameters()))


def test_a_strong_pull_keeps_weights_nearer(tmp_path: Path) -> None:
    def distance(strength: float | None) -> float:
        spec = spec_of("log grid", transfer={"l2_sp": strength, "frozen": 0}).model_copy(update={"source": None})
        before, after = trained(tmp_path / str(strength), spec)
        body = [key for key, _ in before.named_parameters() if not key.startswith("net.fc")]
        old, new = dict(before.named_parameters()), dict(after.named_parameters())
        return math.sqrt(sum(float((old[key] - new[key]).detach().square().sum()) for key in body))

    assert distance(10.0) < 0.9 * distance(None)


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"train": {"steps": 5, "epochs": 3}}, "train.epochs = 3: allowed with train.steps: 0"),
        ({"train": {"nesterov": True}}, "train.nesterov = true: allowed with optimizer sgd"),
        ({"source": {"nesterov": True}}, "source.nesterov = true: allowed with optimizer sgd"),
        ({"train": {"schedule": "step"}}, "train.schedule = 'step': needs train.milestones"),
        ({"train": {"milestones": [3]}}, "train.milestones = '3': allowed with train.schedule: step alone"),
        ({"train": {"decay": 0.5}}, "train.decay = 0.5: allowed with train.schedule: step alone"),
        ({"transfer": {"rate_factors": [0.5] * 9}}, "9 factors; allowed: at most 8"),
        ({"transfer": {"rate_factors": [1] * 7 + [0]}}, "the last is the head's, which always trains"),
        ({"transfer": {"frozen": 0, "rate_factors": [0, 0.5]}}, "factors that start with 0 zeros"),
        ({"transfer": {"frozen": 3, "rate_factors": [0, 0]}}, "factors that start with 3 zeros"),
        ({"transfer": {"frozen": 3, "rate_factors": [0, 0.5]}}, "factors that start with 3 zeros"),
        ({"source": None, "transfer": {"l2_sp": 0.1}}, "transfer.l2_sp = 0.1: allowed with a source"),
        (
            {"train": {"method": "lva"}, "transfer": {"l2_sp": 0.1}},
            "transfer.l2_sp = 0.1: allowed with train.method gradient, not lva",
        ),
        (
            {"train": {"method": "lva"}, "transfer": {"rate_factors": [0.5]}},
            "transfer.rate_factors = '0.5': allowed with train.method gradient, not lva",
        ),
    ],
)
def test_what_contradicts_itself_is_refused(changes: dict[str, Any], text: str) -> None:
    with pytest.raises(ValueError) as refused:
        KnownWords().check(small(**changes))
    assert text in str(refused.value)


def test_budgets() -> None:
    assert budget(Recipe(epochs=3, batch_size=16), 60) == Budget(4, 12, 3)
    assert budget(Recipe(steps=9, batch_size=16), 60) == Budget(4, 9, 3)
    assert Recipe(steps=9).epochs == 0
