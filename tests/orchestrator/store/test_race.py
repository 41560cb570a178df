"""Processes race for jobs, are killed and fall asleep: each job is committed once, no token is given out twice."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

from orchestrator.store.ledger import Ledger
from sweeps.store.location import location_of

ROOT = Path(__file__).parents[3]
LONG = os.environ.get("FROSTLINE_MATRIX") == "full"
JOBS, PROCESSES, KILLS, SLEEPS = (500, 8, 60, 8) if LONG else (40, 4, 6, 2)


def test_each_job_is_committed_once_and_no_token_is_used_twice(s3: str, tmp_path: Path) -> None:
    Ledger(location_of(s3)).open()
    sizes = ["--jobs", JOBS, "--processes", PROCESSES, "--kills", KILLS, "--sleeps", SLEEPS, "--folder", tmp_path]
    words = [sys.executable, "-m", "tests.orchestrator.store.race", s3, *map(str, sizes)]
    ended = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, timeout=1200, check=False)
    assert ended.returncode == 0, ended.stderr[-2000:]
    seen = json.loads(ended.stdout)
    assert seen["results"] == JOBS and seen["kills"] >= KILLS / 2 and seen["sleeps"] >= SLEEPS / 2, seen
    assert seen["failed"] == seen["tokens_used_twice"] == seen["committed_twice"] == 0, seen
    assert seen["of_another_than_committed"] == 0 and seen["claims"] > JOBS, seen
    assert seen["fenced"] + seen["late_commits_refused"] >= SLEEPS / 2, seen  # those who slept were not let through
