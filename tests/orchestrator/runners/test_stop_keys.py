"""How a driver on Ray tells its workers to stop, or to begin nothing more. All of it is real but Ray."""

from __future__ import annotations

import errno
import os
import signal
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from orchestrator import cancel
from orchestrator.runners import cluster
from orchestrator.runners.remote import run_remote
from orchestrator.runners.searcher import ReadyJobs
from orchestrator.schedule.agenda import Agenda
from orchestrator.schedule.plan import make_plan
from orchestrator.store.folder import FolderStore
from orchestrator.store.ledger import Ledger
from orchestrator.train import stopping
from orchestrator.train.options import TrialOptions
from orchestrator.train.worker_state import WorkerState
from sweeps.layout import stop_waiting
from sweeps.sweep import parse
from tests.orchestrator.small_runs import small_sweep


class Refusing(FolderStore):
    """A store that refuses some keys in `stops/` at first, and counts what is read."""

    look_seconds = 0.05
    refuses = 0

    def __init__(self, root: Path) -> None:
        super().__init__(root)
        self.reads: Counter[str] = Counter()

    def create(self, key: str, data: bytes) -> bool:
        if key.startswith("stops/") and self.refuses > 0:
            self.refuses -= 1
            raise OSError(errno.EIO, "Input/output error", self.where(key))
        return super().create(key, data)

    def read(self, key: str) -> bytes | None:
        found = super().read(key)
        self.reads[key] += 1
        return found


class Launch(NamedTuple):
    agenda: Agenda
    ledger: Ledger
    store: Refusing
    """The driver's."""
    options: TrialOptions
    worker: WorkerState
    beside: FolderStore
    """The worker's store."""


@pytest.fixture
def launch(tmp_path: Path) -> Launch:
    """A launch of three runs and a source."""
    store = Refusing(tmp_path / "store")
    ledger = Ledger(tmp_path / "store", store=store)
    ledger.open()
    plan = make_plan(parse(small_sweep(2) + "axes: {seed: 0..2}\n"), ledger)
    options = TrialOptions(ledger.location, launch="ours")
    beside = FolderStore(tmp_path / "store")
    beside.look_seconds = 0.0
    worker = WorkerState(options, Ledger(options.store, store=beside))
    agenda = Agenda(plan, dict.fromkeys([*plan.sources, *plan.runs], 1.0))
    return Launch(agenda, ledger, store, options, worker, beside)


@pytest.mark.parametrize("number", [signal.SIGTERM, None])
def test_workers_are_told_though_the_store_refuses_at_first(
    launch: Launch, monkeypatch: pytest.MonkeyPatch, number: signal.Signals | None
) -> None:
    """By a signal: to save and end. Where the driver hands out nothing more of itself (jobs fail alike, say): to finish
    what they run, and begin nothing. Such a launch was not cancelled."""
    agenda, ledger, store, options, worker, _ = launch
    said: list[str] = []
    store.refuses = 2

    def fit(agenda: Agenda, ledger: Ledger, options: TrialOptions, scratch: Path, *given: Any, **more: Any) -> None:
        tell: Callable[[], None] = given[2]
        tell()
        assert not store.list("stops")
        if number is None:
            agenda.stopping = True
        else:
            os.kill(os.getpid(), number)
        for _ in range(3):
            assert not worker.stop.asked() and not worker.stop_waiting.asked()
            tell()
        assert worker.stop.asked() == (number is not None) and worker.stop_waiting.asked() == (number is None)
        looks, until = store.reads[stop_waiting("ours")], time.monotonic() + 20
        while number is None and store.reads[stop_waiting("ours")] < looks + 2:
            assert time.monotonic() < until, "the driver looks no more whether it is cancelled"
            time.sleep(0.01)

    monkeypatch.setattr(stopping, "TELL_SECONDS", 0.0)
    monkeypatch.setattr(cluster, "connect", lambda *given: None)
    monkeypatch.setattr(cluster, "_fit", fit)
    monkeypatch.setattr(cluster, "Ledger", lambda *given: ledger)
    with cancel.watching(ledger, agenda, options.launch, "small") as cancelled:
        if number is None:
            cluster.run(agenda, options, say=said.append)
        else:
            with pytest.raises(KeyboardInterrupt):
                cluster.run(agenda, options, say=said.append)
        assert number is not None or not cancelled.is_set()
    assert agenda.stopping and len(said) == 1 and "cannot be told to stop yet" in said[0]
    assert not store.list("stops")


def test_a_worker_begins_nothing_once_its_launch_is_to_begin_nothing_more(launch: Launch) -> None:
    given = ReadyJobs(launch.agenda, launch.ledger, "ours").suggest("first")
    assert isinstance(given, dict)
    launch.beside.look_seconds = 60.0
    assert not launch.worker.stop_waiting.asked()  # in the batch before, a moment ago
    launch.ledger.store.create(stop_waiting("ours"), b"")
    endings = run_remote(given["jobs"], launch.options, launch.worker)
    assert endings == ["not run"] * len(launch.agenda.under_way()) != []
    assert not launch.worker.stop.asked(), "what runs would be ended, too"
