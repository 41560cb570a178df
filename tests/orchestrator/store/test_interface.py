"""The operations of a store, each with what it promises: of the folder, and of a store that is none."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from analysis.tables.load import read_epochs, read_sweep
from orchestrator.schedule.plan import make_plan
from orchestrator.store.folder import FolderStore
from orchestrator.store.gc import garbage, remove
from orchestrator.store.interface import Store
from orchestrator.store.ledger import Damaged, Ledger
from orchestrator.store.settings import Settings
from orchestrator.store.verify import problems
from orchestrator.train.options import TrialOptions
from orchestrator.train.trial import run_trial
from orchestrator.train.worker_state import WorkerState
from sweeps.layout import QUARANTINE
from sweeps.sweep import parse
from tests.orchestrator.small_runs import run_of, small, source_of
from tests.orchestrator.store.test_quarantine import SWEEP

KEY = "runs/ab/ab12/result.json"


def test_what_is_not_there_is_no_error(store: Store) -> None:
    assert store.read(KEY) is None and not store.exists(KEY) and store.list("runs/ab") == []
    assert list(store.entries("runs")) == []
    store.remove(KEY)
    store.remove_all("runs")
    assert not store.move(KEY, "elsewhere/result.json") and not store.exists("elsewhere")


def test_one_creates_and_anyone_replaces(store: Store) -> None:
    assert store.create(KEY, b"first")
    assert not store.create(KEY, b"second")
    assert store.read(KEY) == b"first"
    store.replace(KEY, b"third")
    assert store.read(KEY) == b"third" and store.local_path(KEY).read_bytes() == b"third"


def test_of_many_that_create_one_key_one_is_told_so(store: Store) -> None:
    told: list[bool] = []
    start = threading.Barrier(8)

    def create(number: int) -> None:
        start.wait()
        told.append(store.create(KEY, b"%d" % number))

    threads = [threading.Thread(target=create, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(told) == [False] * 7 + [True]


def test_names_are_those_of_the_next_part(store: Store) -> None:
    for key in ("runs/ab/ab12/a", "runs/ab/ab12/b", "runs/ab/ab13/a", "runs/cd/cd12/a", "FORMAT"):
        store.replace(key, b"x")
    assert sorted(store.list("runs")) == ["ab", "cd"]
    assert sorted(store.list("runs/ab")) == ["ab12", "ab13"]
    assert sorted(store.list("runs/ab/ab12")) == ["a", "b"]
    assert [entry.key for entry in store.entries("runs/ab")] == ["runs/ab/ab12/a", "runs/ab/ab12/b", "runs/ab/ab13/a"]
    assert [entry.key for entry in store.entries("", deep=False)] == ["FORMAT"]
    store.remove_all("runs/ab")
    assert store.list("runs/ab") == [] and store.exists("runs/cd/cd12/a")


def test_a_heartbeat_replaces_what_this_process_wrote_and_nothing_else(store: Store) -> None:
    assert store.create(KEY, b"1")
    assert store.heartbeat(KEY, b"1", b"2") and store.read(KEY) == b"2"
    store.replace(KEY, b"of another process")
    assert not store.heartbeat(KEY, b"2", b"3") and store.read(KEY) == b"of another process"
    store.remove(KEY)
    assert not store.heartbeat(KEY, b"2", b"3") and store.read(KEY) is None
    assert not store.heartbeat("no/such/folder", b"2", b"3")
    assert list(store.entries("runs")) == []


def test_what_is_moved_is_at_one_key(store: Store) -> None:
    store.replace(KEY, b"x")
    assert store.move(KEY, "quarantine/run-1/result.json")
    assert store.read(KEY) is None and store.read("quarantine/run-1/result.json") == b"x"


def test_age_is_told_by_the_stores_own_clock(store: Store) -> None:
    store.replace(KEY, b"12345")
    (entry,) = store.entries("runs")
    assert entry.bytes == 5 and not entry.unfinished and 0 <= store.now() - entry.written < 60


def test_who_opens_a_folder_at_once_is_not_in_anothers_way(tmp_path: Path) -> None:
    """Threads stand for processes of several hosts: in containers these often have one number."""
    start, refused = threading.Barrier(8), []

    def prepare() -> None:
        start.wait()
        try:
            for _ in range(30):
                FolderStore(tmp_path / "store").prepare()
        except OSError as problem:
            refused.append(problem)

    threads = [threading.Thread(target=prepare) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not refused and not list((tmp_path / "store").iterdir())


def test_a_write_that_is_not_finished_is_listed_for_housekeeping_alone(tmp_path: Path) -> None:
    store = FolderStore(tmp_path)
    store.replace(KEY, b"x")
    (tmp_path / "runs/ab/ab12/.result.json.0123456789ab.tmp").write_text("half")
    assert store.list("runs/ab/ab12") == ["result.json"]
    assert [entry.unfinished for entry in store.entries("runs")] == [True, False]


def test_a_refusal_names_its_reason(tmp_path: Path) -> None:
    (tmp_path / "store").write_text("a file")
    store = FolderStore(tmp_path / "store")
    for call in (store.prepare, lambda: store.create(KEY, b""), lambda: store.read(KEY), lambda: store.list("runs")):
        with pytest.raises(OSError, match=r"exists|directory"):
            call()


def test_a_sweep_lives_in_a_store_that_is_no_folder(store: Store, tmp_path: Path) -> None:
    """From the first claim to the tables: trained, resumed from the store, altered, found, computed again, cleared."""
    ledger = Ledger(tmp_path / "store", Settings(checkpoint_share=float("inf")), store)
    ledger.open()
    sweep, options = parse(SWEEP), TrialOptions(tmp_path / "store")
    ledger.save_sweep(make_plan(sweep, ledger).record())
    run, source = run_of(small()), source_of(small())
    other = run_of(small(source=None, train={"epochs": 1}))
    state, stopped = WorkerState(options, ledger), WorkerState(options, ledger)
    stopped.stop.set()
    assert run_trial(source, options, state) == "done"
    assert run_trial(run, options, stopped) == "stopped"
    (checkpoint,) = ledger.place(run).checkpoints(store.list(ledger.place(run).folder))
    assert store.exists(checkpoint) and ledger.status(run) == "missing"
    for job in (run, other):
        assert run_trial(job, options, state) == "done"
    assert ledger.result(run).attempts == 2  # pyright: ignore[reportOptionalMemberAccess]
    stored = read_sweep(sweep, store)
    assert [each.status for each in stored.runs] == ["done"]
    assert read_epochs(store, stored.runs[0]).num_rows == 3
    assert [problem for _, problem in problems(store)] == [None] * 3

    store.replace(ledger.place(run).result, b"{}")
    with pytest.raises(Damaged):
        ledger.result(run)
    assert run_trial(run, options, state) == "done"
    assert len(store.list(QUARANTINE)) == 1
    found = garbage(store, ledger.settings)
    assert sorted(item.what for item in found) == ["quarantine", "unreached run"]
    assert remove(store, found, ledger.settings) == found and garbage(store, ledger.settings) == []
    assert ledger.status(other) == "missing"
    assert [problem for _, problem in problems(store)] == [None] * 2
    assert (tmp_path / "store").exists() == isinstance(store, FolderStore)
