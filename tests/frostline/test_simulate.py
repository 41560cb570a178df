"""`frostline simulate`: several sweeps as one, what is done already, money, refusals; results played again."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from frostline.cli import main
from orchestrator.schedule.plan import make_plan
from orchestrator.train.trial import run_trial
from sweeps.sweep import parse
from tests.orchestrator.small_runs import opened

GOLDEN = Path(__file__).parents[1] / "golden"
SWEEP, STORE = GOLDEN / "sweep.yaml", GOLDEN / "store"
FULL = ["claim3_freezing_full", "from_scratch_full"]


def simulated(capsys: pytest.CaptureFixture[str], *words: object) -> dict[str, Any]:
    assert main(["simulate", *map(str, words), "--json"]) == 0
    return json.loads(capsys.readouterr().out)


def test_runs_of_two_sweeps_are_counted_once(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    alone = [simulated(capsys, name, "--store", tmp_path, "--gpus", "--workers", 64) for name in FULL]
    both = simulated(capsys, *FULL, "--store", tmp_path, "--gpus", "--workers", 64, "--price-per-hour", 2)
    assert both["runs"] == max(each["runs"] for each in alone) and both["sweeps"] == FULL
    cluster = both["clusters"][0]
    assert cluster["wall_seconds"] >= both["longest_chain_seconds"] * 0.7
    assert cluster["price"] == pytest.approx(2 * cluster["held_worker_seconds"] / 3600)
    assert cluster["price_until_idle"] <= cluster["price"]
    parts = cluster["worker_seconds"]
    assert sum(parts.values()) == pytest.approx(cluster["held_worker_seconds"])
    assert cluster["efficiency"] == pytest.approx(parts["useful"] / cluster["held_worker_seconds"])


TINY = """
name: tiny
base:
  source: {task: "glyphs[A-D]", size: 40, epochs: 1}
  target: {task: digits, size: 60}
  model: {family: resnet, depth: 8, width: 4}
  train: {epochs: 1}
axes: {seed: 0..1}
"""


def test_results_are_played_again_as_long_as_they_took(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    sweep = tmp_path / "tiny.yaml"
    sweep.write_text(TINY)
    ledger, options = opened(tmp_path)
    plan = make_plan(parse(TINY), ledger)
    for job in (*plan.sources.values(), *plan.runs.values()):
        assert run_trial(job, options) == "done"
    plan.read_statuses(ledger)
    exact = ("--start", 0, "--driver", 0, "--store-rate", 1e9)
    found = simulated(capsys, sweep, "--store", ledger.root, "--replay", "--workers", 1, "--workers", 2, *exact)
    one, two = (each["wall_seconds"] for each in found["clusters"])
    chains = [plan.seconds[id] + plan.seconds[job.needs] for id, job in plan.runs.items() if job.needs]
    assert one == pytest.approx(sum(plan.seconds.values()), rel=1e-3)
    assert max(chains) - 1e-3 <= two < one
    left = simulated(capsys, sweep, "--store", ledger.root, "--workers", 1)
    assert left["runs"] == 0 and left["clusters"][0]["wall_seconds"] == 0  # without --replay nothing is to do


def test_results_that_are_not_there_cannot_be_played_again(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["simulate", str(SWEEP), "--store", str(STORE), "--replay"]) == 2
    assert capsys.readouterr().err == f"error: --replay: 3 of 21 jobs have no result in {STORE}\n"


def test_a_table_says_what_is_lost_where(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["--store", str(tmp_path), "--gpus", "--workers", "8", "--workers", "64", "--lost-per-hour", "0.05"]
    assert main(["simulate", FULL[0], *words, "--price-per-hour", "2.5"]) == 0
    lines = capsys.readouterr().out.splitlines()
    header = next(line for line in lines if line.lstrip().startswith("workers"))
    rows = lines[lines.index(header) + 1 :][:2]
    assert [row.split()[0] for row in rows] == ["8", "64"] and header.split()[-2:] == ["price", "price*"]
    assert len({len(line) for line in (header, *rows)}) == 1
    assert not any("no result: run again" in line for line in lines)


def test_what_cannot_be_is_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["simulate", FULL[0], "--store", str(tmp_path), "--lost-per-hour", "5"]) == 2
    assert capsys.readouterr().err.strip() == "error: --lost-per-hour 5: allowed: 0 to 0.99"
