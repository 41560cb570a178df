"""A cluster that starts with a head alone: Ray's own autoscaler, whose nodes are raylets on the one host it is on."""

from __future__ import annotations

import json
import os
import secrets
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.chaos.scene import wait_for
from tests.hosts.launches import RUNS, Launches
from tests.hosts.machines import PORT, Host, Switch

MOST, IDLE_MINUTES = 3, 0.1
CONFIG = {
    "cluster_name": "fake_multinode",
    "max_workers": MOST,
    "upscaling_speed": 1.0,
    "idle_timeout_minutes": IDLE_MINUTES,
    "provider": {
        "type": "fake_multinode",
        "head_node_id": "f" * 51 + "00000",
        "use_node_id_as_ip": True,  # all have one address
        "disable_node_updaters": True,
        "disable_launch_config_check": True,
    },
    "available_node_types": {
        "ray.head.default": {"resources": {"CPU": 0}, "node_config": {}, "max_workers": 0},
        "ray.worker.one": {"resources": {"CPU": 1}, "node_config": {}, "min_workers": 0, "max_workers": MOST},
    },
    "head_node_type": "ray.head.default",
    "head_node": {},
    "worker_nodes": {},
    "setup_commands": [],
    "initialization_commands": [],
    "head_setup_commands": [],
    "worker_setup_commands": [],
    "head_start_ray_commands": [],
    "worker_start_ray_commands": [],
    "file_mounts": {},
    "cluster_synced_files": [],
    "file_mounts_sync_continuously": False,
    "rsync_exclude": [],
    "rsync_filter": [],
    "docker": {},
    "auth": {},
}
NODES = """
import time
import ray
ray.init("auto", log_to_driver=False)
while True:
    print(sum(node["Alive"] and node["Resources"].get("CPU", 0) > 0 for node in ray.nodes()), flush=True)
    time.sleep(0.5)
"""


@pytest.fixture
def host(switch: Switch, tmp_path: Path) -> Iterator[Host]:
    made = Host(switch, 9, tmp_path, "scaled", secrets.token_hex(32))
    made.boot()
    try:
        config = tmp_path / "autoscaling.json"
        config.write_text(json.dumps(CONFIG))
        made.run(
            *("ray", "start", "--head", f"--port={PORT}", "--num-cpus=0", "--include-dashboard=false"),
            *(f"--autoscaling-config={config}", "--object-store-memory=100000000", "--disable-usage-stats"),
            AUTOSCALER_UPDATE_INTERVAL_S="1",
            RAY_FAKE_CLUSTER="1",
            RAY_OVERRIDE_NODE_ID_FOR_TESTING="f" * 51 + "00000",
        )
        yield made
    finally:
        made.kill()


def test_nodes_come_for_the_plan_and_go_when_they_are_idle(host: Host, tmp_path: Path, oracle: list[str]) -> None:
    launches, seen = Launches(tmp_path / "disk"), tmp_path / "nodes"
    (tmp_path / "watch.py").write_text(NODES)
    watch = host.start("sh", "-c", f"exec python {tmp_path}/watch.py > {seen}")
    slow = json.dumps([{"point": "epoch", "do": "sleep", "hit": 0}] * 3)
    process = launches.start(host, faults=slow, FROSTLINE_START_TIMEOUT="100")
    assert f"{RUNS} of {RUNS} runs done" in launches.finish(process)

    def numbers() -> list[int]:
        return [int(line) for line in seen.read_text().split()]

    wait_for(lambda: numbers()[-1] == 0, watch, 90)  # nobody has asked for them to be released
    os.killpg(watch.pid, signal.SIGKILL)  # nsenter and the program that it started
    watch.communicate()
    assert max(numbers()) >= 2, "the plan's demand was not shown"
    launches.check(oracle)
