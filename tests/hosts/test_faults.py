"""What happens to hosts while a sweep runs on them. The tables are those of the single machine, to the byte."""

from __future__ import annotations

import os
import signal
import time

import pytest

from tests.chaos.scene import wait_for
from tests.hosts.launches import PACE, RUNS, Launches
from tests.hosts.machines import Host
from tests.object_store import SECRET

Cluster = tuple[Host, Host, Host]
DONE = f"{RUNS} of {RUNS} runs done"


TEN = [(each, "bucket" if each >= 8 else "folder") for each in range(10)]
FROM = [(0, "folder"), (1, "folder"), (2, "folder"), (2, "bucket")]


@pytest.mark.parametrize(("number", "launches"), FROM, indirect=["launches"])
def test_undisturbed_from_each_host(cluster: Cluster, launches: Launches, oracle: list[str], number: int) -> None:
    address = "auto" if number == 0 else f"{cluster[0].address}:6379"
    output = launches.finish(launches.start(cluster[number], address=address))
    assert DONE in output and launches.hosts_of_results() == {"worker1", "worker2"}
    launches.check(oracle)
    assert [file for host in cluster for file in host.files_with(SECRET)] == []


@pytest.mark.parametrize("launches", ["folder", "bucket"], indirect=True)
def test_a_host_is_cut_off_and_back(cluster: Cluster, launches: Launches, oracle: list[str]) -> None:
    """Until Ray calls it dead; its workers go on meanwhile, and their leases decide who commits. From a bucket they
    are cut off, too."""
    head, cut, _ = cluster
    process = launches.start(head, faults=PACE)
    launches.until_saved(process, cut)
    cut.unplug()
    try:
        wait_for(lambda: not alive(head, cut), process, 60)
    finally:
        cut.plug()
    cut.join_again(head)
    assert DONE in launches.finish(process)
    launches.check(oracle)


def test_a_host_is_cut_off_for_a_moment(cluster: Cluster, launches: Launches, oracle: list[str]) -> None:
    head, cut, _ = cluster
    process = launches.start(head, faults=PACE)
    launches.until_saved(process, cut)
    cut.unplug()
    time.sleep(2)
    cut.plug()
    assert DONE in launches.finish(process) and alive(head, cut)
    assert not launches.failures()
    launches.check(oracle)


def test_a_host_is_killed(cluster: Cluster, launches: Launches, oracle: list[str]) -> None:
    head, lost, _ = cluster
    process = launches.start(head, faults=PACE)
    launches.until_saved(process, lost)
    lost.kill()
    try:
        assert DONE in launches.finish(process)
        assert {failure["host"] for failure in launches.failures()} == {lost.name}
        launches.check(oracle)
    finally:
        lost.boot()
        lost.join_again(head)


def test_a_host_is_killed_and_back(cluster: Cluster, launches: Launches, oracle: list[str]) -> None:
    killed_and_back(cluster, launches, oracle, wipe=False)


@pytest.mark.rejoin
@pytest.mark.parametrize(("time_of_ten", "launches"), TEN, indirect=["launches"])
def test_a_host_is_killed_and_back_ten_times(
    cluster: Cluster, launches: Launches, oracle: list[str], time_of_ten: int
) -> None:
    """Every second time with an empty disk; twice with the store in a bucket."""
    killed_and_back(cluster, launches, oracle, wipe=time_of_ten % 2 == 1)


def killed_and_back(cluster: Cluster, launches: Launches, oracle: list[str], *, wipe: bool) -> None:
    """A host dies and joins again at once under the same address, before Ray calls it dead."""
    head, lost, _ = cluster
    process = launches.start(head, faults=PACE)
    launches.until_saved(process, lost)
    lost.kill()
    lost.boot(wipe=wipe)
    lost.join_again(head)
    assert DONE in launches.finish(process)
    launches.check(oracle)


def test_the_driver_is_killed_and_its_command_given_elsewhere(
    cluster: Cluster, launches: Launches, oracle: list[str]
) -> None:
    head, _, other = cluster
    process = launches.start(head, faults=PACE)
    launches.until_saved(process, other)
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate()
    assert DONE in launches.finish(launches.start(other, address=f"{head.address}:6379"))
    launches.check(oracle)


def test_a_host_that_does_not_share_the_store_gets_no_runs(
    cluster: Cluster, launches: Launches, oracle: list[str]
) -> None:
    head, apart, _ = cluster
    apart.mount_over(launches.shared)
    try:
        output = launches.finish(launches.start(head))
        told = [line for line in output.splitlines() if line.startswith("no runs are sent to")]
        assert len(told) == 1 and f"host {apart.name}: {launches.address} is not the store that this launch" in told[0]
        assert DONE in output and launches.hosts_of_results() == {"worker2"} and not launches.failures()
        assert apart.run("find", str(launches.shared)).split() == [str(launches.shared)], "it wrote there"
        launches.check(oracle)
    finally:
        apart.unmount(launches.shared)


@pytest.mark.parametrize("launches", ["bucket"], indirect=True)
def test_a_host_without_the_keys_of_the_bucket_gets_no_runs(
    cluster: Cluster, launches: Launches, oracle: list[str]
) -> None:
    """Ray was started there by a shell that had none."""
    head, keyless, _ = cluster
    keyless.run("ray", "stop")
    given, keyless.variables = keyless.variables, {}
    try:
        keyless.join(head)
        output = launches.finish(launches.start(head))
        told = [line for line in output.splitlines() if line.startswith(f"no runs are sent to {keyless.address} for")]
        why = f"host {keyless.name}: {launches.address} cannot be read there: no credentials; set AWS_ACCESS_KEY_ID"
        assert len(told) == 1 and why in told[0], output
        assert DONE in output and launches.hosts_of_results() == {"worker2"} and not launches.failures()
        launches.check(oracle)
    finally:
        keyless.variables = given
        keyless.run("ray", "stop")
        keyless.join(head)


def test_a_store_that_no_host_shares_is_one_line(cluster: Cluster, launches: Launches) -> None:
    head, *workers = cluster
    for host in workers:
        host.mount_over(launches.shared)
    try:
        output = launches.finish(launches.start(head), code=2)
        last = output.strip().splitlines()[-1]
        assert last.startswith("error: host worker") and f": {launches.address} is not the store that this" in last
        assert not launches.hosts_of_results()
    finally:
        for host in workers:
            host.unmount(launches.shared)


def test_a_host_that_cannot_make_the_runtime_environment_is_avoided(
    cluster: Cluster, launches: Launches, oracle: list[str]
) -> None:
    """Ray's own switch for a download that fails."""
    head, hole, _ = cluster
    hole.run("ray", "stop")
    hole.wipe_ray()
    hole.join(head, RAY_RUNTIME_ENV_FAIL_DOWNLOAD_FOR_TESTING="1")
    try:
        output = launches.finish(launches.start(head))
        told = [line for line in output.splitlines() if line.startswith(f"no runs are sent to {hole.address} for 30 s")]
        assert len(told) == 1 and "Failed to download runtime_env" in told[0], output
        assert DONE in output and launches.hosts_of_results() == {"worker2"} and not launches.failures()
        launches.check(oracle)
    finally:
        hole.run("ray", "stop")
        hole.join(head)


ALIVE = """
import ray
ray.init("auto", log_to_driver=False)
print(*(node["NodeManagerAddress"] for node in ray.nodes() if node["Alive"]))
"""


def alive(head: Host, host: Host) -> bool:
    """Whether Ray takes a host for alive."""
    return host.address in head.run("python", "-c", ALIVE).split()
