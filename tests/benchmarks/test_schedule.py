"""Makespan, forecast and planning, measured small: what they say follows from what is recorded."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks import forecast, makespan
from benchmarks.planning import scale

PATHS = sorted(makespan.RECORDED.glob("*.json"))


def test_three_sweeps_are_recorded() -> None:
    assert len(PATHS) >= 3


@pytest.mark.parametrize("path", PATHS, ids=lambda path: path.stem)
@pytest.mark.parametrize("workers", makespan.WORKERS)
def test_the_agenda_is_within_a_tenth_of_the_bound_and_not_behind_a_queue(path: Path, workers: int) -> None:
    one = makespan.measured(makespan.read(path), workers, draws=1)
    assert one.bound <= one.tight <= one.informed
    assert one.tight <= one.ours <= 1.10 * one.tight
    assert one.tight <= one.served
    assert one.ours <= 1.001 * one.served


def test_the_tighter_bound_counts_the_wait_for_the_first_source() -> None:
    recording = makespan.read(PATHS[0])
    source = next(iter(recording.plan.sources))
    runs = {id: job for id, job in recording.plan.runs.items() if job.needs == source}
    plan = makespan.Plan(recording.plan.sweep, runs, {source: recording.plan.sources[source]})
    plan.statuses = {id: "missing" for id in (source, *runs)}
    plan.open_runs, plan.open_sources = list(runs.values()), list(plan.sources.values())
    small = makespan.Recording("one source", plan, {id: 1.0 for id in (source, *runs)})
    assert makespan.lower_bounds(small, 4) == (max(2.0, (len(runs) + 1) / 4), max(2.0, (len(runs) + 4) / 4))
    assert makespan.first_come_first_served(small, 1) == len(runs) + 1
    assert makespan.measured(small, 1, draws=1).ours == len(runs) + 1


def test_forecast_errors_come_from_the_durations() -> None:
    kept = makespan.read(PATHS[0])
    jobs = [*kept.plan.sources.values(), *kept.plan.runs.values()]
    exact = {job: sum(1e-4 * part for part in forecast.work_of(job)) for job in jobs}
    noisy = {job: kept.seconds[job.id] for job in jobs}
    assert max(forecast.errors(exact, draws=20, share=0.5).absolute) < 0.25
    assert forecast.errors(noisy, draws=20).quantile(0.5) > 0


def test_planning_is_measured_against_a_full_store(tmp_path: Path) -> None:
    text = scale.sweep_text(1000).replace("[500, 1000, 2000, 3000, 4000]", "[500]")
    assert scale.fill(tmp_path / "store", text) == 201
    (tmp_path / "sweep.yaml").write_text(text)
    once = scale.timed("plan", tmp_path / "sweep.yaml", tmp_path / "store")
    assert once.answer["runs"] == {"done": 200} and once.answer["forecast"]["learnt_from"] == 201
    assert once.seconds > 0 and once.peak_mib > 10
