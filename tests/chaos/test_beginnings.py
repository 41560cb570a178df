"""What goes wrong before a run begins costs no attempt; and publishing to servers that fail removes nothing."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from ray.cluster_utils import Cluster

from tests.chaos.scene import LOCAL, RAY, ROOT, RUNS, SOURCES, Scene
from tests.chaos.test_wandb import account
from tests.wandb_server import wandb_server


def test_workers_die_before_they_begin(scene: Scene, oracle, faults) -> None:
    """At the first write of a lease, in three workers: no attempt is counted, and one command is enough."""
    with faults("17 workers that die before they begin") as page:
        kills = [scene.fault("lease.begin", "kill") for _ in range(3)]
        assert scene.until_done(*RAY, faults=kills) == [0]
        page.injected += scene.injected()
        assert page.injected == len(kills)
        assert not list(scene.store.rglob("failure-*"))
        scene.check(oracle)


def test_a_runtime_environment_fails(scene: Scene, oracle, faults) -> None:
    """A node cannot unpack the packages that it is sent: one line, no attempt counted; and later it goes on."""
    with faults("18 a runtime environment that fails") as page:
        cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 2})
        try:
            assert cluster.head_node is not None
            unpacked = Path(cluster.head_node.get_session_dir_path(), "runtime_resources", "py_modules_files")
            shutil.rmtree(unpacked, ignore_errors=True)
            unpacked.parent.mkdir(exist_ok=True)
            unpacked.write_text("a file in the way")
            page.injected += 1
            arguments = ("--address", str(cluster.address), "--wandb", "disabled")
            code, output = scene.run(*arguments)
            assert code == 2 and "Traceback" not in output, output
            assert output.splitlines()[-1].startswith("error: 3 workers in a row ended before they began a run: "), (
                output
            )
            assert not list(scene.store.rglob("failure-*"))
        finally:
            cluster.shutdown()
        assert scene.until_done(*LOCAL) == [0]
        scene.check(oracle)


@pytest.mark.parametrize(
    "fault",
    [
        {"refuse_all": 403},
        pytest.param({"refuse": 500}, marks=pytest.mark.long),
        pytest.param({"lose": {3}}, marks=pytest.mark.long),
    ],
    ids=["refuses", "500", "loses rows"],
)
def test_publish_to_a_server_that_fails(scene: Scene, oracle, faults, fault: dict[str, object]) -> None:
    with faults("19 publish to a server that refuses, fails or loses rows") as page, wandb_server() as server:
        code, output = scene.run("--runner", "local", **account(scene, server.url))
        assert code == 0, output
        copies = sorted((scene.store / "wandb").glob("*run-*"))
        assert len(copies) == RUNS + SOURCES
        for name, value in fault.items():
            setattr(server, name, value)
        page.injected += 1
        told = publish(scene, server.url)
        assert told.returncode == 1 and "Traceback" not in told.stdout + told.stderr, told
        assert "the same command goes on" in told.stderr
        left = sorted((scene.store / "wandb").glob("*run-*"))
        arrived = int(told.stdout.split()[0])
        assert arrived < RUNS + SOURCES and set(left) <= set(copies) and len(left) == len(copies) - arrived
        server.refuse_all = server.refuse = None
        server.lose = set()
        again = publish(scene, server.url)
        assert again.returncode == 0, again
        assert publish(scene, server.url).stdout.startswith(f"0 published, {RUNS + SOURCES} there already")
        assert len([id for id in server.rows if not id.startswith("sweep-")]) == RUNS + SOURCES
        scene.check(oracle)


def publish(scene: Scene, url: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "frostline", "publish", str(scene.sweep), "--store", str(scene.store)],
        cwd=ROOT,
        env={**os.environ, **account(scene, url)},
        capture_output=True,
        text=True,
        timeout=400,
        check=False,
    )
