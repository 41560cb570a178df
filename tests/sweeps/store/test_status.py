"""One kind of status: the plan and the tables say the same of every run, whatever lies in its folder."""

from __future__ import annotations

import itertools
import json
import os
from pathlib import Path

import pytest

from analysis.tables.load import read_sweep
from orchestrator.schedule.plan import make_plan
from orchestrator.store.ledger import Ledger
from sweeps.layout import Place, place
from sweeps.records import Status
from sweeps.store import leases
from sweeps.store.folder import Folder
from sweeps.store.status import after_source, without_result
from sweeps.sweep import parse
from tests.orchestrator.small_runs import run_of, small, source_of
from tests.orchestrator.store.test_quarantine import SWEEP

ELSEWHERE = {"holder": "ab" * 16, "beat": 3, "host": "elsewhere", "boot": "b", "namespace": "n", "pid": 1}
ALIVE = {**ELSEWHERE, **leases.this_process()}
GONE = {**ALIVE, "pid_start": "1"}
LEASES = {"none": None, "here": ALIVE, "gone": GONE, "elsewhere": ELSEWHERE, "nobody's": {"token": 1}}
STATUSES: dict[str, Status] = {"here": "running", "elsewhere": "running"}


def put(root: Path, where: Place, lease: dict[str, object] | None, failed: bool) -> None:
    (root / where.folder).mkdir(parents=True, exist_ok=True)
    if lease is not None:
        (root / where.lease(1)).write_text(json.dumps(lease))
    if failed:
        (root / where.failure(1)).write_text("{}")


@pytest.mark.parametrize(("lease", "failed"), list(itertools.product(LEASES, [False, True])))
def test_one_look_says_running_unless_the_holder_is_known_to_be_gone(tmp_path: Path, lease: str, failed: bool) -> None:
    where = place("run", "ab12")
    put(tmp_path, where, LEASES[lease], failed)
    expected = STATUSES.get(lease, "failed" if failed else "missing")
    assert without_result(Folder(tmp_path), where) == expected


@pytest.mark.parametrize(
    ("own", "source", "expected"),
    [
        ("missing", "failed", "blocked"),
        ("failed", "failed", "blocked"),
        ("missing", "diverged", "blocked"),
        ("running", "failed", "running"),
        ("done", "failed", "done"),
        ("missing", "running", "missing"),
        ("missing", "missing", "missing"),
        ("failed", None, "failed"),
    ],
)
def test_a_run_is_blocked_by_a_source_that_will_not_come(own: Status, source: Status | None, expected: Status) -> None:
    assert after_source(own, source) == expected


@pytest.mark.parametrize(
    ("run", "failed", "source", "source_failed"),
    list(itertools.product(["none", "gone", "elsewhere"], [False, True], LEASES, [False, True])),
)
def test_plan_and_tables_agree(tmp_path: Path, run: str, failed: bool, source: str, source_failed: bool) -> None:
    sweep, ledger = parse(SWEEP), Ledger(tmp_path)
    ledger.open()
    ledger.save_sweep(make_plan(sweep, ledger).record())
    job = run_of(small())
    put(tmp_path, ledger.place(job), LEASES[run], failed)
    put(tmp_path, ledger.place(source_of(small())), LEASES[source], source_failed)
    planned = make_plan(sweep, ledger).statuses[job.id]
    assert [each.status for each in read_sweep(sweep, tmp_path).runs] == [planned]


def test_the_number_of_a_dead_process_is_not_taken_for_its_own() -> None:
    assert leases.may_be_alive(ALIVE) and leases.on_this_machine(ALIVE)
    assert not leases.may_be_alive(GONE) and not leases.on_this_machine(GONE)
    assert leases.may_be_alive({**ALIVE, "boot": "of another machine"})
    assert not leases.may_be_alive({**ALIVE, "pid": 2**40, "pid_start": "1"})
    assert ALIVE["pid"] == os.getpid()
