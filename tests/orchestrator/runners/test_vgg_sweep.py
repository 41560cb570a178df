"""VGG from a sweep's text to the tables, by the command that a user calls."""

from __future__ import annotations

from pathlib import Path

import pytest

from analysis.tables.collect import collect
from analysis.tables.load import read_sweep
from orchestrator.cli import main
from orchestrator.schedule.plan import make_plan
from orchestrator.store.ledger import Ledger
from sweeps.sweep import parse

SWEEP = """
name: vggs
base:
  source: {task: "glyphs[A-D]", size: 40, epochs: 1, batch_size: 16}
  target: {task: digits, size: 64}
  model: {family: vgg, depth: 11, width: 4}
  train: {epochs: 2, batch_size: 16}
axes:
  transfer.frozen: all
"""


def test_a_sweep_of_vggs_runs_and_is_tabled(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file, store = tmp_path / "vggs.yaml", tmp_path / "store"
    file.write_text(SWEEP)
    assert main(["run", str(file), "--store", str(store), "--runner", "local", "--wandb", "disabled"]) == 0
    assert "9 of 9 runs done" in capsys.readouterr().out
    ledger = Ledger(store)
    plan = make_plan(parse(SWEEP), ledger)
    for job in plan.runs.values():
        record = ledger.result(job)
        assert record is not None and record.status == "done" and record.epochs == 2
        assert record.ladder == (
            *("stem", "conv2_1", "conv3_1", "conv3_2", "conv4_1", "conv4_2", "conv5_1", "conv5_2", "head"),
        )
        assert ("computed once" in " ".join(record.notes)) == (job.spec.transfer.frozen > 0)
    table = collect(read_sweep(parse(SWEEP), store)).runs
    assert sorted(table["transfer.frozen"]) == list(range(9))
    trained = table.sort_values("transfer.frozen")["trainable_params"]
    assert trained.is_monotonic_decreasing and trained.iloc[-1] == 33 * 10
