"""The driver's looks at leases: whom it ends, what it keeps back, and what its workers are told."""

from __future__ import annotations

import errno
import json
import os
import signal
from pathlib import Path

import pytest

from orchestrator.runners import remote, watchdog
from orchestrator.runners.batch import from_text, to_text
from orchestrator.runners.searcher import ReadyJobs
from orchestrator.schedule.agenda import Agenda
from orchestrator.schedule.plan import make_plan
from orchestrator.store import lease as leases
from orchestrator.store.jobs import Job
from orchestrator.store.lease import Held, Lease
from orchestrator.store.ledger import Ledger
from orchestrator.train.options import Ending, TrialOptions
from orchestrator.train.worker_state import WorkerState
from sweeps.layout import driver
from sweeps.sweep import parse
from tests.orchestrator.small_runs import opened, path_of, seeds_sweep

SWEEP = seeds_sweep(10)
BEAT, EXPIRY = 2.0, 60.0


class Driver:
    """A driver's looks at a real store, each at a time of its own clock; whom it would have ended."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.ledger, self.options = opened(folder)
        self.plan = make_plan(parse(SWEEP), self.ledger)
        self.now = 1000.0
        self.agenda = Agenda(self.plan, dict.fromkeys(self.plan.runs, 100.0), clock=lambda: self.now)
        self.jobs = ReadyJobs(self.agenda, self.ledger, "ours")
        self.ended: list[int] = []
        self.ledger.store.create(driver("ours"), b"told")
        monkeypatch.setattr(leases.time, "monotonic", lambda: self.now)
        monkeypatch.setattr(watchdog.os, "kill", self._kill)

    def _kill(self, pid: int, number: int) -> None:
        assert number == signal.SIGKILL
        self.ended.append(pid)

    def look(self, seconds: float, worker: Lease | None = None) -> None:
        """At each heartbeat for so long; `worker` has its own just after."""
        for _ in range(round(seconds / BEAT)):
            self.now += BEAT
            watchdog.end_hung(self.agenda, self.ledger, "ours")
            watchdog.judge_held(self.agenda, self.ledger, "ours")
            if worker is not None:
                worker.beat()

    def begun(self) -> Lease:
        """A job that a worker of this launch has begun, on this machine: this process plays it."""
        job = self.agenda.take()
        assert job is not None
        lease = self.ledger.claim(job, "ours")
        lease.stop_beating()
        return lease

    def suggested(self, trial: str) -> str | None:
        """The batch that a worker is given."""
        config = self.jobs.suggest(trial)
        return config["jobs"] if isinstance(config, dict) else None


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Driver:
    return Driver(tmp_path, monkeypatch)


def refuse(desk: Driver, monkeypatch: pytest.MonkeyPatch, number: int, *names: str) -> None:
    """Until the patches are undone."""

    def refuses(*given: object) -> None:
        raise OSError(number, os.strerror(number))

    for name in names:
        monkeypatch.setattr(desk.ledger.store, name, refuses)


def test_a_worker_without_a_heartbeat_is_ended(desk: Driver) -> None:
    desk.begun()
    desk.look(EXPIRY)
    assert desk.ended == []
    desk.look(BEAT)
    assert desk.ended == [os.getpid()]


@pytest.mark.parametrize(
    ("number", "names"), [(errno.EIO, ("read", "list", "heartbeat")), (errno.ENOSPC, ("heartbeat",))]
)
def test_workers_live_through_an_outage_of_the_store_and_a_full_disk(
    desk: Driver, monkeypatch: pytest.MonkeyPatch, number: int, names: tuple[str, ...]
) -> None:
    """Their heartbeats fail as the driver's own writes do; the first look afterwards may come before their next one."""
    worker = desk.begun()
    desk.look(10, worker)
    desk.look(BEAT)  # it has seen the last heartbeat
    with monkeypatch.context() as patched:
        refuse(desk, patched, number, *names)
        desk.look(70, worker)
    desk.look(BEAT)
    assert desk.ended == []
    desk.look(100, worker)
    assert desk.ended == []
    desk.look(EXPIRY + BEAT)
    assert desk.ended == [os.getpid()]


def test_workers_live_through_a_suspension_of_the_whole_job(desk: Driver) -> None:
    """Driver and workers wake together, in any order."""
    worker = desk.begun()
    desk.look(10, worker)
    desk.look(BEAT)
    desk.now += 3600
    desk.look(2 * BEAT)
    desk.look(100, worker)
    assert desk.ended == []


def elsewhere(ledger: Ledger, job: Job, beat: int = 7) -> None:
    """A lease of a process on another machine, of which one look tells nothing."""
    told = {"holder": "x", "token": 1, "beat": beat, "progress": 1, "epochs": 2, "launch": "theirs"}
    process = {"host": "w7", "boot": "b", "namespace": "n", "pid": 1, "pid_start": "1"}
    path = path_of(ledger, ledger.place(job).lease(1))
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({**told, **process}))


def test_a_lost_hosts_run_is_taken_by_the_next_worker_whoever_that_is(desk: Driver) -> None:
    """Each worker looks once, since it is given a long run afterwards: none could find out by itself."""
    lost = next(iter(desk.plan.runs.values()))
    elsewhere(desk.ledger, lost)
    drawn: list[str] = []
    for number in range(8):
        text = desk.suggested(f"{number}")
        assert text is not None
        state = WorkerState(desk.options)
        (job,) = from_text(text, (), state.ledger.watch)
        state.ledger.claim(job).release()
        drawn.append(job.id)
        desk.look(10)
    assert drawn.index(lost.id) == 6 and len(set(drawn)) == 8  # at the first one after the expiry


def test_of_a_holder_that_moved_since_the_driver_looked_nothing_is_taken(desk: Driver) -> None:
    lost = next(iter(desk.plan.runs.values()))
    elsewhere(desk.ledger, lost)
    assert desk.suggested("another") is not None
    desk.look(70)
    text = desk.suggested("first")
    assert text is not None
    elsewhere(desk.ledger, lost, beat=8)
    state = WorkerState(desk.options)
    (job,) = from_text(text, (), state.ledger.watch)
    assert job == lost
    with pytest.raises(Held):
        state.ledger.claim(job)


def test_a_source_model_that_a_lost_host_trained_again_is_known_to_be_free(tmp_path: Path) -> None:
    ledger, options = opened(tmp_path)
    text = SWEEP.replace("source: null", 'source: {task: "glyphs[A-D]", size: 40}')
    plan = make_plan(parse(text), ledger)
    run = next(iter(plan.runs.values()))
    source = plan.sources[run.needs or ""]
    elsewhere(ledger, source)
    ledger.watch.silent[ledger.place(source)] = "x", 7
    state = WorkerState(options)
    assert list(from_text(to_text([run], ledger.watch), (), state.ledger.watch)) == [run]
    state.ledger.claim(source).release()


def test_jobs_that_another_driver_holds_cost_no_trial_while_it_holds_them(desk: Driver) -> None:
    """For an hour. Then they come at once, and what is done is found so."""
    jobs = list(desk.plan.runs.values())
    for beat in range(180):
        for job in jobs:
            elsewhere(desk.ledger, job, beat)
        assert desk.suggested(f"{beat}") is None and not desk.agenda.finished()
        desk.now += 20 - BEAT
        desk.look(BEAT)
    for job in jobs:
        place = desk.ledger.place(job)
        desk.ledger.store.move(place.lease(1), place.released(1))
    desk.look(BEAT)
    assert all(desk.suggested(f"free-{number}") is not None for number in range(len(jobs)))


def test_what_the_driver_cannot_judge_is_tried_once_a_minute(desk: Driver, monkeypatch: pytest.MonkeyPatch) -> None:
    """The workers say then what is wrong with the store."""
    jobs = list(desk.plan.runs.values())
    for job in jobs:
        elsewhere(desk.ledger, job)
    assert desk.suggested("first") is None
    refuse(desk, monkeypatch, errno.EIO, "read", "list", "heartbeat")
    desk.look(58)
    assert desk.suggested("second") is None
    desk.look(BEAT)
    assert desk.suggested("third") is not None


def test_a_worker_that_is_told_runs_the_job(desk: Driver, monkeypatch: pytest.MonkeyPatch) -> None:
    """Through `run_remote`, as on Ray; the training itself is left out."""
    lost = next(iter(desk.plan.runs.values()))
    elsewhere(desk.ledger, lost)
    desk.ledger.watch.silent[desk.ledger.place(lost)] = "x", 7
    text = desk.suggested("first")
    assert text is not None

    def claimed(job: Job, options: TrialOptions, state: WorkerState) -> Ending:
        try:
            state.ledger.claim(job).release()
        except Held:
            return "held"
        return "done"

    monkeypatch.setattr(remote, "run_trial", claimed)
    assert remote.run_remote(text, desk.options, WorkerState(desk.options)) == ["done"]
