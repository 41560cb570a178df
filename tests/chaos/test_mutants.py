"""The promises are kept by a few lines of code. Without any one of these lines a test fails."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.chaos.scene import ROOT

pytestmark = pytest.mark.long
MUTANTS = {
    "no fsync of content": (
        "orchestrator/store/durable.py",
        "            os.fsync(file.fileno())\n",
        "",
        "tests/orchestrator/store/test_ledger.py::test_content_is_synced_before_its_name_and_its_name_before_the_return",
    ),
    "no fsync of names": (
        "orchestrator/store/durable.py",
        "        os.fsync(descriptor)\n",
        "        pass\n",
        "tests/orchestrator/store/test_ledger.py::test_content_is_synced_before_its_name_and_its_name_before_the_return",
    ),
    "no lease": (
        "orchestrator/store/lease.py",
        '        if last is None or last["holder"] != self.holder:\n',
        "        if False:\n",
        "tests/orchestrator/store/test_lease.py::test_a_live_holder_keeps_others_out",
    ),
    "no wait for a live holder": (
        "orchestrator/store/lease.py",
        "    if last is not None and watch.alive(place, last):\n",
        "    if False:\n",
        "tests/orchestrator/store/test_lease.py::test_a_live_holder_keeps_others_out",
    ),
    "no digest of a result": (
        "sweeps/self_digest.py",
        "    if end != _digest(body) + END:\n",
        "    if not field:\n",
        "tests/orchestrator/store/test_quarantine.py",
    ),
    "no digest of curves and weights": (
        "sweeps/store/records.py",
        "    if sha256_of(found) != sha256:\n",
        "    if False:\n",
        "tests/orchestrator/store/test_quarantine.py",
    ),
    "no digest of a checkpoint": (
        "orchestrator/train/methods/checkpoint.py",
        "            if sha256_of(content)[:DIGITS] == expected:\n",
        "            if True:\n",
        "tests/orchestrator/train/test_trial.py::test_a_damaged_checkpoint_gives_way_to_the_one_before",
    ),
    "published over what is there": (
        "orchestrator/store/durable.py",
        "            os.link(temporary, path)\n",
        "            shutil.copy(temporary, path)\n",
        "tests/orchestrator/store/test_ledger.py::test_a_result_is_published_once",
    ),
}


@pytest.mark.parametrize("name", MUTANTS)
def test_without_it_a_test_fails(tmp_path: Path, name: str) -> None:
    file, line, instead, test = MUTANTS[name]
    for package in ("sweeps", "tasks", "architectures", "orchestrator", "analysis", "tests"):
        shutil.copytree(ROOT / package, tmp_path / package, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    path = tmp_path / file
    text = path.read_text()
    assert text.count(line) == 1
    path.write_text(text.replace(line, instead).replace("import os\n", "import os\nimport shutil\n", 1))
    ended = subprocess.run(
        [sys.executable, "-m", "pytest", "-x", "-p", "no:cacheprovider", test],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert ended.returncode == 1 and "FAILED" in ended.stdout, ended.stdout + ended.stderr
