"""A Ray cluster of several nodes on this machine (real raylets): one lost, one added, the head lost."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from ray.cluster_utils import Cluster

from tests.chaos.scene import Scene, ended, wait_for

pytestmark = pytest.mark.long
SLOW = {"point": "epoch", "do": "sleep", "hit": 0}
ECC = "CUDA error: uncorrectable ECC error encountered"
RAISES = f"""
import importlib.util, sys
class Broken:
    def find_spec(self, name, path=None, target=None):
        if name != "orchestrator.train.device":
            return None
        sys.meta_path.remove(self)
        spec = importlib.util.find_spec(name)
        whole = spec.loader.exec_module
        def exec_module(module):
            whole(module)
            def prepare(*given, **more):
                raise RuntimeError("{ECC}")
            module.prepare = prepare
        spec.loader.exec_module = exec_module
        return spec
if "default_worker.py" in " ".join(sys.orig_argv):
    sys.meta_path.insert(0, Broken())
"""
"""What Python runs first in every process of the node: each run fails there as soon as it asks for its device."""


@pytest.fixture
def cluster() -> Iterator[Cluster]:
    cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 1})
    yield cluster
    cluster.shutdown()


def test_a_node_is_lost_and_one_is_added(scene: Scene, oracle, faults, cluster: Cluster) -> None:
    with faults("3 node lost, node added") as page:
        lost = cluster.add_node(num_cpus=1)
        arguments = ("--address", str(cluster.address), "--workers", "3", "--wandb", "disabled")
        process = scene.start(*arguments, faults=[SLOW])
        scene.worker(process)
        cluster.remove_node(lost, allow_graceful=False)
        page.injected += 1
        cluster.add_node(num_cpus=2)
        page.injected += 1
        _, output = ended(process, 400)
        assert "Traceback" not in output, output
        scene.until_done(*arguments)
        scene.check(oracle)


def test_a_node_where_every_run_fails_takes_no_attempt_and_no_run(
    scene: Scene, oracle, faults, cluster: Cluster, tmp_path: Path
) -> None:
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / "sitecustomize.py").write_text(RAISES)
    with faults("3 a node's GPU raises for each run") as page:
        # The node with more room, so that most runs would go there.
        environment = {"PYTHONPATH": str(tmp_path / "broken")}
        cluster.add_node(num_cpus=2, node_ip_address="127.0.0.3", env_vars=environment)
        page.injected += 1
        process = scene.start("--address", str(cluster.address), "--wandb", "disabled")
        code, output = ended(process, 400)
        assert code == 0 and "Traceback" not in output, output
        assert (
            f"no runs are sent to 127.0.0.3 for 30 s: runs fail there and not elsewhere: RuntimeError: {ECC}" in output
        )
        scene.check(oracle)


@pytest.mark.skipif(os.getuid() != 0 or shutil.which("unshare") is None, reason="needs root and unshare")
def test_a_launch_on_a_host_that_has_not_joined_is_refused_in_one_line(scene: Scene, cluster: Cluster) -> None:
    """In a namespace of processes of its own none of the cluster's is seen, as on another machine."""
    command = ["unshare", "--pid", "--fork", "--mount-proc", sys.executable, "-m", "frostline", "run", str(scene.sweep)]
    told = subprocess.run(
        [*command, "--store", str(scene.store), "--address", str(cluster.address)],
        capture_output=True,
        text=True,
        timeout=150,
        check=False,
    )
    assert told.returncode == 2 and "Traceback" not in told.stdout + told.stderr, told
    assert "this host is none of that cluster's; give the command on one of them" in told.stderr, told


def test_the_head_is_lost_and_the_command_given_again(scene: Scene, oracle, faults) -> None:
    with faults("3 head lost") as page:
        first = Cluster(initialize_head=True, head_node_args={"num_cpus": 2})
        process = scene.start("--address", str(first.address), "--workers", "2", "--wandb", "disabled", faults=[SLOW])
        scene.worker(process)
        first.shutdown()
        page.injected += 1
        try:
            process.wait(90)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)  # as a person would who sees it hang
        process.communicate()
        second = Cluster(initialize_head=True, head_node_args={"num_cpus": 2})
        try:
            wait_for(lambda: second.address)
            scene.until_done("--address", str(second.address), "--workers", "2", "--wandb", "disabled")
        finally:
            second.shutdown()
        scene.check(oracle)
