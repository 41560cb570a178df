"""`reset` against what happens meanwhile, and what it leaves of attempts."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import pytest

from orchestrator.cli import main
from orchestrator.reset import reset
from orchestrator.run_commands import State, reset_sweep
from orchestrator.schedule.plan import Plan, make_plan
from orchestrator.store.ledger import Ledger
from orchestrator.tracking import publish
from orchestrator.train.options import TrialOptions
from orchestrator.train.trial import run_trial
from sweeps.sweep import parse
from tests.orchestrator.small_runs import folder_of, opened

SWEEP = """
name: anew
base:
  source: null
  target: {task: digits, size: 40}
  model: {family: resnet, depth: 8, width: 1}
  train: {epochs: 1}
axes: {seed: [0]}
"""
Told = pytest.CaptureFixture[str]


def planned(folder: Path) -> tuple[Plan, Ledger, TrialOptions]:
    ledger, options = opened(folder)
    (folder / "sweep.yaml").write_text(SWEEP)
    plan = make_plan(parse(SWEEP), ledger)
    ledger.save_sweep(plan.record())
    return plan, ledger, options


def test_a_result_that_was_committed_meanwhile_stays(tmp_path: Path, capsys: Told) -> None:
    plan, ledger, options = planned(tmp_path)
    (job,) = plan.runs.values()
    ledger.fail(job, ValueError("a failure"))
    plan.read_statuses(ledger)
    assert plan.statuses[job.id] == "failed"
    assert run_trial(job, options) == "done"  # after the states were read
    reset_sweep(plan, ledger, [State.failed])
    assert capsys.readouterr().out.splitlines()[1:] == ["1 run left: of another state by now"]
    assert ledger.result(job) is not None and ledger.last_failure(job) is not None
    assert not (ledger.root / "quarantine").exists()


def test_what_runs_is_left(tmp_path: Path, capsys: Told) -> None:
    plan, ledger, _ = planned(tmp_path)
    (job,) = plan.runs.values()
    ledger.fail(job, ValueError("a failure"))
    plan.read_statuses(ledger)
    lease = ledger.claim(job)
    reset_sweep(plan, ledger, [State.failed])
    lease.release()
    assert capsys.readouterr().out.splitlines()[1:] == ["1 run left: running by now"]
    assert ledger.last_failure(job) is not None


def test_what_never_began_is_not_touched(tmp_path: Path, capsys: Told) -> None:
    plan, ledger, options = planned(tmp_path)
    (job,) = plan.runs.values()
    assert main(["reset", str(tmp_path / "sweep.yaml"), "--store", str(ledger.root), "--state", "missing"]) == 0
    assert capsys.readouterr().out.startswith("nothing reset")
    assert not folder_of(ledger, job).exists() and not (ledger.root / "quarantine").exists()
    assert run_trial(job, options) == "done"
    assert ledger.result(job).attempts == 1  # pyright: ignore[reportOptionalMemberAccess]


def test_resets_are_no_attempts_and_wandb_ids_differ(
    tmp_path: Path, capsys: Told, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan, ledger, options = planned(tmp_path)
    (job,) = plan.runs.values()
    tokens = []
    for _ in range(3):
        assert run_trial(job, options) == "done"
        record = ledger.result(job)
        assert record is not None and record.attempts == 1
        tokens.append(publish.wandb_attempt(ledger.store, record))
        assert reset(ledger, job, ["done"]) == "reset"
    assert len(set(tokens)) == 3
    names = [path.name for path in folder_of(ledger, job).iterdir()]
    assert len([name for name in names if name.startswith("reset-")]) == 1

    ledger.claim(job).release()  # an attempt that ends without a result counts
    assert run_trial(job, options) == "done"
    assert main(["status", str(tmp_path / "sweep.yaml"), "--store", str(ledger.root), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["more_than_one_attempt"] == 1
    record = ledger.result(job)
    assert record is not None and record.attempts == 2


def test_the_tracker_and_publishing_name_one_wandb_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from orchestrator.tracking.tracker import TrackingOptions
    from orchestrator.train import trial

    plan, ledger, options = planned(tmp_path)
    (job,) = plan.runs.values()
    assert run_trial(job, options) == "done" and reset(ledger, job, ["done"]) == "reset"
    shown: list[int] = []
    monkeypatch.setattr(trial, "_tracker", lambda job, attempt, options: shown.append(attempt))
    tracked = dataclasses.replace(options, tracking=TrackingOptions(store=ledger.root))
    assert run_trial(job, tracked) == "done"
    record = ledger.result(job)
    assert record is not None and [publish.wandb_attempt(ledger.store, record)] == shown == [2]
