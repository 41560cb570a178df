"""Where runs are placed on a real Ray cluster of unlike nodes, and what an autoscaler is shown. No worker starts."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from orchestrator.runners.resources import ON_CPU, ON_GPU, place_of
from orchestrator.schedule.agenda import Agenda
from orchestrator.schedule.plan import make_plan
from sweeps.sweep import parse
from tests.orchestrator.small_runs import opened, run_of, seeds_sweep, small

ROOT = Path(__file__).parents[3]
GPU_NODE, CPU_NODE, LATER = "127.0.0.2", "127.0.0.3", "127.0.0.4"
PROGRAM = """
import json, time
from collections import Counter
import ray
from ray.cluster_utils import Cluster
from ray.util import placement_group_table, remove_placement_group
from orchestrator.runners.growth import LOOK_SECONDS, Growth
from orchestrator.runners.node_health import FIRST_PAUSE, NodeHealth
from orchestrator.runners.placement import Groups, Nodes, Placement, Share

class Plan:  # what Growth asks of an agenda
    workers, want = 1, 0
    def wanted(self, place, seconds):
        return self.want if place == "cpu" else 0

cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 0, "num_gpus": 0})
cluster.add_node(num_cpus=4, num_gpus=2, node_ip_address="127.0.0.2")
cluster.add_node(num_cpus=2, num_gpus=0, node_ip_address="127.0.0.3")
ray.init(address=cluster.address, log_to_driver=False)
shares = {"gpu": Share(1, 0.5), "cpu": Share(1)}
now = [0.0]
health = NodeHealth(lambda: now[0])
Placement.nodes = nodes = Nodes(health, shares)
addresses = {node["NodeID"]: node["NodeManagerAddress"] for node in ray.nodes()}

def placed(*places):
    groups = [Placement(place, shares[place]).to_placement_group() for place in places]
    for group in groups:
        group.wait(3)
    where = [placement_group_table(group)["bundles_to_node_id"][0] for group in groups]
    for group in groups:
        remove_placement_group(group)
    time.sleep(0.5)
    return [addresses.get(node, "nowhere") for node in where]

told = {"slots": {place: nodes.slots(place) for place in shares} | {"total": nodes.total()}}
told["mixed"] = placed("gpu", "cpu", "gpu", "cpu", "gpu", "gpu")
told["full"] = placed("cpu", "cpu", "cpu")  # two cores without a GPU: the third waits for one
health.failed("127.0.0.3")
told["slots beside each other"] = [nodes.slots("gpu"), nodes.slots("cpu"), nodes.total()]
told["solves, the other node failing"] = placed("cpu", "cpu")
told["healthy"] = [nodes.healthy("gpu"), nodes.healthy("cpu"), nodes.healthy("gpu", besides="127.0.0.2")]
health.failed("127.0.0.2")
told["all failing"] = placed("gpu", "cpu")
told["equal"] = Placement("cpu", Share(1)) == Placement("cpu", Share(1)) != Placement("gpu", Share(1, 0.5))
health.worked("127.0.0.2"), health.worked("127.0.0.3")

plan = Plan()
growth = Growth(plan, nodes, None, True, Counter, lambda: now[0])
def looked():
    time.sleep(1)
    now[0] += LOOK_SECONDS
    growth.look()
    groups = placement_group_table().values()
    return plan.workers, sum(group["state"] == "PENDING" for group in groups)
busy = [Placement("cpu", shares["cpu"]).to_placement_group() for _ in range(2)]
told["idle"] = looked()
plan.want = 5
told["wants five"] = looked()
plan.want = 50
looked()
cluster.add_node(num_cpus=3, num_gpus=0, node_ip_address="127.0.0.4")
cluster.wait_for_nodes()
told["grown"] = looked()[0]
trials, looks = [Placement("cpu", shares["cpu"]).to_placement_group() for _ in range(3)], 0
def started():
    return [placement_group_table(group)["state"] == "CREATED" for group in trials]
while not all(started()) and looks < 10:
    looked()
    looks += 1
told["room is given up"] = started()
plan.want = 0
told["wants nothing"] = looked()

addresses = {node["NodeID"]: node["NodeManagerAddress"] for node in ray.nodes()}
for group in trials:
    remove_placement_group(group)
tunes, request = Groups(), Placement("cpu", shares["cpu"])
def room(seconds):  # where what waits gets room; Tune looks ten times a second
    until = time.monotonic() + seconds
    while not tunes.has_resources_ready(request) and time.monotonic() < until:
        tunes.get_resource_futures()
        time.sleep(0.1)
    if not tunes.has_resources_ready(request):
        return "nowhere"
    group = tunes.acquire_resources(request).placement_group
    return addresses[placement_group_table(group)["bundles_to_node_id"][0]]
health.failed("127.0.0.4")
tunes.request_resources(request)
told["the only node with room is avoided"] = room(3)
now[0] += FIRST_PAUSE
told["its pause is over"] = room(20)
health.failed("127.0.0.4")
tunes.request_resources(request)
told["avoided again"] = room(3)
health.failed("127.0.0.3")
told["no node without a GPU is left"] = room(20)
import orchestrator.runners.cluster
from ray.tune.execution.tune_controller import TuneController
told["of Tune"] = type(TuneController()._actor_manager._resource_manager).__name__
print(json.dumps(told))
ray.shutdown()
cluster.shutdown()
"""


@pytest.fixture(scope="module")
def told() -> dict:
    """What the program saw."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "RAY_AUTH_MODE": "disabled"}
    ended = subprocess.run(
        [sys.executable, "-c", PROGRAM], env=environment, capture_output=True, text=True, timeout=170, check=False
    )
    assert ended.returncode == 0, ended.stderr[-2000:]
    return json.loads(ended.stdout.splitlines()[-1])


def test_runs_with_a_share_of_a_gpu_go_where_one_is_and_solves_elsewhere(told: dict) -> None:
    assert told["slots"] == {"gpu": 4, "cpu": 2, "total": 6}
    assert told["slots beside each other"] == [4, 4, 4], "solves beside runs for the GPU, on its node"
    assert told["mixed"] == [GPU_NODE, CPU_NODE, GPU_NODE, CPU_NODE, GPU_NODE, GPU_NODE]
    assert told["full"] == [CPU_NODE, CPU_NODE, "nowhere"]


def test_a_node_that_fails_gets_nothing_as_long_as_there_is_another(told: dict) -> None:
    assert told["solves, the other node failing"] == [GPU_NODE, GPU_NODE]
    assert told["healthy"] == [True, True, False]
    assert told["all failing"] == [GPU_NODE, CPU_NODE]
    assert told["equal"], "workers would not be kept from trial to trial"


def test_slots_follow_the_cluster_and_what_the_plan_wants_is_shown(told: dict) -> None:
    assert told["idle"] == [6, 0]
    assert told["wants five"] == [6, 5]
    assert told["grown"] == 9
    assert told["room is given up"] == [True, True, True]
    assert told["wants nothing"] == [9, 0]


def test_what_waits_goes_to_a_node_that_it_left_out_once_that_is_to_get_runs(told: dict) -> None:
    assert told["the only node with room is avoided"] == told["avoided again"] == "nowhere"
    assert told["its pause is over"] == LATER
    assert told["no node without a GPU is left"] == GPU_NODE
    assert told["of Tune"] == "Groups"


def test_only_what_trains_takes_a_gpu() -> None:
    training, solve = run_of(small()), run_of(small(train={"method": "lva_ridge"}, transfer={"frozen": 4}))
    assert [place_of(job, 0.25) for job in (training, solve)] == [ON_GPU, ON_CPU]
    assert [place_of(job, 0.0) for job in (training, solve)] == [ON_CPU, ON_CPU]


SWEEP = seeds_sweep(10)


def test_a_worker_is_given_jobs_of_its_place_alone(tmp_path: Path) -> None:
    plan = make_plan(parse(SWEEP), opened(tmp_path)[0])
    agenda = Agenda(plan, dict.fromkeys(plan.runs, 30.0), place_of=lambda job: ON_CPU if job.spec.seed % 2 else ON_GPU)
    assert agenda.places == (ON_CPU, ON_GPU)
    assert agenda.wanted(ON_CPU, 60.0) == 3 and agenda.wanted(ON_CPU, 1.0) == 5  # five jobs, 150 s
    batches = [(place, agenda.take_batch(1000.0, place)) for place in (ON_GPU, ON_CPU, ON_GPU, ON_CPU)]
    for place, batch in batches:
        assert batch and {job.spec.seed % 2 for job in batch} == {int(place == ON_CPU)}
    agenda.stopping = True
    assert agenda.wanted(ON_CPU, 1.0) == 0
