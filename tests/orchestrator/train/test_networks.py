"""Every kind of network through the real path, two epochs: the prefix cache is exact or declined."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from architectures.families import timm_model
from architectures.families.from_timm import derived
from orchestrator.schedule.vocabulary import KnownWords
from orchestrator.train.options import TrialOptions
from orchestrator.train.trial import run_trial
from sweeps.spec import RunSpec
from tests.orchestrator.small_runs import WHOLE_BATCHES, curve, opened, run_of, small

NETWORKS: dict[str, dict[str, Any]] = {
    "resnet18": {"family": "resnet", "depth": 18, "width": 2},
    "resnet34": {"family": "resnet", "depth": 34, "width": 1},
    "resnet50": {"family": "resnet", "depth": 50, "width": 1},
    "preact_resnet18": {"family": "preact_resnet", "depth": 18, "width": 2},
    "densenet40": {"family": "densenet", "depth": 40, "width": 2},
    "densenet100": {"family": "densenet", "depth": 100, "width": 1},
    "densenet121": {"family": "densenet", "depth": 121, "width": 1},
    "vit tiny": {"family": "vit", "depth": 2, "width": 192, "patch": 4},
    "vit small": {"family": "vit", "depth": 1, "width": 384, "patch": 8},
    "test_resnet": {"name": "test_resnet"},
    "test_nfnet": {"name": "test_nfnet", "image_size": 32},
    "test_vit3": {"name": "test_vit3", "image_size": 32},
    "test_convnext": {"name": "test_convnext", "image_size": 32},
    "test_mambaout": {"name": "test_mambaout", "image_size": 32},
}


def spec_of(network: str) -> RunSpec:
    model = {"family": "timm", "depth": 1, "width": 1, **NETWORKS[network]}
    train = {"epochs": 2, "batch_size": 32, "evaluate": "log"}
    return small(source=None, target=WHOLE_BATCHES, model=model, transfer={"frozen": 2}, train=train)


def with_and_without_cache(folder: Path, spec: RunSpec) -> tuple[list[dict[str, list[Any]]], str]:
    """Both curves, and what the record of the first says of the prefix."""
    curves, notes = [], []
    for cached in (True, False):
        ledger, options = opened(folder / str(cached))
        assert run_trial(run_of(spec), TrialOptions(options.store, use_prefix_cache=cached)) == "done"
        record = ledger.result(run_of(spec))
        assert record is not None
        curves.append(curve(ledger, run_of(spec)))
        notes.append(record.notes[0])
    return curves, notes[0]


@pytest.mark.parametrize("network", NETWORKS)
def test_the_prefix_cache_is_exact(tmp_path: Path, network: str) -> None:
    spec = spec_of(network)
    KnownWords().model(spec.model)
    KnownWords().check(spec)
    curves, note = with_and_without_cache(tmp_path, spec)
    assert curves[0] == curves[1]
    assert "computed once" in note or "give other bits here" in note


def test_the_prefix_cache_declines_where_a_ladder_does_not_pass_its_trial(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(derived, "tried", lambda *_: "not the network to the bit")
    timm_model.known.cache_clear()
    curves, note = with_and_without_cache(tmp_path, spec_of("test_resnet"))
    timm_model.known.cache_clear()
    assert curves[0] == curves[1]
    assert note == "frozen prefix in every pass: this network does not run unit by unit"
