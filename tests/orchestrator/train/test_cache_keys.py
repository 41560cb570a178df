"""Caches are keyed by the canonical spec: a field that a spec gets tomorrow changes every key that may depend on it."""

from __future__ import annotations

from collections.abc import Hashable
from pathlib import Path
from typing import Any

import pytest
from pydantic import create_model

from orchestrator.train import prefix_files, start
from orchestrator.train.trial import run_trial
from orchestrator.train.worker_state import SECTIONS, SHAPE, UPDATES, WorkerState, keys_of
from sweeps.layout import FEATURES
from sweeps.spec import ModelSpec, Recipe, RunSpec, Spec
from tasks import TaskData, source_data, target_data
from tests.orchestrator.small_runs import MODELS, WHOLE_BATCHES, curve, opened, path_of, run_of, small, source_of

SPEC = small(target=WHOLE_BATCHES, transfer={"frozen": 2}, train={"epochs": 1})
KEYS = ("source data", "target data", "weights", "prefix in memory", "prefix in the store")


@pytest.fixture(autouse=True)
def every_prefix_is_worth_keeping(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(prefix_files, "worth_keeping", lambda seconds, size_bytes: True)


def with_another_field(part: Spec) -> Spec:
    """The same values in a specification that has one more field."""
    fields = {"added_tomorrow": (int | None, None)}
    wider = create_model(f"Wider{type(part).__name__}", __base__=type(part), **fields)  # pyright: ignore
    return wider(**dict(part), added_tomorrow=7)


def keys(folder: Path, spec: RunSpec) -> dict[str, Hashable]:
    """The keys of every cache after a source and a run were really computed."""
    ledger, options = opened(folder)
    state = WorkerState(options)
    for job in (source_of(spec), run_of(spec)):
        assert run_trial(job, options, state) == "done"
    (weights,), (activations,) = state.weights.keys(), state.activations.keys()
    (file,) = path_of(ledger, FEATURES).rglob("*.safetensors")
    return dict(zip(KEYS, (*state.data.keys(), weights, activations, file.stem), strict=True))


PREFIX = {"prefix in memory", "prefix in the store"}


@pytest.mark.parametrize(
    ("part", "changed"),
    [
        ("source", {"source data", "weights", *PREFIX}),
        ("target", {"target data", *PREFIX}),
        ("model", set(KEYS)),
        ("transfer", PREFIX),
        ("train", PREFIX),
    ],
)
def test_a_new_field_changes_the_keys_that_may_depend_on_it(tmp_path: Path, part: str, changed: set[str]) -> None:
    before = keys(tmp_path / "before", SPEC)
    assert keys(tmp_path / "again", SPEC) == before
    wider = SPEC.model_copy(update={part: with_another_field(getattr(SPEC, part))})
    after = keys(tmp_path / "after", wider)
    assert {name for name in KEYS if after[name] != before[name]} == changed


def test_every_section_of_a_run_is_covered() -> None:
    """A section that is added to a run later falls into what else the run says, which is in both keys."""
    assert {name for name in RunSpec.model_fields if name != "seed"} == SECTIONS
    assert Recipe.model_fields.keys() >= UPDATES and ModelSpec.model_fields.keys() >= SHAPE
    wider = with_another_field(SPEC)
    assert isinstance(wider, RunSpec)
    for role in ("source", "target"):
        before, after = keys_of(SPEC, role), keys_of(wider, role)
        assert before.data != after.data and before.prefix != after.prefix


def test_runs_that_differ_in_what_does_not_matter_share_data_and_prefix(tmp_path: Path) -> None:
    """And compute what they compute alone."""
    ledger, options = opened(tmp_path / "together")
    state = WorkerState(options)
    assert run_trial(source_of(SPEC), options, state) == "done"
    alone, apart = opened(tmp_path / "alone")
    assert run_trial(source_of(SPEC), apart) == "done"
    others = [
        {"learning_rate": 0.01, "optimizer": "sgd", "momentum": 0.5, "weight_decay": 1e-3},
        {"loss": "squared", "schedule": "cosine"},
        {"epochs": 2, "batch_size": 32, "batches": "even"},
    ]
    for changes in others:
        job = run_of(small(target=WHOLE_BATCHES, transfer={"frozen": 2}, train={"epochs": 1, **changes}))
        assert run_trial(job, options, state) == run_trial(job, apart) == "done"
        assert curve(ledger, job) == curve(alone, job)
    assert (len(state.data), len(state.weights), len(state.activations)) == (2, 1, 1)


@pytest.mark.parametrize("family", MODELS)
def test_data_of_one_key_are_the_same(family: str) -> None:
    other = small(model={**MODELS[family], "width": 16}, source={"learning_rate": 0.5, "epochs": 7})
    same = small()
    assert keys_of(other, "source").data == keys_of(same, "source").data
    assert source_data(other).digest == source_data(same).digest
    assert keys_of(other, "target").data == keys_of(same, "target").data
    assert target_data(other).digest == target_data(same).digest


def test_a_worker_loads_data_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    loads: list[int] = []

    def counted(spec: RunSpec, *limits: Any, **given: Any) -> TaskData:
        loads.append(spec.seed)
        return target_data(spec, *limits, **given)

    monkeypatch.setattr(start.tasks, "target_data", counted)
    _, options = opened(tmp_path)
    state = WorkerState(options)
    for epochs in (1, 2):
        assert run_trial(run_of(small(source=None, train={"epochs": epochs})), options, state) == "done"
    assert len(loads) == 1
