"""What other tools leave in a user's environment changes nothing: real commands in processes of their own."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.environment.matrix import SURROUNDINGS
from tests.orchestrator.tracking.tracked_runs import CANARY, ROOT
from tests.wandb_file import read_run
from tests.wandb_server import wandb_server

SWEEP = f"""{SURROUNDINGS}
  train: {{epochs: 2, batch_size: 16}}
axes: {{seed: [0]}}
"""
JOBS = 2
NOTEBOOK = {"MPLBACKEND": "module://not_installed_inline.backend_inline"}
"""Notebooks hand their backend on; where they run in another environment than we do, it is not installed."""
OTHERS = {
    "WANDB_SWEEP_ID": "abc123",
    "WANDB_LAUNCH": "true",
    "WANDB_RUN_ID": "another",
    "WANDB_RESUME": "must",
    "WANDB_MODE": "disabled",
    "WANDB_DISABLED": "true",
    "WANDB_PROJECT": "another",
    "WANDB_DIR": "/nowhere",
    "WANDB_NAME": "another",
    "WANDB_RUN_GROUP": "another",
    "WANDB_TAGS": "a,b",
    "WANDB_SILENT": "maybe",
    "TRAINING_JOB_NAME": "a-job-of-sagemaker",
}


def command(folder: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """`frostline ARGUMENTS` in `folder`, with a home of its own and no variable of W&B's but those given."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("WANDB_")}
    return subprocess.run(
        [sys.executable, "-m", "frostline", *arguments],
        cwd=folder,
        env={**kept, "HOME": str(folder), "PYTHONPATH": str(ROOT), **environment},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a sweep that was run under all of these variables."""
    folder = tmp_path_factory.mktemp("environment")
    (folder / "sweep.yaml").write_text(SWEEP, "utf-8")
    done = command(folder, "run", "sweep.yaml", "--runner", "local", **NOTEBOOK, **OTHERS)
    assert (done.returncode, done.stderr) == (0, "")
    return folder


def copies(folder: Path) -> list[Path]:
    return sorted((folder / "store" / "wandb").glob("*run-*"))


def test_variables_of_a_wandb_agent_are_ignored(finished: Path) -> None:
    runs = [read_run(next(copy.glob("*.wandb"))) for copy in copies(finished)]
    assert len(runs) == JOBS
    for run in runs:
        assert (run.project, run.tags[0], run.exit_code) == ("frostline", "surroundings", 0)
        assert run.id == f"{run.config['run_id']}-1" and run.name != "another"
    assert [run.job_type for run in runs] == ["source", "target"]


@pytest.mark.parametrize("encoding", ["ascii", "ascii:surrogateescape", "latin-1", "utf-8"])
def test_output_is_shown_as_the_terminal_can(finished: Path, encoding: str) -> None:
    shown = command(finished, "status", "sweep.yaml", PYTHONIOENCODING=encoding)
    assert (shown.returncode, shown.stderr) == (0, "")


def test_summary_in_ascii_from_a_notebook(finished: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    shown = command(finished, "summary", "sweep.yaml", "--out", str(out), PYTHONIOENCODING="ascii", **NOTEBOOK)
    assert (shown.returncode, shown.stderr) == (0, "")
    assert "gr??er ? ? ???" in shown.stdout
    assert list(out.rglob("*.png"))


def test_publish_without_a_key_and_then_with_one(finished: Path) -> None:
    before = copies(finished)
    assert len(before) == JOBS
    refused = command(finished, "publish", "sweep.yaml", **OTHERS)
    assert (refused.returncode, copies(finished)) == (1, before)
    assert refused.stdout == "0 published, 0 there already, 0 without a result\n"
    first, last = refused.stderr.splitlines()
    assert first.startswith("not published: 2 runs (the first: ") and "No API key configured" in first
    assert last.startswith("the same command goes on")
    with wandb_server() as server:
        account = {"WANDB_API_KEY": CANARY, "WANDB_BASE_URL": server.url, **OTHERS}
        sent = command(finished, "publish", "sweep.yaml", **account)
        assert (sent.returncode, sent.stderr) == (0, "")
        assert sent.stdout.splitlines()[0] == "2 published, 0 there already, 0 without a result"
        assert sent.stdout.splitlines()[1].startswith("sweep-surroundings: 3 tables, ")
        again = command(finished, "publish", "sweep.yaml", **account)
        assert again.stdout.splitlines()[0] == "0 published, 2 there already, 0 without a result"
        assert again.stdout.splitlines()[1].endswith(", there already")
    assert copies(finished) == []
    assert sorted(len(rows) for id, rows in server.rows.items() if not id.startswith("sweep-")) == [1, 2]


@pytest.mark.parametrize("name", ["a/b", "a\\b", "a#b", "a?b", "a%b", "a:b", "", " ", "a\nb", "x" * 129])
def test_project_that_wandb_would_refuse_is_refused_at_once(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    from frostline.cli import main

    monkeypatch.chdir(tmp_path)
    for verb in ("run", "publish"):
        assert main([verb, "quickstart", "--wandb-project", name]) == 2
        told = capsys.readouterr()
        assert told.out == "" and told.err.startswith("error: Invalid value for '--wandb-project'")
        assert told.err.count("\n") == 1
    assert list(tmp_path.iterdir()) == []
