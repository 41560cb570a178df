"""`kernels: tuned` from the specification to the trained network."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from orchestrator.train.trial import run_trial
from orchestrator.train.worker_state import WorkerState, keys_of
from sweeps.sweep import overlay
from tests.orchestrator.small_runs import MODELS, curve, opened, run_of, small, source_of

WIDER = {**MODELS, "resnet": {**MODELS["resnet"], "width": 8}, "vgg": {**MODELS["vgg"], "width": 8}}
TUNED = {"source": {"kernels": "tuned"}, "train": {"kernels": "tuned"}}


def cut_of(family: str) -> int:
    """A cut whose prefix holds layers that are tuned."""
    return {"vit": 3, "densenet": 3}.get(family, 5)


@pytest.mark.parametrize("precision", ["float32", "bf16"])
@pytest.mark.parametrize("family", WIDER)
def test_the_prefix_cache_changes_no_bit(tmp_path: Path, family: str, precision: str) -> None:
    tuned = overlay(TUNED, {"train": {"precision": precision}})
    spec = small(**tuned, model=WIDER[family], transfer={"frozen": cut_of(family)})
    found: list[Any] = []
    for cached in (True, False):
        ledger, options = opened(tmp_path / str(cached))
        options = replace(options, use_prefix_cache=cached)
        assert run_trial(source_of(spec), options) == run_trial(run_of(spec), options) == "done"
        found.append(curve(ledger, run_of(spec)))
    assert found[0] == found[1]


@pytest.mark.parametrize("family", WIDER)
def test_a_worker_keeps_runs_of_both_kernels_apart(tmp_path: Path, family: str) -> None:
    """One after another in one worker they give what each gives by itself."""
    together = opened(tmp_path / "together")
    state = WorkerState(together[1])
    for number, kernels in enumerate((None, "tuned", None)):
        sections = {"source": {"kernels": kernels}, "train": {"kernels": kernels}}
        spec = small(**sections, model=WIDER[family], transfer={"frozen": cut_of(family)}, seed=number // 2)
        alone = opened(tmp_path / f"alone{number}")
        for job in (source_of(spec), run_of(spec)):
            assert run_trial(job, together[1], state) == run_trial(job, alone[1]) == "done"
        assert curve(together[0], run_of(spec)) == curve(alone[0], run_of(spec))


def test_activations_depend_on_the_kernels_and_data_do_not() -> None:
    plain, tuned = keys_of(small(), "target"), keys_of(small(**TUNED), "target")
    assert plain.data == tuned.data and plain.prefix != tuned.prefix
