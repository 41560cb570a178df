"""Why runs have no result: blocked ones name their source everywhere, equal failures stand together, hints work."""

from __future__ import annotations

import gzip
import json
import os
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from orchestrator.cli import main
from orchestrator.runners import cluster
from sweeps.errors import command_line
from tests.tasks.files.published_files import BUILDERS, taken_for_published

ROOT = Path(__file__).parents[2]
BLOCKED = """
name: blocked
base:
  source: {task: "glyphs[A-C]", size: 7, epochs: 1, batch_size: 3, optimizer: sgd, learning_rate: 1e30}
  target: {task: digits, size: 11}
  model: {family: resnet, depth: 8, width: 1}
  train: {epochs: 2}
axes: {seed: 0..1}
"""
CIFAR = """
name: cifarbad
base:
  source: {task: "glyphs[A-C]", size: 30, epochs: 1}
  target: {task: cifar10, size: 50}
  model: {family: resnet, depth: 8, width: 1, channels: 3}
  train: {epochs: 1}
axes: {seed: 0..9}
"""
SOURCES = [f"source resnet8-w1_glyphs-A-C-7_seed{seed} diverged" for seed in (0, 1)]


def frostline(line: str, folder: Path) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    return subprocess.run(
        line, shell=True, cwd=folder, env=environment, capture_output=True, text=True, timeout=100, check=False
    )


def test_blocked_runs_name_their_source_everywhere_and_nothing_is_launched(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from analysis.cli import main as analysis

    monkeypatch.chdir(tmp_path)
    (tmp_path / "blocked.yaml").write_text(BLOCKED)
    assert main(["run", "blocked.yaml", "--runner", "local", "--store", "my S", "--wandb", "disabled"]) == 1
    told = capsys.readouterr().out
    assert [line for line in told.splitlines() if line.startswith("blocked: ")][1:] == [
        f"blocked: {source}: 1 run" for source in SOURCES
    ]
    hint = told.splitlines()[-1].removeprefix("2 runs have no result: ")
    pasted = frostline(hint, tmp_path)
    assert (pasted.returncode, pasted.stderr) == (0, "")
    assert pasted.stdout.splitlines()[0] == f"1 run blocked: {SOURCES[0]}"
    assert pasted.stdout.splitlines()[-1] == "0 failed, 2 blocked"

    monkeypatch.setattr(cluster, "run", lambda *_, **__: pytest.fail("nothing can be run"))
    assert main(["run", "blocked.yaml", "--store", "my S"]) == 1
    told = capsys.readouterr().out.splitlines()
    assert told == [
        f"blocked: nothing can be run; 0 of 2 runs are in {tmp_path / 'my S'}",
        *(f"blocked: {source}: 1 run" for source in SOURCES),
    ]
    assert main(["status", "blocked.yaml", "--store", "my S"]) == 0
    told = capsys.readouterr().out
    assert "2 runs: 2 blocked" in told and all(f"  blocked: {source}: 1 run" in told for source in SOURCES)
    assert analysis(["summary", "blocked.yaml", "--store", "my S", "--out", "out"]) == 0
    told = capsys.readouterr().out
    assert told.startswith("blocked: 2 runs: 2 blocked\n")
    page, table = (tmp_path / "out" / "report.html").read_text(), (tmp_path / "out" / "runs.csv").read_text()
    for source in SOURCES:
        assert f"1 blocked: {source}: " in told and f"1 blocked: {source}: " in page and f"blocked,{source}," in table


def test_files_of_data_are_checked_before_anything_is_trained(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("FROSTLINE_DATA", str(tmp_path))
    (tmp_path / "cifar.yaml").write_text(CIFAR)
    (tmp_path / "cifar-10-binary.tar.gz").write_bytes(gzip.compress(b"garbage"))
    assert main(["run", "cifar.yaml"]) == 2
    told = capsys.readouterr()
    assert told.out == "" and told.err.count("\n") == 1 and "frostline data cifar10" in told.err
    BUILDERS["cifar10"](tmp_path)
    arrays = taken_for_published("cifar10", tmp_path).prepare(None, tmp_path, 1)
    with (arrays / "train.npy").open("r+b") as file:
        file.seek(-1, 2)
        file.write(b"\x00" if file.read(1) != b"\x00" else b"\x01")
    capsys.readouterr()
    assert main(["run", "cifar.yaml"]) == 2
    told = capsys.readouterr()
    assert told.out == "" and told.err.count("\n") == 1
    assert "train.npy is not what was written; delete that folder and prepare it again" in told.err
    assert not (tmp_path / "store").exists()


def test_equal_failures_stand_together(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The archive is altered after the check: ten sources fail alike, each with a path and a number of its own."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("FROSTLINE_FAULTS", '[{"point": "epoch", "do": "EIO", "hit": 0}]')
    (tmp_path / "sweep.yaml").write_text(CIFAR.replace("cifar10, size: 50", "digits, size: 50").replace("9}", "7}"))
    arguments = ["run", "sweep.yaml", "--runner", "local", "--wandb", "disabled", "--max-same-failure", "4"]
    assert main(arguments) == 1
    told = capsys.readouterr().out
    assert "failed: 4 source models: OSError: [Errno 5] Input/output error\n" in told
    assert "stopped: 4 jobs failed alike; --max-same-failure says after how many\n" in told
    assert told.count("OSError") == 1
    assert main(["status", "sweep.yaml", "--failed"]) == 0
    told = capsys.readouterr().out
    assert told.startswith("4 source models: OSError: [Errno 5] Input/output error\n  source ")
    assert "(3 attempts; " in told and told.endswith("4 failed, 4 blocked\n")
    assert main(["status", "sweep.yaml", "--failed", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert [(one["kind"], one["error"], one["attempts"]) for one in found["failed"]] == [
        ("source", "OSError: [Errno 5] Input/output error", 3)
    ] * 4
    assert json.loads(Path(found["failed"][0]["file"]).read_text())["id"] == found["failed"][0]["id"]
    assert len(found["blocked_by"]) == 4
    assert main([*arguments[:-1], "0"]) == 1
    assert "failed: 8 source models: OSError" in capsys.readouterr().out


def test_a_command_is_one_that_a_shell_takes(monkeypatch: pytest.MonkeyPatch) -> None:
    words = shlex.split(command_line("status", "my sweep.yaml", "--store", "a'b"))
    assert words[-4:] == ["status", "my sweep.yaml", "--store", "a'b"]
    monkeypatch.setenv("PATH", "/nowhere")
    told = subprocess.run(
        f"{command_line('--version')}", shell=True, executable="/bin/sh", cwd=ROOT, capture_output=True, text=True
    )
    assert told.returncode == 0 and told.stdout.startswith("frostline "), (told, sys.executable)
