"""Out of memory: recognised in every form it comes in, really met once, and its run tried again alone."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
import torch

from orchestrator.train import trial
from orchestrator.train.out_of_memory import is_out_of_memory
from orchestrator.train.trial import run_trial
from orchestrator.train.worker_state import WorkerState
from tests.orchestrator.small_runs import opened, run_of, small

JOB = run_of(small(source=None, train={"epochs": 1}))


@pytest.mark.parametrize(
    "error",
    [
        MemoryError(),
        torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB"),
        RuntimeError("[enforce fail at alloc_cpu.cpp:124] DefaultCPUAllocator: can't allocate memory"),
        OSError(12, "Cannot allocate memory"),
    ],
)
def test_each_form_is_recognised(error: Exception) -> None:
    assert is_out_of_memory(error)


@pytest.mark.parametrize(
    "error", [RuntimeError("shape mismatch"), OSError(28, "No space left on device"), ValueError("x")]
)
def test_other_errors_are_not(error: Exception) -> None:
    assert not is_out_of_memory(error)


def test_the_limit_of_a_real_process_is_recognised() -> None:
    """The kernel refuses, torch says so in its own words."""
    script = (
        "import resource, torch\n"
        "from orchestrator.train.out_of_memory import is_out_of_memory\n"
        "resource.setrlimit(resource.RLIMIT_AS, (16 << 30, 16 << 30))\n"
        "try:\n    torch.ones(8 << 30, dtype=torch.float32)\n"
        "except RuntimeError as error:\n    print(is_out_of_memory(error))\n"
    )
    ended = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert ended.stdout == "True\n", ended.stderr


def test_the_run_gives_back_what_it_can_and_says_why(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ledger, options = opened(tmp_path)
    state = WorkerState(options)

    class Exhausted:
        def train(self, *_: object) -> None:
            assert len(state.data) == 1
            raise MemoryError

    with monkeypatch.context() as patch:
        patch.setattr(trial, "method_of", lambda _: Exhausted())
        assert run_trial(JOB, options, state) == "memory"
    assert len(state.data) == 0 and ledger.lease(JOB) is None
    last = ledger.last_failure(JOB)
    assert last is not None and last[0].error.startswith("OutOfMemory: MemoryError")
    assert run_trial(JOB, options) == "done"
