"""Runs with real-valued targets, vectors, a source's head or a closed form that cannot be, each refused with one
line."""

from __future__ import annotations

from typing import Any

import pytest

from orchestrator.schedule.cost import work_of
from orchestrator.schedule.vocabulary import KnownWords
from orchestrator.store.jobs import Job
from sweeps.errors import SpecError
from sweeps.expand import expand
from sweeps.identity import canonical, run_id
from sweeps.spec import RunSpec
from sweeps.sweep import SweepSpec, overlay
from tests.orchestrator.small_runs import small

SERIES: dict[str, Any] = {
    "source": {"task": {"name": "sine_drift", "drift": 0}, "size": 200, "loss": "squared"},
    "target": {"task": {"name": "sine_drift", "drift": 1}, "size": 100},
    "model": {"family": "mlp", "depth": 2, "width": 8, "inputs": 1},
    "transfer": {"frozen": 2, "head": "source"},
    "train": {"loss": "squared", "method": "lva_exact"},
}
DIGITS: dict[str, Any] = small(transfer={"frozen": 7}, train={"method": "lva_ridge"}).model_dump(exclude={"seed"})


DENOISED: dict[str, Any] = {
    "source": None,
    "target": {"task": "noisy_digits", "size": 60},
    "model": {"family": "fcn", "depth": 3, "width": 4},
    "train": {"loss": "squared"},
}
TWO_PATCHES: dict[str, Any] = {
    "source": None,
    "target": {"task": {"name": "signal_noise", "dimension": 32}, "size": 16},
    "model": {"family": "two_layer_relu_cnn", "depth": 2, "width": 4},
    "train": {},
}


def runs(base: dict[str, Any], **changes: Any) -> list[RunSpec]:
    sweep = SweepSpec.model_validate({"name": "a", "base": overlay(base, changes)})
    return list(expand(sweep, KnownWords()).values())


def test_what_can_be_is_expanded() -> None:
    (spec,) = runs(SERIES)
    assert spec.target.task == "sine_drift(drift=1.0)" and spec.model.inputs == 1
    for changes in (
        {"train": {"method": "lva_ridge"}, "transfer": {"frozen": 1}},
        {"train": {"method": "lva_perturb"}},
        {"train": {"method": None, "head_start": "lva_exact"}, "transfer": {"frozen": 0}},
        {"train": {"method": "unadapted"}, "transfer": {"frozen": 0, "head": None}},
        {"model": {"biases": [0, 1, 0]}},
    ):
        assert runs(SERIES, **changes)
    assert runs(DIGITS)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"train": {"loss": None}}, "train.loss = 'cross_entropy': allowed with target.task = 'sine_drift(drift=1.0)'"),
        ({"source": {"loss": None}}, "source.loss = 'cross_entropy': allowed with source.task = 'sine_drift(drift=0"),
        ({"target": {"label_noise": 0.1}}, "target.label_noise = 0.1: allowed with target.task = 'sine_drift"),
        ({"train": {"method": None, "measures": "readout_gap"}}, "train.measures = 'readout_gap': readout_gap is of"),
        (
            {"model": {"inputs": 2}},
            "model.inputs = 2: source.task = 'sine_drift(drift=0.0)' has vectors of 1; allowed: 1",
        ),
        ({"model": {"inputs": None}}, "model.inputs = None: source.task = 'sine_drift(drift=0.0)' has vectors of 1"),
        (
            {"target": {"task": "digits"}, "transfer": {"head": None}},
            "model.inputs = 1: target.task = 'digits' has images; allowed: null",
        ),
        ({"train": {"augment": "crop_flip"}}, "train.augment = 'crop_flip': allowed with vectors as inputs: none"),
        ({"model": {"biases": [0, 1]}}, "model.biases = '0,1': allowed: 3 numbers, one for each layer"),
        ({"model": {"biases": [0, 2, 0]}}, "1 for a layer with a bias, 0 for one without"),
        ({"source": None}, "transfer.head = 'source': allowed with a source"),
        ({"transfer": {"frozen": 0}}, "transfer.frozen = 0: allowed with train.method lva_exact: 1 or 2"),
        ({"source": {"method": "lva_exact"}}, "source.method = 'lva_exact': allowed: gradient"),
        (
            {"train": {"measures": ["source_distance"]}},
            "train.measures = 'source_distance': allowed with train.method lva_exact: null",
        ),
        (
            {"train": {"method": "unadapted", "measures": ["source_error"]}},
            "train.measures = 'source_error': allowed with train.method unadapted: null",
        ),
        (
            {"train": {"method": None, "head_start": "lva_exact", "epochs": 0}},
            "train.head_start = 'lva_exact': allowed with train.epochs or train.steps above 0",
        ),
        ({"train": {"precision": "bf16"}}, "train.precision = 'bf16': allowed with train.method lva_exact: float32"),
        (
            {"train": {"method": "lva_perturb"}, "transfer": {"frozen": 1}},
            "transfer.frozen = 1: allowed with train.method lva_perturb: 2",
        ),
        (
            {"train": {"method": "lva_perturb"}, "transfer": {"head": None}},
            "transfer.head = null: allowed with train.method lva_perturb: source",
        ),
        ({"source": {"head_start": "lva_exact"}}, "source.head_start = 'lva_exact': allowed: null"),
        ({"target": {"task": {"drift": -1}}}, "drift = '-1': allowed: greater than or equal to 0"),
        ({"target": {"size": 2001}}, None),
        (
            {"transfer": {"frozen": 1}, "model": {"width": 512}, "target": {"size": 2000}},
            "target.size = 2000: allowed with train.method lva_exact of two layers here: at most 127",
        ),
    ],
)
def test_what_cannot_be_is_refused_in_one_line(changes: dict[str, Any], said: str | None) -> None:
    if said is None:  # sizes are for `tasks.check`
        assert runs(SERIES, **changes)
        return
    with pytest.raises(SpecError) as caught:
        runs(SERIES, **changes)
    assert said in str(caught.value) and "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"model": {"inputs": 3}}, "model.inputs = 3: allowed with the family mlp"),
        ({"model": {"biases": "0,1"}}, "model.biases = '0,1': allowed with the family mlp alone"),
        ({"transfer": {"head": "source"}}, "has 4 classes, the target 10 classes; allowed: equal"),
        ({"transfer": {"norm": "train"}}, "transfer.norm = 'train': allowed with train.method lva_ridge: eval"),
        (
            {"train": {"method": "lva_perturb"}},
            "target.task = 'digits': allowed with train.method lva_perturb: one with",
        ),
    ],
)
def test_so_are_such_runs_of_images(changes: dict[str, Any], said: str) -> None:
    with pytest.raises(SpecError) as caught:
        runs(DIGITS, **changes)
    assert said in str(caught.value)


@pytest.mark.parametrize(
    ("base", "said"),
    [
        (DENOISED, "target.task = 'noisy_digits(noise=0.3)', whose targets would not move along: none"),
        (TWO_PATCHES, "universal=2.0)', whose signals have a place: none"),
    ],
)
def test_what_has_a_place_is_not_cropped_or_mirrored(base: dict[str, Any], said: str) -> None:
    assert runs(base)
    with pytest.raises(SpecError, match=r"^train.augment = 'crop_flip': allowed with target.task = ") as caught:
        runs(base, train={"augment": "crop_flip"})
    assert said in str(caught.value)


def test_the_two_patches_are_of_one_channel() -> None:
    with pytest.raises(
        SpecError, match=r"^model.channels = 3: allowed with target.task = 'signal_noise.*: 1; first in"
    ):
        runs(TWO_PATCHES, model={"channels": 3})
    assert runs(TWO_PATCHES, model={"channels": 3}, target={"task": "digits[0,1]"})


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        (
            {"train": {"measures": ["readout_gap"]}},
            "train.measures = 'readout_gap': readout_gap is allowed with a",
        ),
        ({"train": {"head_start": "lva_ridge"}}, "model.family = 'two_layer_relu_cnn': allowed with train.head_start"),
    ],
)
def test_what_needs_another_head_is_refused_by_the_plan(changes: dict[str, Any], said: str) -> None:
    with pytest.raises(SpecError) as caught:
        runs(TWO_PATCHES, **changes)
    assert str(caught.value).startswith(said)


def test_a_bias_everywhere_is_the_default_written_out() -> None:
    (plain,), (written,) = runs(SERIES), runs(SERIES, model={"biases": [1, 1, 1]})
    assert run_id(plain) == run_id(written) and "biases" not in canonical(plain)["model"]


def test_a_solve_is_counted() -> None:
    """More samples, a larger solve; a run that changes nothing costs less than one that does."""
    few, many = (runs(DIGITS, target={"size": size})[0] for size in (60, 600))
    nothing = runs(DIGITS, target={"size": 600}, train={"method": "unadapted"})[0]
    works = [work_of(Job("run", run_id(spec), spec)) for spec in (few, many, nothing)]
    assert [work.steps for work in works] == [1, 1, 0]
    assert works[0].multiply_adds < works[1].multiply_adds > works[2].multiply_adds
