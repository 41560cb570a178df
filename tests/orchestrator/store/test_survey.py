"""The survey of a store: the answer of a look at each, in the jobs' order; foreign results are found."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from orchestrator.store import survey as surveys
from orchestrator.store.jobs import Job
from orchestrator.store.ledger import StoreError
from orchestrator.store.survey import survey
from orchestrator.train.trial import run_trial
from sweeps.spec import RunSpec
from tests.orchestrator.small_runs import opened, run_of, small, source_of

ROOT = Path(__file__).parents[3]
SCRATCH = {"source": None, "train": {"epochs": 0}}


def test_a_survey_says_what_a_look_at_each_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(surveys, "PIECES", 48)  # several pieces, read in threads
    ledger, options = opened(tmp_path)
    jobs = [run_of(small(seed=seed, **SCRATCH)) for seed in range(20)]
    jobs.append(source_of(small(source={"epochs": 0})))
    for job in (*jobs[:3], jobs[11], jobs[-1]):
        assert run_trial(job, options) == "done"
    ledger.fail(jobs[5], RuntimeError("no"))
    held = ledger.claim(jobs[7])
    found = list(survey(ledger, jobs))
    assert [entry.job for entry in found] == jobs
    assert [(entry.status, entry.record) for entry in found] == [ledger.status_and_record(job) for job in jobs]
    assert [found[place].status for place in (0, 4, 5, 7, 20)] == ["done", "missing", "failed", "running", "done"]
    held.release()


def test_a_result_of_another_spec_is_an_error_wherever_it_stands(tmp_path: Path) -> None:
    ledger, options = opened(tmp_path)
    job = run_of(small(**SCRATCH))
    assert run_trial(job, options) == "done"
    other: RunSpec = small(seed=1, **SCRATCH)
    with pytest.raises(StoreError, match="its spec is not that of run"):
        list(survey(ledger, [Job("run", job.id, other)]))


def test_a_plan_loads_neither_torch_nor_ray() -> None:
    """Seconds that every plan and status would wait for."""
    code = "import sys; from orchestrator.cli import main; main(['plan', 'quickstart', '--store', 'nowhere'])"
    heavy = "print(*set(sys.modules) & {'torch', 'timm', 'ray', 'pytorch_lightning', 'wandb', 'scipy', 'pandas'})"
    found = subprocess.run(
        [sys.executable, "-c", f"{code}; {heavy}"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert found.stderr == "" and found.stdout.endswith("\n\n") and "61 runs" in found.stdout
