"""The Makefile: what `make setup` says while pip works, and where its targets send runs."""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).parents[1]
PIP = """\
Collecting torch==2.15.0 (from -r requirements.lock (line 3132))
  Downloading torch-2.15.0-cp311-cp311-manylinux_2_28_x86_64.whl.metadata (30 kB)
Collecting six==1.17.0 (from -r requirements.lock (line 3000))
  Using cached six-1.17.0-py2.py3-none-any.whl (11 kB)
Downloading torch-2.15.0-cp311-cp311-manylinux_2_28_x86_64.whl (915.2 MB)
Installing collected packages: six, torch
""".splitlines(keepends=True)


@pytest.fixture(scope="module")
def install() -> ModuleType:
    spec = importlib.util.spec_from_file_location("install", ROOT / "setup" / "install.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_each_package_is_counted_once_with_its_size(install: ModuleType) -> None:
    assert list(install.progress(PIP, 2)) == [
        "  package 1 of 2: six (0.0 MB; 0.00 GB so far)",
        "  package 2 of 2: torch (915.2 MB; 0.92 GB so far)",
        "  unpacking 2 packages (0.92 GB fetched) ...",
    ]
    lock = (ROOT / "requirements.lock").read_text(encoding="utf-8")
    assert (
        install.pinned(lock) == len([line for line in lock.splitlines() if line[:1].isalnum() and "==" in line]) > 100
    )


@pytest.mark.skipif(os.name != "posix", reason="the stand-in for Python is a shell script")
def test_a_failure_shows_what_pip_said_and_keeps_its_code(
    install: ModuleType, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    python = tmp_path / "python"
    python.write_text("#!/bin/sh\necho 'ERROR: No matching distribution'\nexit 3\n")
    python.chmod(0o700)
    (tmp_path / "lock").write_text("six==1.17.0 \\\n    --hash=sha256:00\n")
    assert install.main(str(python), tmp_path / "lock") == 3
    assert "ERROR: No matching distribution" in capsys.readouterr().err
    (tmp_path / "lock").write_text("./none-1.0-py3-none-any.whl --hash=sha256:00\n")
    assert install.main(sys.executable, tmp_path / "lock") == 1  # the real pip, of a file that is not there
    assert "none-1.0-py3-none-any.whl" in capsys.readouterr().err


@pytest.mark.skipif(shutil.which("make") is None, reason="needs make")
@pytest.mark.parametrize("target", ["sweep", "claims"])
def test_runs_go_to_the_cluster_that_is_named(target: str) -> None:
    command = ["make", "-n", "-o", ".venv/.ready", target, "ADDRESS=head:6379", "GPUS_PER_RUN=0.25"]  # -n: shown alone
    shown = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout
    (run,) = [line for line in shown.splitlines() if "frostline run " in line]
    assert "--address head:6379 --gpus-per-run 0.25" in run


@pytest.mark.skipif(shutil.which("make") is None, reason="needs make")
@pytest.mark.parametrize(
    ("said", "variable", "store"),
    [([], None, "store"), ([], "elsewhere", "elsewhere"), (["STORE=here"], "elsewhere", "here")],
)
def test_every_target_reads_the_store_that_is_said(said: list[str], variable: str | None, store: str) -> None:
    given = {name: value for name, value in os.environ.items() if name not in ("FROSTLINE_STORE", "STORE")}
    environment = given if variable is None else {**given, "FROSTLINE_STORE": variable}
    for target in ("sweep", "claims", "plan", "status", "report", "doctor"):
        command = ["make", "-n", "-o", ".venv/.ready", target, *said]
        shown = subprocess.run(command, cwd=ROOT, env=environment, check=True, capture_output=True, text=True).stdout
        assert shown.count(f"--store {store} ") + shown.count(f"--store {store}\n") == shown.count("--store ") > 0
