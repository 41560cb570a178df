"""The cost model: counts that agree with torch's, rates learnt from results, intervals that hold."""

from __future__ import annotations

import random
from pathlib import Path

import pytest
import torch
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode

from architectures import build
from architectures.arithmetic import unit_work, work_from
from orchestrator.schedule.agenda import Agenda
from orchestrator.schedule.cost import KINDS, RATES, CostModel, Sample, work_of
from orchestrator.schedule.forecast import forecast
from orchestrator.schedule.history import sample_of
from orchestrator.schedule.plan import make_plan
from orchestrator.store.jobs import Job
from orchestrator.train.methods.gradient import prefix_is_cached
from orchestrator.train.prefix import declined
from orchestrator.train.start import network_of
from orchestrator.train.trial import run_trial
from sweeps.spec import ModelSpec
from sweeps.sweep import parse
from tests.orchestrator.small_runs import MODELS, opened, run_of, small, source_of

SHAPES = [
    *({"family": "resnet", "depth": depth, "width": 4} for depth in (8, 18, 20)),
    {"family": "resnet", "depth": 10, "width": 6, "image_size": 9, "channels": 3},
    {"family": "densenet", "depth": 22, "width": 6},
    {"family": "densenet", "depth": 121, "width": 4, "image_size": 17},
    {"family": "vgg", "depth": 11, "width": 4},
    {"family": "vgg", "depth": 16, "width": 4, "image_size": 37, "channels": 3},
    {"family": "vit", "depth": 3, "width": 16},
    {"family": "vit", "depth": 2, "width": 32, "image_size": 32, "channels": 3},
]


@pytest.mark.parametrize("shape", SHAPES, ids=lambda shape: f"{shape['family']}{shape['depth']}")
def test_multiply_adds_are_those_that_torch_counts(shape: dict) -> None:
    model = ModelSpec.model_validate(shape)
    network = build(model, classes=7, seed=0).eval()
    images = torch.zeros(2, model.channels, model.image_size, model.image_size)
    with torch.no_grad(), sdpa_kernel(SDPBackend.MATH), FlopCounterMode(display=False) as counter:
        network(images)
    assert len(unit_work(model, 7)) == len(network.units)
    assert counter.get_total_flops() == 2 * 2 * work_from(model, 7, 0).multiply_adds


def test_work_after_a_cut_is_that_of_the_units_after_it() -> None:
    model = ModelSpec.model_validate(MODELS["densenet"])
    units = unit_work(model, 10)
    for cut in range(len(units)):
        assert work_from(model, 10, cut).elements == sum(unit.elements for unit in units[cut:])


@pytest.mark.parametrize("family", MODELS)
@pytest.mark.parametrize("norm", ["eval", "stats", "train"])
@pytest.mark.parametrize("augment", ["none", "crop_flip"])
def test_a_prefix_is_cached_where_the_trial_caches_it(family: str, norm: str, augment: str) -> None:
    for frozen in (0, 1):
        recipe = {"epochs": 3, "augment": augment}
        spec = small(source=None, model=MODELS[family], transfer={"frozen": frozen, "norm": norm}, train=recipe)
        network = network_of(spec, "target", 10)
        assert prefix_is_cached(spec.model, spec.train, spec.transfer) == (declined(network, spec.train) is None)


def jobs() -> list[Job]:
    found = []
    for family in ("resnet", "densenet", "vit"):
        for epochs in (4, 8, 16, 32):
            for size in (60, 120, 240, 480):
                for frozen in (0, 1, 3):
                    changes = {"target": {"size": size}, "transfer": {"frozen": frozen}, "train": {"epochs": epochs}}
                    found.append(run_of(small(model=MODELS[family], **changes)))
    return found


TRUE = {"resnet": (0.3, 0.01, 4e-4, 1e-5, 2e-9, 1e-10), "densenet": (0.3, 0.01, 4e-4, 6e-5, 1e-10, 5e-11)}


def sample(job: Job, rng: random.Random, noise: float = 0.2) -> Sample:
    rates = TRUE.get(job.spec.model.family, (0.3, 0.02, 2e-3, 2e-5, 3e-10, 5e-11))
    seconds = sum(rate * work for rate, work in zip(rates, work_of(job), strict=True))
    return Sample(job.spec.model.family, "cpu", work_of(job), seconds * rng.lognormvariate(0, noise))


def test_a_tenth_of_a_sweep_tells_its_total_within_a_quarter_and_the_interval_holds() -> None:
    """Jobs of known rates with noise of 20 %, many draws of the tenth."""
    rng, every = random.Random(0), jobs()
    inside, errors = 0, []
    for _ in range(60):
        rng.shuffle(every)
        taken = [sample(job, rng) for job in every]
        estimate = CostModel(taken[: len(every) // 10]).total(every[len(every) // 10 :])
        actual = sum(one.seconds for one in taken[len(every) // 10 :])
        low, high = estimate.interval()
        inside += low <= actual <= high
        errors.append(abs(estimate.seconds / actual - 1))
    assert sum(error < 0.25 for error in errors) >= 0.9 * len(errors)
    assert inside >= 0.85 * len(errors)


def test_more_results_narrow_the_interval_and_one_device_says_little_of_another() -> None:
    rng, every = random.Random(1), jobs()
    rng.shuffle(every)
    spreads = [CostModel([sample(job, rng) for job in every[:count]]).total(every).spread for count in (0, 5, 144)]
    assert spreads == sorted(spreads, reverse=True)
    learnt = [sample(job, rng)._replace(device="a GPU") for job in every]
    assert CostModel(learnt).total(every) == CostModel().total(every)
    assert CostModel(learnt, "a GPU").samples == len(every)


def test_equal_histories_give_equal_costs_and_every_cost_is_positive() -> None:
    rng, every = random.Random(2), jobs()
    history = [sample(job, rng, noise=1.0) for job in every[::7]]
    first, second = CostModel(history), CostModel(history)
    assert [first.seconds(job) for job in every] == [second.seconds(job) for job in every]
    assert min(CostModel(history).seconds(job) for job in every) > 0
    assert len(KINDS) == len(work_of(every[0])) == len(RATES)


def test_freezing_more_is_never_dearer_but_for_what_is_computed_once() -> None:
    model = CostModel()
    changes: dict = {"model": {"family": "resnet", "depth": 18, "width": 16}, "train": {"epochs": 60}}
    costs = [model.seconds(run_of(small(transfer={"frozen": frozen}, **changes))) for frozen in range(18)]
    assert costs == sorted(costs, reverse=True)


def test_results_of_the_store_are_learnt_from_runs_and_sources_alike(tmp_path: Path) -> None:
    ledger, options = opened(tmp_path)
    spec = small()
    for job in (source_of(spec), run_of(spec)):
        assert run_trial(job, options) == "done"
        record = ledger.result(job)
        assert record is not None
        learnt = sample_of(record)
        assert (learnt.family, learnt.device, learnt.work) == ("resnet", "cpu", work_of(job))
        assert learnt.seconds >= record.compute_seconds > 0
    text = (
        "name: other\nbase: {source: null, target: {task: digits, size: 60}, model: {family: vit, depth: 2, width: 16}}"
    )
    told = forecast(make_plan(parse(text), ledger), workers=2)
    assert (told.samples, told.sources, told.runs) == (2, 0, 1)
    assert told.wall_seconds == told.longest_chain == pytest.approx(told.costs.total.seconds)


def test_a_forecast_of_chains_and_of_nothing(tmp_path: Path) -> None:
    ledger, options = opened(tmp_path)
    text = """
name: chains
base:
  source: {task: "glyphs[A-D]", size: 40, epochs: 1}
  target: {task: digits, size: 60}
  model: {family: resnet, depth: 8, width: 4}
  train: {epochs: 0}
axes: {transfer.frozen: [0, 3], seed: 0..1}
"""
    plan = make_plan(parse(text), ledger)
    told = forecast(plan, workers=4)
    assert (told.sources, told.runs) == (2, 4)
    assert told.longest_chain <= told.wall_seconds <= told.costs.total.seconds
    assert told.wall_seconds >= told.costs.total.seconds / 4
    assert "device time" in told.lines()[0] and told.as_json()["families"]["resnet"]["jobs"] == 6
    for job in (*plan.open_sources, *plan.open_runs):
        assert run_trial(job, options) == "done"
    plan.read_statuses(ledger)
    after = forecast(plan, workers=4)
    assert after.lines() == [] and after.costs.total.seconds == 0 and after.samples == 6
    assert Agenda(plan, after.costs.seconds).finished()
