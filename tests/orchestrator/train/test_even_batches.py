"""Even batches from the specification to what the network is given."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from architectures import Network
from orchestrator.train.trial import run_trial
from sweeps.spec import RunSpec
from tasks import batch_sizes
from tests.orchestrator.small_runs import MODELS, curve, opened, run_of, small, source_of

EVEN = {"source": {"batches": "even"}, "target": {"size": 50}, "train": {"batches": "even"}}


@pytest.mark.parametrize(
    ("changes", "source", "target"),
    [
        (EVEN, [14, 13, 13], [13, 13, 12, 12]),
        ({"target": {"size": 50}}, [16, 16, 8], [16, 16, 16, 2]),
        ({**EVEN, "source": {}}, [16, 16, 8], [13, 13, 12, 12]),
    ],
)
def test_the_network_is_trained_on_batches_of_these_sizes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, changes: dict[str, Any], source: list[int], target: list[int]
) -> None:
    seen: list[int] = []
    forward = Network.forward

    def counted(network: Network, x: torch.Tensor) -> torch.Tensor:
        if network.training:
            seen.append(len(x))
        return forward(network, x)

    monkeypatch.setattr(Network, "forward", counted)
    spec = small(**changes)
    ledger, options = opened(tmp_path)
    assert run_trial(source_of(spec), options) == "done"
    assert seen == source
    seen.clear()
    assert run_trial(run_of(spec), options) == "done"
    assert seen == target * spec.train.epochs
    assert curve(ledger, run_of(spec))["step"] == [4, 8, 12]


def curve_of(folder: Path, spec: RunSpec, cached: bool) -> dict[str, list[Any]]:
    ledger, options = opened(folder / str(cached))
    assert run_trial(run_of(spec), replace(options, use_prefix_cache=cached)) == "done"
    return curve(ledger, run_of(spec))


@pytest.mark.parametrize("family", MODELS)
def test_the_prefix_cache_changes_no_bit_of_a_run_with_even_batches(tmp_path: Path, family: str) -> None:
    changes = {**EVEN, "model": MODELS[family], "source": None, "transfer": {"frozen": 3}}
    spec = small(**changes)
    assert curve_of(tmp_path, spec, True) == curve_of(tmp_path, spec, False)


@pytest.mark.parametrize("batches", [None, "even"])
def test_the_prefix_cache_tries_the_sizes_that_training_sees(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, batches: Any
) -> None:
    tried: list[int] = []
    whole = Network.prefix

    def counted(network: Network, x: torch.Tensor, cut: int) -> tuple[torch.Tensor, ...]:
        tried.append(len(x))
        return whole(network, x, cut)

    monkeypatch.setattr(Network, "prefix", counted)
    target = {"size": 51}
    spec = small(source=None, target=target, transfer={"frozen": 4}, train={"batches": batches, "epochs": 1})
    _, options = opened(tmp_path)
    assert run_trial(run_of(spec), options) == "done"
    sizes = sorted(set(batch_sizes(51, 16, batches)))
    assert sizes == ([12, 13] if batches else [3, 16])
    assert tried[-len(sizes) :] == sizes
