"""A node of a real Ray cluster on which no worker gets as far as a run: free at once, it would draw them all."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[3]
SWEEP = """
name: holes
base:
  source: null
  target: {task: digits, size: 50}
  model: {family: resnet, depth: 8, width: 1}
  train: {epochs: 30}
axes: {seed: 0..3}
"""
BREAKS = """
import os, sys
if "default_worker.py" in " ".join(sys.orig_argv):
    class Broken:
        def find_spec(self, name, path=None, target=None):
            if name.startswith("orchestrator"):
                open(os.environ["HOLE"], "a").write(".")
                os._exit(1)
    sys.meta_path.insert(0, Broken())
"""
"""What Python runs first in every process of the node: its workers die as soon as they read a file of ours."""
CLUSTER = """
import os, subprocess, sys
from ray.cluster_utils import Cluster
cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 0})
cluster.add_node(num_cpus=2, node_ip_address="127.0.0.3", env_vars={"PYTHONPATH": sys.argv[1]})
cluster.add_node(num_cpus=1, node_ip_address="127.0.0.2")
arguments = [sys.executable, "-m", "frostline", "run", "sweep.yaml", "--wandb", "disabled"]
arguments += ["--address", cluster.address]
told = subprocess.run(arguments, timeout=120)
cluster.shutdown()
sys.exit(told.returncode)
"""


def test_a_node_where_workers_end_before_they_begin_is_avoided(tmp_path: Path) -> None:
    (tmp_path / "sweep.yaml").write_text(SWEEP)
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / "sitecustomize.py").write_text(BREAKS)
    told = subprocess.run(
        [sys.executable, "-c", CLUSTER, str(tmp_path / "broken")],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT), "HOLE": str(tmp_path / "hole"), "RAY_AUTH_MODE": "disabled"},
        capture_output=True,
        text=True,
        timeout=170,
        check=False,
    )
    shown = told.stdout[-2500:] + told.stderr[-1000:]
    assert (tmp_path / "hole").exists(), shown
    assert told.returncode == 0 and "4 of 4 runs done" in told.stdout, shown
    assert "no runs are sent to 127.0.0.3 for 30 s: workers end there before they begin a run" in told.stdout, shown
    assert not list(tmp_path.glob("store/runs/*/*/failure-*")), "a death that was no attempt was counted as one"
    assert len((tmp_path / "hole").read_text()) <= 6, "workers went on being sent there"
