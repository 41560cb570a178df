"""Whose attempt it is when a worker dies: only of a job that this launch has begun since it was handed out."""

from __future__ import annotations

import errno
from pathlib import Path

import pytest

from orchestrator.runners.node_health import NodeHealth
from orchestrator.runners.resources import CannotStart
from orchestrator.runners.searcher import MOST_BEFORE_BEGINNING, MOST_SPARED, ReadyJobs
from orchestrator.runners.shared_store import check_shared
from orchestrator.schedule.agenda import HELD_SECONDS, Agenda
from orchestrator.schedule.plan import make_plan
from orchestrator.store.folder import FolderStore
from orchestrator.store.jobs import Job
from orchestrator.store.ledger import MOST_ATTEMPTS, Ledger
from orchestrator.train.trial import run_trial
from sweeps.layout import driver
from sweeps.sweep import parse
from tests.orchestrator.small_runs import folder_of, opened

SWEEP = """
name: deaths
base:
  source: null
  target: {task: digits, size: 60}
  model: {family: resnet, depth: 8, width: 4}
  train: {epochs: 2}
axes: {seed: 0..1}
"""


class Desk:
    """An agenda with two jobs, its clock, and the searcher that hands them out."""

    def __init__(self, folder: Path) -> None:
        self.ledger, _ = opened(folder)
        plan = make_plan(parse(SWEEP), self.ledger)
        self.now = 0.0
        # Jobs so long that each comes alone.
        self.agenda = Agenda(plan, dict.fromkeys(plan.runs, 100.0), clock=lambda: self.now)
        self.others = False
        self.said: list[str] = []
        self.health = NodeHealth(lambda: self.now)
        self.jobs = ReadyJobs(
            self.agenda,
            self.ledger,
            "ours",
            self.health,
            lambda place, address: self.others,
            lambda text: self.said.append(text),
        )

    def handed_out(self, trial: str) -> Job:
        self.now += HELD_SECONDS
        assert isinstance(self.jobs.suggest(trial), dict)
        (job,) = self.jobs._batches[trial]
        return job

    def failures(self, job: Job) -> int:
        last = self.ledger.last_failure(job)
        return 0 if last is None else last[1]


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


def died_while_running(ledger: Ledger, job: Job, launch: str, progress: int = 0) -> None:
    lease = ledger.claim(job, launch)
    lease.stop_beating()
    content = (folder_of(ledger, job) / f"lease-{lease.token:06d}.json").read_text()
    # As of a process on another machine, of which nobody can know at once that it is gone.
    assert '"progress": 0' in content
    content = content.replace('"progress": 0', f'"progress": {progress}')
    changed = content.replace('"host": "', '"host": "node7-').replace('"boot": "', '"boot": "x')
    (folder_of(ledger, job) / f"lease-{lease.token:06d}.json").write_text(changed)


def expired(ledger: Ledger, job: Job) -> None:
    """The driver has watched the job's lease for long enough."""
    last = ledger.lease(job)
    assert last is not None
    ledger.watch.silent[ledger.place(job)] = last["holder"], last["beat"]


def test_a_worker_that_died_while_it_ran_a_job_costs_an_attempt_and_names_its_host(desk: Desk) -> None:
    job = desk.handed_out("first")
    died_while_running(desk.ledger, job, "ours")
    desk.jobs.died("first", "ActorDiedError")
    last = desk.ledger.last_failure(job)
    assert last is not None and last[1] == 1
    assert "WorkerDied" in last[0].error and last[0].host.startswith("node7-")


def test_a_run_that_comes_further_each_time_is_not_given_up(desk: Desk) -> None:
    """A long run on machines that are taken away: each death is written down, none is the last while it advances."""
    job = desk.handed_out("first")
    for epoch in range(1, MOST_ATTEMPTS + 3):
        died_while_running(desk.ledger, job, "ours", progress=epoch)
        desk.jobs.died("first" if epoch == 1 else f"again-{epoch}", "ActorDiedError")
        assert desk.failures(job) == epoch
        place = desk.ledger.place(job)
        desk.ledger.store.move(place.lease(epoch), place.released(epoch))  # as if it had expired
        assert desk.handed_out(f"again-{epoch + 1}") == job


def test_a_worker_that_died_before_it_began_costs_none(desk: Desk) -> None:
    for number in range(MOST_ATTEMPTS + 2):
        job = desk.handed_out(f"{number}")
        desk.jobs.died(f"{number}", "ActorDiedError")
        assert desk.failures(job) == 0
    assert "failed" not in desk.agenda.ended.values()


def make_unreadable(desk: Desk, patched: pytest.MonkeyPatch) -> None:
    """The driver cannot read the store until the patches are undone."""

    def fails(*given: object) -> None:
        raise OSError(errno.EIO, "Input/output error")

    for name in ("read", "list"):
        patched.setattr(desk.ledger.store, name, fails)


def test_a_store_that_fails_for_a_moment_does_not_end_the_launch(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """What became of the job is not known then: it is offered again."""
    job = desk.handed_out("first")
    with monkeypatch.context() as patched:
        make_unreadable(desk, patched)
        desk.jobs.died("first", "ActorDiedError")
        desk.jobs.on_trial_complete("none", None, error=True)
    assert not desk.agenda.ended and job not in desk.agenda.under_way()
    assert job in (desk.handed_out("second"), desk.handed_out("third"))


def test_the_lease_of_an_earlier_worker_is_no_beginning(desk: Desk) -> None:
    """Nor is that of another launch."""
    job = desk.handed_out("first")
    died_while_running(desk.ledger, job, "ours")
    desk.jobs.died("first", "ActorDiedError")
    assert desk.failures(job) == 1
    expired(desk.ledger, job)
    for number in range(MOST_ATTEMPTS + 1):
        again = desk.handed_out(f"again-{number}")
        desk.jobs.died(f"again-{number}", "ActorDiedError")
        assert desk.failures(again) == (1 if again == job else 0)
    other = desk.handed_out("other")
    while other == job:
        desk.jobs.on_trial_complete("other", {"endings": ["held"]})
        other = desk.handed_out("other")
    died_while_running(desk.ledger, other, "theirs")
    desk.jobs.died("other", "ActorDiedError")
    assert desk.failures(other) == 0


def test_workers_that_never_begin_end_the_launch_with_their_reason(desk: Desk) -> None:
    number = -1
    with pytest.raises(CannotStart, match=f"{MOST_BEFORE_BEGINNING} workers in a row ended .*: no such disk"):
        for number in range(MOST_BEFORE_BEGINNING + 1):
            desk.handed_out(f"{number}")
            desk.jobs.died(f"{number}", "no such disk")
    assert number == MOST_BEFORE_BEGINNING - 1


def test_a_job_that_was_run_in_between_starts_the_count_anew(desk: Desk) -> None:
    for number in range(3 * MOST_BEFORE_BEGINNING):
        desk.handed_out(f"{number}")
        if number % 5 == 4:
            desk.jobs.on_trial_complete(f"{number}", {"endings": ["stopped"]})
        else:
            desk.jobs.died(f"{number}", "node lost")


def test_a_runtime_environment_that_fails_from_the_start_ends_it_soon(desk: Desk) -> None:
    number = -1
    with pytest.raises(CannotStart, match="3 workers in a row ended before they began a run: RuntimeEnvSetupError: no"):
        for number in range(MOST_ATTEMPTS + 1):
            desk.handed_out(f"{number}")
            desk.jobs.died(f"{number}", "RuntimeEnvSetupError: no space")
    assert number == MOST_ATTEMPTS - 1


BLACK_HOLE = (
    "RuntimeEnvSetupError: Failed to set up runtime environment.\n[Node 10.0.0.7] Traceback (most recent call last):\n"
    "  File agent.py\nOSError: Failed to download runtime_env file package gcs://_ray_pkg_1.zip\n"
)
NOT_SHARED = (
    "ray::Worker.train() (pid=7, ip=10.0.0.7)\n    raise StoreNotShared(\n"
    "orchestrator.runners.shared_store.StoreNotShared: [Node 10.0.0.7] host w7: /data/store is not the store that ..."
)


def test_a_host_where_nothing_begins_costs_no_attempt_and_no_launch_while_there_are_others(desk: Desk) -> None:
    desk.others = True
    for number in range(10 * MOST_BEFORE_BEGINNING):
        job = desk.handed_out(f"{number}")
        desk.jobs.died(f"{number}", BLACK_HOLE)
        assert desk.failures(job) == 0
    assert desk.health.avoided() == {"10.0.0.7"} and not desk.agenda.ended
    why = "workers end there before they begin a run: OSError: Failed to download runtime_env file package"
    assert desk.said[0].startswith(f"no runs are sent to 10.0.0.7 for 30 s: {why}")
    # It is tried again after a pause that doubles, and each time that is said.
    assert len(desk.said) == 5 and "for 480 s" in desk.said[-1]


def test_its_jobs_go_elsewhere_at_once(desk: Desk) -> None:
    desk.others = True
    for number in range(3):
        assert isinstance(desk.jobs.suggest(f"{number}"), dict)
        desk.jobs.died(f"{number}", BLACK_HOLE)
    assert isinstance(desk.jobs.suggest("third"), dict)


def test_workers_that_never_begin_do_not_end_a_launch_in_which_one_runs(desk: Desk) -> None:
    """Of no host that Ray names, so that none can be avoided."""
    running = desk.handed_out("running")
    died_while_running(desk.ledger, running, "ours")  # its lease lies there; its worker has not been missed yet
    for number in range(3 * MOST_BEFORE_BEGINNING):
        desk.handed_out(f"{number}")
        desk.jobs.died(f"{number}", "no such disk")
    desk.jobs.on_trial_complete("running", {"endings": ["held"]})
    with pytest.raises(CannotStart, match="no such disk"):
        for number in range(MOST_BEFORE_BEGINNING):
            desk.handed_out(f"again-{number}")
            desk.jobs.died(f"again-{number}", "no such disk")


def test_a_host_that_sees_another_store_is_told_of_in_one_line_and_avoided(desk: Desk) -> None:
    desk.others = True
    for number in range(3):
        job = desk.handed_out(f"{number}")
        desk.jobs.died(f"{number}", NOT_SHARED)
        assert desk.failures(job) == 0
    told = "host w7: /data/store is not the store that ..."
    assert desk.said == [f"no runs are sent to 10.0.0.7 for 30 s: {told}"]
    assert desk.health.avoided() == {"10.0.0.7"}


def test_a_store_that_no_host_shares_ends_the_launch(desk: Desk) -> None:
    desk.handed_out("first")
    with pytest.raises(CannotStart, match=r"^host w7: /data/store is not the store that \.\.\.$"):
        desk.jobs.died("first", NOT_SHARED)


class WithoutKeys(FolderStore):
    def exists(self, key: str) -> bool:
        raise OSError(errno.EACCES, "no keys")


def unreadable() -> str:
    """What Ray says of a worker that cannot read the store: the error itself, under its full name."""
    try:
        check_shared(WithoutKeys(Path("none")), driver("ours"), "s3://b", "10.0.0.7", patience=0.0)
    except RuntimeError as error:
        called = f"{type(error).__module__}.{type(error).__qualname__}"
        return f"ray::Worker.train() (pid=7, ip=10.0.0.7)\n    raise {type(error).__qualname__}(\n{called}: {error}"
    raise AssertionError("the store was read")


UNREADABLE = unreadable()


def test_a_store_that_a_worker_cannot_read_is_tried_again(desk: Desk) -> None:
    """On the only host, as long as it fails for less than ten workers in a row; nobody loses an attempt."""
    for number in range(3 * MOST_BEFORE_BEGINNING):
        job = desk.handed_out(f"{number}")
        if number % MOST_BEFORE_BEGINNING == MOST_BEFORE_BEGINNING - 1:
            desk.jobs.on_trial_complete(f"{number}", {"endings": ["stopped"]})
        else:
            desk.jobs.died(f"{number}", UNREADABLE)
        assert desk.failures(job) == 0
    assert not desk.agenda.ended


def test_a_store_that_no_worker_can_read_ends_the_launch_with_the_reason(desk: Desk) -> None:
    number = -1
    with pytest.raises(CannotStart, match=r": host \S+: s3://b cannot be read there: no keys$"):
        for number in range(MOST_BEFORE_BEGINNING + 1):
            desk.handed_out(f"{number}")
            desk.jobs.died(f"{number}", UNREADABLE)
    assert number == MOST_BEFORE_BEGINNING - 1


@pytest.mark.parametrize("reason", [UNREADABLE, "node lost"])
def test_runs_whose_leases_the_driver_cannot_read_may_be_under_way(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, reason: str
) -> None:
    running = desk.handed_out("running")
    died_while_running(desk.ledger, running, "ours")
    with monkeypatch.context() as patched:
        make_unreadable(desk, patched)
        for number in range(3 * MOST_BEFORE_BEGINNING):
            assert desk.handed_out(f"{number}") != running
            desk.jobs.died(f"{number}", reason)
    assert desk.agenda.under_way() == [running]


def test_a_store_that_is_gone_for_good_ends_the_launch(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of a batch that was handed out after the store had gone nobody takes it that it runs."""
    make_unreadable(desk, monkeypatch)
    number, beside = -1, desk.handed_out("beside")
    with pytest.raises(CannotStart, match=r"cannot be read there: no keys$"):
        for number in range(MOST_BEFORE_BEGINNING + 1):
            assert desk.handed_out(f"{number}") != beside
            desk.jobs.died(f"{number}", UNREADABLE)
    assert number == MOST_BEFORE_BEGINNING - 1


def test_a_host_where_workers_die_one_after_the_other_is_avoided(desk: Desk) -> None:
    reason = "ActorDiedError: The actor died unexpectedly before finishing this task.\n\tpid: 4\n\tip: 10.0.0.8\n"
    first = desk.handed_out("first")
    died_while_running(desk.ledger, first, "ours")
    desk.jobs.died("first", reason)
    assert desk.failures(first) == 1 and not desk.health.avoided()
    second = desk.handed_out("second")
    (folder_of(desk.ledger, second) / "lease-000001.json").unlink(missing_ok=True)
    died_while_running(desk.ledger, second, "ours")
    desk.jobs.died("second", reason)
    assert desk.health.avoided() == {"10.0.0.8"}
    for ending, avoided in (("held", True), ("not run", True), ("stopped", False)):
        for job in (first, second):
            expired(desk.ledger, job)
            desk.agenda.judge(job, alive=False)
        desk.now += HELD_SECONDS
        assert isinstance(desk.jobs.suggest(ending), dict)
        desk.jobs.on_trial_complete(ending, {"endings": [ending], "address": "10.0.0.8"})
        assert bool(desk.health.avoided()) == avoided


ECC = "CUDA error: uncorrectable ECC error encountered"


def failed(desk: Desk, trial: str, address: str, error: str = ECC) -> Job:
    """The next job is handed out to a worker at an address, and fails there."""
    job = desk.handed_out(trial)
    desk.ledger.fail(job, RuntimeError(error))
    desk.jobs.on_trial_complete(trial, {"endings": ["failed"], "address": address})
    return job


def test_a_host_where_every_run_fails_uses_up_no_attempts_and_is_avoided(desk: Desk) -> None:
    """A GPU that raises for each run, but does not end the worker: it fails all of them in seconds."""
    desk.others = True
    for number in range(2 * MOST_ATTEMPTS):
        failed(desk, f"{number}", "10.0.0.7")
    assert not desk.agenda.ended and desk.health.avoided() == {"10.0.0.7"}
    why = f"runs fail there and not elsewhere: RuntimeError: {ECC}"
    assert desk.said[0] == f"no runs are sent to 10.0.0.7 for 30 s: {why}"
    config = desk.jobs.suggest("on its worker that is still there")
    assert isinstance(config, dict) and config["avoided"] == ["10.0.0.7"]
    desk.jobs.died("on its worker that is still there", "exit_actor() was called")
    for trial in ("one", "two"):
        desk.handed_out(trial)
        desk.jobs.on_trial_complete(trial, {"endings": ["done"], "address": "10.0.0.8"})
    assert [*desk.agenda.ended.values()] == ["done", "done"] and desk.agenda.finished()


def test_a_job_that_was_held_elsewhere_says_nothing_of_the_host_that_drew_it(desk: Desk) -> None:
    """A host where each run fails is free most often, and draws them."""
    desk.others = True
    failed(desk, "first", "10.0.0.7")
    desk.handed_out("held")
    desk.jobs.on_trial_complete("held", {"endings": ["held"], "address": "10.0.0.7"})
    failed(desk, "second", "10.0.0.7")
    assert desk.health.avoided() == {"10.0.0.7"}


def test_workers_that_leave_a_host_that_is_avoided_are_no_sign_of_a_launch_that_cannot_start(desk: Desk) -> None:
    """A host of many cores has as many workers, each of which ends with its next trial; elsewhere none may be up."""
    desk.others = True
    for number in range(2):
        failed(desk, f"{number}", "10.0.0.7")
    desk.now += HELD_SECONDS
    for number in range(3 * MOST_BEFORE_BEGINNING):
        assert isinstance(desk.jobs.suggest(f"left-{number}"), dict)
        desk.jobs.died(f"left-{number}", "The actor exited because of exit_actor()")
    assert not desk.agenda.ended and not desk.agenda.under_way()


def test_a_run_that_fails_alike_where_one_was_completed_has_failed_itself(desk: Desk) -> None:
    """And the host that was avoided for it gets runs again; another run that fails so is decided at once."""
    desk.others = True
    desk.health.worked("10.0.0.8")
    jobs = {failed(desk, f"first-{number}", "10.0.0.7") for number in range(2)}
    assert len(jobs) == 2 and desk.health.avoided() == {"10.0.0.7"} and not desk.agenda.ended
    number = 0
    while not desk.agenda.finished():
        failed(desk, f"second-{number}", "10.0.0.8")
        assert not desk.health.avoided()
        number += 1
    assert number == 2 * MOST_ATTEMPTS and [*desk.agenda.ended.values()] == ["failed", "failed"]


def test_a_data_set_that_is_missing_on_two_hosts_ends_no_run(desk: Desk) -> None:
    desk.others = True
    for number, address in enumerate(("10.0.0.7", "10.0.0.7", "10.0.0.8", "10.0.0.8")):
        failed(desk, f"{number}", address, "no such data set")
    assert desk.health.avoided() == {"10.0.0.7", "10.0.0.8"}
    for trial in ("one", "two"):
        desk.handed_out(trial)
        desk.jobs.on_trial_complete(trial, {"endings": ["done"], "address": "10.0.0.9"})
    assert [*desk.agenda.ended.values()] == ["done", "done"]


def test_only_a_result_shows_that_a_host_completes_runs(desk: Desk) -> None:
    desk.others = True
    for trial, ending, blamed in (("stopped", "stopped", False), ("done", "done", True)):
        desk.handed_out(trial)
        desk.jobs.on_trial_complete(trial, {"endings": [ending], "address": "10.0.0.7"})
        desk.health.at_fault("10.0.0.7", trial, trial)
        assert desk.health.at_fault("10.0.0.8", trial, trial) != blamed


def test_runs_that_each_fail_in_their_own_way_are_no_sign_of_a_broken_host(desk: Desk) -> None:
    desk.others = True
    for number, letter in enumerate("abcd"):
        failed(desk, f"{number}", "10.0.0.7", f"bad {letter}")
    assert not desk.health.avoided() and not desk.said


def test_what_fails_on_the_only_host_counts(desk: Desk) -> None:
    number = 0
    while not desk.agenda.finished():
        failed(desk, f"{number}", "10.0.0.7")
        number += 1
    assert number <= 2 * MOST_ATTEMPTS and [*desk.agenda.ended.values()] == ["failed", "failed"]
    assert not desk.said


def test_a_job_is_not_spared_for_ever(desk: Desk) -> None:
    desk.others, number = True, 0
    while not desk.agenda.finished():
        failed(desk, f"{number}", "10.0.0.7")
        number += 1
    assert number == 2 * (MOST_SPARED + MOST_ATTEMPTS)


def test_deaths_are_followed_by_a_pause(desk: Desk) -> None:
    first = desk.handed_out("first")
    desk.jobs.died("first", "exited as it was told")  # the first death needs none
    second = desk.handed_out("second")
    assert second != first
    desk.jobs.died("second", "node lost")
    assert isinstance(desk.jobs.suggest("third"), dict) and desk.jobs._batches["third"] == [first]
    assert desk.jobs.suggest("fourth") is None
    assert desk.handed_out("fifth") == second


def test_a_source_that_diverged_in_the_batch_of_a_worker_that_died_blocks_its_run(tmp_path: Path) -> None:
    ledger, options = opened(tmp_path)
    source = 'source: {task: "glyphs[A-D]", size: 40, epochs: 1, optimizer: sgd, learning_rate: 1.0e+30}'
    plan = make_plan(parse(SWEEP.replace("source: null", source)), ledger)
    agenda = Agenda(plan, dict.fromkeys([*plan.sources, *plan.runs], 1.0))
    jobs = ReadyJobs(agenda, ledger, "ours")
    assert isinstance(jobs.suggest("first"), dict)
    (job, *_) = jobs._batches["first"]
    assert job.kind == "source" and run_trial(job, options) == "diverged"
    jobs.died("first", "node lost")
    assert agenda.ended == {job.id: "diverged"}
    assert agenda.blocked == {id for id, run in plan.runs.items() if run.needs == job.id}
    assert len(agenda.blocked) == 1
