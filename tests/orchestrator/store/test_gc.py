"""gc: lists what nothing reaches, deletes it only when told to, and never what is held."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from unittest import mock

import pytest

from orchestrator.cli import main
from orchestrator.schedule.plan import make_plan
from orchestrator.store.gc import AGE_SECONDS, garbage, remove
from orchestrator.store.lease import Watch, claim
from orchestrator.store.ledger import Ledger
from orchestrator.store.quarantine import move_away
from orchestrator.store.settings import Settings
from orchestrator.train.trial import run_trial
from sweeps.store import leases
from sweeps.sweep import parse
from tests.orchestrator.small_runs import folder_of, opened, path_of, run_of, small, source_of
from tests.orchestrator.store.test_quarantine import SWEEP

KEPT = small(train={"epochs": 1})
ORPHAN = run_of(small(source=None, train={"epochs": 1}))


@pytest.fixture
def ledger(tmp_path: Path) -> Ledger:
    """A recorded sweep of one run and its source, and one run that no sweep asks for."""
    ledger, options = opened(tmp_path)
    for job in (source_of(KEPT), run_of(KEPT), ORPHAN):
        assert run_trial(job, options) == "done"
    ledger.save_sweep(make_plan(parse(SWEEP.replace("epochs: 3,", "epochs: 1,")), ledger).record())
    return ledger


def files(ledger: Ledger) -> set[Path]:
    return {path for path in ledger.root.rglob("*") if path.is_file()}


def test_only_what_nothing_reaches_goes_and_only_when_told(ledger: Ledger, capsys: pytest.CaptureFixture[str]) -> None:
    before = files(ledger)
    assert main(["gc", str(ledger.root)]) == 0
    told = capsys.readouterr().out
    assert "unreached run" in told and str(folder_of(ledger, ORPHAN)) in told and "1 to delete" in told
    assert files(ledger) == before
    assert main(["gc", str(ledger.root), "--delete"]) == 0
    assert "1 deleted" in capsys.readouterr().out
    assert before - files(ledger) == {path for path in before if ORPHAN.id in str(path)}
    assert main(["verify", str(ledger.root)]) == 0
    assert main(["gc", str(ledger.root)]) == 0
    assert "0 to delete" in capsys.readouterr().out


def test_what_crashes_left_behind_goes(ledger: Ledger) -> None:
    place = ledger.place(run_of(KEPT))
    script = (
        "import os, signal; from pathlib import Path; from sweeps.layout import place;"
        "from orchestrator.store.lease import claim, Watch; from orchestrator.store.folder import store_at;"
        f"store = store_at(Path({str(ledger.root)!r}));"
        f"claim(store, place('run', {place.id!r}), 1, Watch()); os.kill(os.getpid(), signal.SIGKILL)"
    )
    assert subprocess.run([sys.executable, "-c", script], check=False).returncode == -signal.SIGKILL
    (path_of(ledger, place.folder) / ".result.json.0123456789ab.tmp").write_text("half")
    path_of(ledger, place.epochs("f" * 64)).write_text("of a late writer")
    move_away(ledger.store, ledger.place(ORPHAN), "altered")
    whole = path_of(ledger, place.result).read_bytes()
    items = garbage(ledger.store)
    assert sorted(item.what for item in items) == [
        "leftover", "quarantine", "stale lease", "temporary file", "unreached run",
    ]  # fmt: skip
    assert remove(ledger.store, items) == items
    assert garbage(ledger.store) == []
    assert path_of(ledger, place.result).read_bytes() == whole and not place.leases(ledger.store.list(place.folder))


def test_what_is_held_is_not_touched(ledger: Ledger) -> None:
    items = garbage(ledger.store)
    lease = ledger.claim(ORPHAN)
    assert garbage(ledger.store) == []
    assert remove(ledger.store, items) == []
    assert ledger.result(ORPHAN) is not None
    lease.release()
    assert [item.key for item in garbage(ledger.store)] == [ledger.place(ORPHAN).folder]


@pytest.mark.parametrize("age", [0, 2 * AGE_SECONDS])
def test_what_a_dead_process_of_another_host_held_goes(ledger: Ledger, age: float) -> None:
    """Nothing here can tell that it is dead but that its heartbeat stands still. `garbage` looks at no old lease."""
    quick = Settings(lease_expiry=0.5)
    with mock.patch.object(leases, "_this_machine", lambda: {"host": "w7", "boot": "of-w7", "namespace": "1"}):
        lease = claim(ledger.store, ledger.place(ORPHAN), 1, Watch(quick))
        lease.stop_beating()
    at = time.time() - age
    os.utime(path_of(ledger, ledger.place(ORPHAN).lease(lease.token)), (at, at))
    watch = Watch(quick)
    items = garbage(ledger.store, quick, watch)
    assert [item.what for item in items] == ["unreached run"]
    assert remove(ledger.store, items, quick, watch) == items and garbage(ledger.store) == []


def test_what_a_sweep_recorded_since_reaches_is_left(ledger: Ledger) -> None:
    items = garbage(ledger.store)
    text = SWEEP.replace('source: {task: "glyphs[A-D]", size: 40, epochs: 1, batch_size: 16}', "source: null")
    ledger.save_sweep(make_plan(parse(text.replace("epochs: 3,", "epochs: 1,")), ledger).record())
    assert remove(ledger.store, items) == []
    assert ledger.result(ORPHAN) is not None


def test_with_a_damaged_record_of_a_sweep_nothing_is_judged(ledger: Ledger, capsys: pytest.CaptureFixture[str]) -> None:
    path = next(ledger.root.glob("sweeps/*/*.json"))
    os.truncate(path, 100)
    assert main(["gc", str(ledger.root), "--delete"]) == 2
    assert str(path) in capsys.readouterr().err
    assert ledger.result(ORPHAN) is not None
