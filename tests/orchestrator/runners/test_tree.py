"""What of the checkout travels to the nodes of a cluster: the packages that a worker imports, whole, and no more."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

from orchestrator.runners.resources import TRAVELS

ROOT = Path(__file__).parents[3]
OURS = {path.parent.name for path in ROOT.glob("*/__init__.py")} - {"tests"}


def test_what_travels_imports_nothing_of_ours_that_stays() -> None:
    found: set[str] = set()
    for package in TRAVELS:
        for path in (ROOT / package).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if isinstance(node, ast.Import):
                    found |= {alias.name.partition(".")[0] for alias in node.names}
                elif isinstance(node, ast.ImportFrom):
                    found.add((node.module or "").partition(".")[0])
    assert found & OURS == set(TRAVELS)


def test_a_worker_runs_with_the_packages_alone(tmp_path: Path) -> None:
    for package in TRAVELS:
        (tmp_path / package).symlink_to(ROOT / package)
    code = "import orchestrator.runners.remote, architectures.families, tasks.registry; print(orchestrator.__file__)"
    ended = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr
    assert ended.stdout.startswith(str(tmp_path))
