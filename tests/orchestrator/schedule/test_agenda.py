"""The agenda: sources first, runs as soon as theirs is there, failures tried again and then final."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

from orchestrator.schedule.agenda import HELD_SECONDS, LONGEST_HELD_SECONDS, Agenda
from orchestrator.schedule.forecast import forecast
from orchestrator.schedule.plan import Plan, make_plan
from orchestrator.store.jobs import Job
from orchestrator.store.ledger import MOST_ATTEMPTS, Ledger
from orchestrator.train.trial import run_trial
from sweeps.sweep import parse
from tests.orchestrator.small_runs import opened, source_of

SWEEP = """
name: agenda
base:
  source: {task: "glyphs[A-D]", size: 40, epochs: 1}
  target: {task: digits, size: 60}
  model: {family: resnet, depth: 8, width: 4}
  train: {epochs: 2}
axes:
  transfer.frozen: [0, 3, 7]
  seed: 0..1
blocks:
  - base: {source: null}
    axes: {seed: 0..1}
"""


def agenda_of(plan: Plan, clock: Callable[[], float] = time.monotonic) -> Agenda:
    return Agenda(plan, forecast(plan, workers=1).costs.seconds, clock=clock)


def made(tmp_path: Path) -> tuple[Agenda, Ledger]:
    ledger, _ = opened(tmp_path)
    return agenda_of(make_plan(parse(SWEEP), ledger)), ledger


def taken(agenda: Agenda) -> list[Job]:
    jobs = []
    while (job := agenda.take()) is not None:
        jobs.append(job)
    return jobs


def test_sources_first_and_runs_without_a_source_beside_them(tmp_path: Path) -> None:
    agenda, _ = made(tmp_path)
    first = taken(agenda)
    assert [job.kind for job in first] == ["source", "source", "run", "run"]
    assert all(job.needs is None for job in first)
    assert not agenda.finished()


def test_runs_become_ready_with_their_own_source_not_with_all(tmp_path: Path) -> None:
    agenda, _ = made(tmp_path)
    first = taken(agenda)
    agenda.end(first[0], "done")
    ready = taken(agenda)
    assert [job.needs for job in ready] == [first[0].id] * 3
    assert [job.spec.transfer.frozen for job in ready] == [0, 3, 7]  # longest first


def test_a_failed_job_is_tried_again_and_then_blocks_what_needs_it(tmp_path: Path) -> None:
    agenda, _ = made(tmp_path)
    source, *others = taken(agenda)
    for _ in range(MOST_ATTEMPTS - 1):
        agenda.end(source, "failed")
        assert agenda.take() == source
    agenda.end(source, "failed")
    assert agenda.ended == {source.id: "failed"}
    assert len(agenda.blocked) == 3
    for job in others:
        agenda.end(job, "done")
    for job in taken(agenda):
        agenda.end(job, "done")
    assert agenda.finished() and agenda.remaining_cost() == 0


def test_a_job_held_elsewhere_is_offered_again_later(tmp_path: Path) -> None:
    clock = [0.0]
    ledger, _ = opened(tmp_path)
    agenda = agenda_of(make_plan(parse(SWEEP), ledger), lambda: clock[0])
    jobs = taken(agenda)
    for job in jobs:
        agenda.end(job, "held")
    assert agenda.take() is None and not agenda.finished() and agenda.held() == jobs
    clock[0] += LONGEST_HELD_SECONDS - 0.1
    assert agenda.take() is None
    clock[0] += 0.1
    assert set(taken(agenda)) == set(jobs) and agenda.held() == []


def test_a_held_job_is_offered_once_its_holder_is_gone_and_not_while_that_lives(tmp_path: Path) -> None:
    clock = [0.0]
    ledger, _ = opened(tmp_path)
    agenda = agenda_of(make_plan(parse(SWEEP), ledger), lambda: clock[0])
    alive, gone = (job for _ in range(2) if (job := agenda.take()) is not None)
    for job in (alive, gone):
        agenda.end(job, "held")
    others = taken(agenda)
    for job in others:
        agenda.end(job, "not run")
    agenda.judge(gone, alive=False)
    assert set(taken(agenda)) == set(others)  # before a short pause is over
    for job in others:
        agenda.end(job, "not run")
    for _ in range(100):
        agenda.judge(alive, alive=True)
        clock[0] += HELD_SECONDS
    assert agenda.take() == gone  # before its equals: it has been begun
    assert set(taken(agenda)) == set(others) and agenda.held() == [alive]
    agenda.judge(alive, alive=False)
    assert agenda.take() == alive


def test_a_job_that_is_postponed_is_offered_after_a_pause(tmp_path: Path) -> None:
    clock = [0.0]
    ledger, _ = opened(tmp_path)
    agenda = agenda_of(make_plan(parse(SWEEP), ledger), lambda: clock[0])
    jobs = taken(agenda)
    for job in jobs:
        agenda.postpone(job)
    clock[0] += HELD_SECONDS - 0.1
    assert agenda.take() is None and agenda.under_way() == []
    clock[0] += 0.1
    assert taken(agenda) == jobs


def test_no_source_is_trained_twice(tmp_path: Path) -> None:
    ledger, options = opened(tmp_path)
    plan = make_plan(parse(SWEEP), ledger)
    source = source_of(next(job.spec for job in plan.runs.values() if job.needs))
    assert run_trial(source, options) == "done"
    longer = make_plan(parse(SWEEP.replace("seed: 0..1", "seed: 0..2")), ledger)
    assert source.id not in {job.id for job in longer.open_sources}
    assert len(longer.open_sources) == 2
    assert len(longer.open_runs) == 12


def test_a_plan_of_a_recorded_sweep_equals_the_first(tmp_path: Path) -> None:
    ledger, _ = opened(tmp_path)
    fresh = make_plan(parse(SWEEP), ledger)
    ledger.save_sweep(fresh.record())
    recorded = make_plan(parse(SWEEP), ledger)
    assert (recorded.runs, recorded.sources, recorded.statuses) == (fresh.runs, fresh.sources, fresh.statuses)


def test_runs_of_a_failed_source_are_shown_as_blocked(tmp_path: Path) -> None:
    ledger, _ = opened(tmp_path)
    plan = make_plan(parse(SWEEP), ledger)
    source = next(iter(plan.sources.values()))
    ledger.fail(source, RuntimeError("no"))
    plan.read_statuses(ledger)
    assert plan.counts(plan.runs) == {"blocked": 3, "missing": 5}
    assert plan.counts(plan.sources) == {"failed": 1, "missing": 1}


def test_nothing_starts_from_a_diverged_source(tmp_path: Path) -> None:
    """Neither in the launch in which it diverged nor in a later one: its weights are no numbers."""
    ledger, options = opened(tmp_path)
    text = SWEEP.replace("epochs: 1}", "epochs: 1, optimizer: sgd, learning_rate: 1e30}")
    plan = make_plan(parse(text), ledger)
    agenda = agenda_of(plan)
    for job in (job for job in taken(agenda) if job.kind == "source"):
        assert run_trial(job, options) == "diverged"
        agenda.end(job, "diverged")
    assert len(agenda.blocked) == 6
    plan.read_statuses(ledger)
    assert plan.counts(plan.runs) == {"blocked": 6, "missing": 2}
    assert {job.id for job in plan.runs.values()} - {job.id for job in plan.open_runs} == agenda.blocked
    assert {job.needs for job in taken(agenda_of(plan))} == {None}


def test_a_launch_ends_once_enough_jobs_have_failed_alike(tmp_path: Path) -> None:
    ledger, _ = opened(tmp_path)
    plan = make_plan(parse(SWEEP.replace("seed: 0..1}", "seed: 0..5}")), ledger)
    errors: dict[str, str] = {}
    costs = forecast(plan, workers=1).costs.seconds
    agenda = Agenda(plan, costs, error_of=lambda job: errors[job.id], most_alike=3)
    jobs = [job for job in taken(agenda) if job.kind == "run"]
    errors |= {job.id: f"OSError: /data/{number}: no such file" for number, job in enumerate(jobs[:3])}
    errors[jobs[3].id] = "ValueError: another"
    order = [jobs[0], jobs[3], jobs[1], jobs[2]]
    for job in order:
        for attempt in range(MOST_ATTEMPTS):
            assert agenda.alike is None and not agenda.stopping
            agenda.end(job, "failed")
            if attempt < MOST_ATTEMPTS - 1:
                assert agenda.take() == job
    assert agenda.alike == (3, "OSError: /data/2: no such file") and agenda.stopping
    assert agenda.take() is None


def test_what_is_done_of_running_jobs_counts(tmp_path: Path) -> None:
    agenda, _ = made(tmp_path)
    whole = agenda.remaining_cost({})
    job = agenda.take()
    assert job is not None
    assert agenda.remaining_cost({}) == whole
    assert agenda.remaining_cost({job.id: 0.75}) == whole - 0.75 * agenda.costs[job.id]


def test_what_ran_out_of_memory_comes_last_alone_and_once(tmp_path: Path) -> None:
    agenda, _ = made(tmp_path)
    first = taken(agenda)
    victim, beside = first[2], [first[0], first[1], first[3]]
    agenda.end(victim, "memory")
    for job in beside:
        agenda.end(job, "done")
    rest = taken(agenda)
    assert victim not in rest and len(rest) == 6
    for job in rest[1:]:
        agenda.end(job, "done")
    assert agenda.take() is None and not agenda.finished()  # one is still running
    agenda.end(rest[0], "failed")
    assert agenda.take() == rest[0]  # tried again, still before it
    agenda.end(rest[0], "done")
    assert taken(agenda) == [victim]
    agenda.end(victim, "memory")
    assert agenda.finished() and agenda.ended[victim.id] == "failed"


def test_nothing_starts_beside_a_job_that_must_be_alone(tmp_path: Path) -> None:
    agenda, _ = made(tmp_path)
    first = taken(agenda)
    agenda.end(first[0], "memory")  # a source: its three runs wait for it
    for job in first[1:]:
        agenda.end(job, "done")
    for job in taken(agenda):
        agenda.end(job, "done")
    assert agenda.take() == first[0]
    agenda.end(first[0], "done")
    assert len(taken(agenda)) == 3


def test_a_job_whose_worker_was_told_to_go_loses_no_attempt(tmp_path: Path) -> None:
    agenda, _ = made(tmp_path)
    job, *_ = first = taken(agenda)
    for _ in range(MOST_ATTEMPTS + 1):
        agenda.end(job, "stopped")
        assert taken(agenda) == [job]
    agenda.stopping = True
    for each in first:
        agenda.end(each, "stopped")
    assert agenda.take() is None and agenda.finished()


def test_a_run_that_comes_further_each_time_is_not_given_up(tmp_path: Path) -> None:
    agenda, _ = made(tmp_path)
    source, *_ = taken(agenda)
    for progress in range(1, 10):  # taken away nine times, each time further on
        agenda.end(source, "failed", progress)
        assert agenda.take() == source
    for _ in range(MOST_ATTEMPTS - 2):  # and from there no further
        agenda.end(source, "failed", 9)
        assert agenda.take() == source
    agenda.end(source, "failed", 9)
    assert agenda.ended == {source.id: "failed"}


def test_a_run_longer_than_all_that_waits_for_a_source_comes_first(tmp_path: Path) -> None:
    ledger, _ = opened(tmp_path)
    plan = make_plan(parse(SWEEP), ledger)
    costs = forecast(plan, workers=1).costs.seconds
    alone = next(job.id for job in plan.open_runs if job.needs is None)
    first = Agenda(plan, {**costs, alone: 10 * sum(costs.values())}, workers=4).take()
    assert first is not None and first.id == alone


def test_what_waits_for_a_source_is_shared_among_the_workers(tmp_path: Path) -> None:
    ledger, _ = opened(tmp_path)
    plan = make_plan(parse(SWEEP), ledger)
    alone = [job.id for job in plan.open_runs if job.needs is None]
    costs = {**dict.fromkeys((*plan.sources, *plan.runs), 1.0), **dict.fromkeys(alone, 3.5)}
    first = {workers: Agenda(plan, costs, workers).take() for workers in (1, 2)}
    kinds = {workers: job.kind for workers, job in first.items() if job is not None}
    assert kinds == {1: "source", 2: "run"}  # three runs wait for a source: 1 + 3 / 1, and 1 + 3 / 2
