"""What of the checkout travels to the nodes of a cluster: every module of the product, none of the results."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[3]
CODE = """
import sys
from pathlib import Path
from ray._private.runtime_env.packaging import _get_excludes
from orchestrator.runners.cluster import LEFT_BEHIND
root = Path(sys.argv[1])
left = _get_excludes(root, LEFT_BEHIND)
packages = ("sweeps", "tasks", "architectures", "orchestrator", "analysis")
paths = [path for package in packages for path in (root / package).rglob("*.py")]
folders = {folder for path in paths for folder in path.parents if folder.is_relative_to(root) and folder != root}
print(len(paths), *(path.relative_to(root) for path in (*paths, *folders) if left(path)))
print(*(name for name in (".venv", ".git", "store", "results", "store/runs/ab") if not left(root / name)))
"""
"""In a process of its own: Ray reads the environment when it is imported."""


def test_every_module_travels_and_no_result() -> None:
    command = [sys.executable, "-c", CODE, str(ROOT)]
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr
    modules, results = ended.stdout.splitlines()
    number, *left_behind = modules.split()
    assert int(number) > 100 and left_behind == [] and results == ""
