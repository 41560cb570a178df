"""What is shown while a sweep runs: what has begun counts as running, what waits in a worker's batch does not."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from rich.console import Console

from orchestrator import progress
from orchestrator.schedule.agenda import Agenda
from orchestrator.schedule.plan import make_plan
from orchestrator.screen.view import View
from sweeps.sweep import parse
from tests.orchestrator.small_runs import opened

SWEEP = """
name: progress
base:
  source: null
  target: {task: digits, size: 60}
  model: {family: resnet, depth: 8, width: 4}
  train: {epochs: 2}
axes: {seed: 0..2}
"""


def test_a_job_is_running_once_a_worker_has_begun_it(tmp_path: Path) -> None:
    ledger, _ = opened(tmp_path)
    plan = make_plan(parse(SWEEP), ledger)
    agenda = Agenda(plan, dict.fromkeys(plan.runs, 1.0))
    view = View(agenda, plan, ledger)
    assert view.line().startswith("0 of 3 runs done, 0 running")
    first, second = agenda.take(), agenda.take()
    assert first is not None and second is not None
    assert view.line().startswith("0 of 3 runs done, 0 running")
    lease = ledger.claim(first)
    view.look()
    assert view.line().startswith("0 of 3 runs done, 1 running")
    of_first, of_second = (f"seed {job.spec.seed}" for job in (first, second))  # what differs
    assert view.line().endswith(f": {of_first} 0/2")
    console = Console(width=200, record=True)
    console.print(view)
    shown = console.export_text().splitlines()
    assert "epoch 0 of 2" in next(line for line in shown if line.startswith(of_first))
    assert "waits for a worker" in next(line for line in shown if line.startswith(of_second))
    lease.release()
    agenda.end(first, "failed")
    agenda.end(second, "done")
    assert view.line().startswith("1 of 3 runs done, 0 running")


@pytest.mark.parametrize("terminal", [False, True])
def test_brackets_of_rays_logs_are_no_markup(tmp_path: Path, terminal: bool) -> None:
    ledger, _ = opened(tmp_path)
    plan = make_plan(parse(SWEEP), ledger)
    agenda = Agenda(plan, dict.fromkeys(plan.runs, 1.0))
    told = "RuntimeError: [/usr/bin/python3, -m, pip] failed [bold]"
    console = Console(width=200, file=io.StringIO(), force_terminal=terminal, record=True)
    with progress.shown(agenda, plan, ledger, console):
        agenda.notice = told
    assert console.export_text().rstrip().endswith(f"; {told}")
