"""Shares of devices that no run could be given are refused, in one line, before a launch."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from orchestrator.runners import resources
from sweeps.errors import SpecError


@pytest.fixture
def two_cores_no_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resources, "usable_cores", lambda: 2)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 0)


@pytest.mark.parametrize(
    ("gpus", "threads", "where", "said"),
    [
        (1.5, 1, {"on_this_machine": False}, "--gpus-per-run 1.5: allowed 0 to 1 (a run trains on one device)"),
        (2.0, 1, {"on_this_machine": True}, "--gpus-per-run 2: allowed 0 to 1 (a run trains on one device)"),
        (0.001, 1, {"on_this_machine": False}, "--gpus-per-run 0.001: allowed 0, or 0.01 to 1"),
        (0.25, 1, {"on_this_machine": True}, "no CUDA device is seen on this machine"),
        (0.0, 3, {"on_this_machine": True}, "--threads-per-run 3: allowed 1 to 2, the cores it may use"),
    ],
)
def test_nonsense_is_refused(two_cores_no_gpu: None, gpus: float, threads: int, where: Any, said: str) -> None:
    with pytest.raises(SpecError) as refused:
        resources.check_resources(gpus, threads, **where)
    assert said in str(refused.value)


@pytest.mark.parametrize(
    ("gpus", "threads", "where"),
    [
        (0.0, 2, {"on_this_machine": True}),
        (0.25, 64, {"on_this_machine": False}),
        (1.0, 1, {"on_this_machine": False}),
        (0.0, 64, {"on_this_machine": True, "in_this_process": True}),
    ],
)
def test_what_can_be_given_is_let_through(two_cores_no_gpu: None, gpus: float, threads: int, where: Any) -> None:
    resources.check_resources(gpus, threads, **where)
