"""The queue of ready jobs: longest first, jobs of one start side by side, batches that starve nobody, no full scan."""

from __future__ import annotations

from pathlib import Path

import pytest

from orchestrator.schedule.agenda import Agenda
from orchestrator.schedule.job_queue import Ready
from orchestrator.schedule.plan import make_plan
from orchestrator.store.jobs import Job
from sweeps.sweep import parse
from tests.orchestrator.small_runs import opened, run_of, small, source_of

SWEEP = """
name: batches
base:
  source: {task: "glyphs[A-D]", size: 40, epochs: 1}
  target: {task: digits, size: 60}
  model: {family: resnet, depth: 8, width: 4}
  train: {epochs: 2}
axes:
  transfer.frozen: [0, 3, 7]
  train.learning_rate: [0.001, 0.002, 0.003, 0.004]
  seed: 0..1
"""


def agenda_of(tmp_path: Path, source: float = 10.0, run: float = 1.0, workers: int = 1) -> Agenda:
    plan = make_plan(parse(SWEEP), opened(tmp_path)[0])
    costs = dict.fromkeys(plan.sources, source) | dict.fromkeys(plan.runs, run)
    return Agenda(plan, costs, workers)


def cuts(batch: list[Job]) -> list[tuple[int, int]]:
    return [(job.spec.seed, job.spec.transfer.frozen) for job in batch]


def sources_done(agenda: Agenda) -> None:
    while (job := agenda.take()) is not None:
        assert job.kind == "source"
        agenda.end(job, "done")
        if not any(agenda._waiting.values()):
            return


def test_a_batch_holds_one_source_and_cut_first_then_the_same_source(tmp_path: Path) -> None:
    agenda = agenda_of(tmp_path)
    sources_done(agenda)
    assert cuts(agenda.take_batch(4.0)) == [(0, 0)] * 4
    batch = agenda.take_batch(6.0)
    assert cuts(batch) == [(0, 3)] * 4 + [(0, 7)] * 2
    assert set(agenda.running) >= {job.id for job in batch}
    assert cuts(agenda.take_batch(5.0)) == [(0, 7)] * 2 + [(1, 0)] * 3  # the source is used up: the next in line


def test_a_batch_leaves_every_worker_something(tmp_path: Path) -> None:
    agenda = agenda_of(tmp_path, workers=4)
    sources_done(agenda)
    sizes = []
    while batch := agenda.take_batch(1e9):
        sizes.append(len(batch))
    assert sizes[0] == 24 // 8
    assert sizes == sorted(sizes, reverse=True) and sum(sizes) == 24
    assert sizes[-8:] == [1] * 8


def test_a_long_job_comes_alone(tmp_path: Path) -> None:
    agenda = agenda_of(tmp_path)
    sources_done(agenda)
    assert len(agenda.take_batch(1.0)) == len(agenda.take_batch(0.5)) == len(agenda.take_batch(1.9)) == 1


def test_sources_and_runs_do_not_share_a_batch(tmp_path: Path) -> None:
    agenda = agenda_of(tmp_path, source=1.0)
    first = agenda.take_batch(1.0)
    assert [job.kind for job in first] == ["source"]
    agenda.end(first[0], "done")
    assert {job.kind for job in agenda.take_batch(10.0)} == {"source"}
    assert {job.kind for job in agenda.take_batch(10.0)} == {"run"}


def test_each_job_is_taken_once_and_ends_by_itself(tmp_path: Path) -> None:
    agenda = agenda_of(tmp_path, source=0.1, run=0.1)
    seen: list[str] = []
    while not agenda.finished():
        batch = agenda.take_batch(0.35)
        seen += [job.id for job in batch]
        for job in batch:
            agenda.end(job, "done")
    assert len(seen) == len(set(seen)) == 26
    assert agenda.remaining_cost() == 0


def test_the_longest_group_is_next_whatever_the_order_of_arrival() -> None:
    ready = Ready()
    jobs = {cost: run_of(small(seed=seed, train={"epochs": int(cost)})) for seed, cost in enumerate([3.0, 1.0, 7.0])}
    jobs |= {cost: run_of(small(seed=1, train={"epochs": int(cost)})) for cost in (9.0, 2.0)}
    for cost, job in jobs.items():
        ready.push(job, cost)
    assert ready.work == pytest.approx(22.0)
    taken = [ready.take(0.0)[0] for _ in jobs]
    assert taken == [jobs[cost] for cost in sorted(jobs, reverse=True)]
    assert not ready and ready.work == 0 and ready.take(1.0) == []


def test_sources_count_with_what_waits_for_them() -> None:
    ready = Ready()
    first, second, run, longer = (
        source_of(small(seed=0)),
        source_of(small(seed=1)),
        run_of(small(seed=2)),
        run_of(small(seed=3)),
    )
    ready.push(run, 10.0)
    ready.push(first, 5.0, waiting=1.0)
    ready.push(second, 1.0, waiting=50.0)
    ready.push(longer, 100.0)
    assert [ready.take(0.0) for _ in range(4)] == [[longer], [second], [run], [first]]


def test_taking_looks_at_a_few_entries_not_at_all() -> None:
    """Comparisons, counted: sixteen times as many jobs cost each of them hardly more."""

    def comparisons_per_job(count: int) -> float:
        counted = [0]

        class Cost(float):
            def __lt__(self, other: float) -> bool:
                counted[0] += 1
                return float(self) < float(other)

            def __neg__(self) -> Cost:
                return Cost(-float(self))

            def __add__(self, other: float) -> Cost:
                return Cost(float(self) + other)

        ready = Ready()
        specs = [small(seed=seed % 20, train={"epochs": seed}) for seed in range(1, count + 1)]
        jobs = [Job("run", str(number), spec) for number, spec in enumerate(specs)]
        for number, job in enumerate(jobs):
            ready.push(job, Cost(1.0 + number * 7919 % count / count))
        while ready:
            ready.take(10.0)
        return counted[0] / count

    assert comparisons_per_job(1600) < 2 * comparisons_per_job(100)


def test_a_preferred_start_comes_before_longer_work() -> None:
    ready = Ready()
    jobs = {task: run_of(small(source={"task": task})) for task in ("glyphs[A-D]", "glyphs[E-H]", "glyphs[I-L]")}
    for behind, cost, job in zip((2, 0, 1), (30.0, 1.0, 2.0), jobs.values(), strict=True):
        ready.push(job, cost, behind=behind)
    order = [ready.take(0.0)[0].spec.source for _ in range(3)]
    assert [source and source.task for source in order] == ["glyphs[E-H]", "glyphs[I-L]", "glyphs[A-D]"]
