"""Ray's start: refused in one line where it cannot be, never waited for without a word."""

import os
import socket
import subprocess
import sys
import threading
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from ray.tune.execution import class_cache

from orchestrator.runners import cluster, ray_start, resources
from orchestrator.runners.ray_start import StartWatch, last_error, start_timeout
from orchestrator.runners.resources import CannotStart, check_address, use_token
from sweeps.errors import SpecError


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def test_a_launch_without_workers_says_what_it_waits_for_once_and_ends() -> None:
    clock, said = Clock(), []
    watch = StartWatch(said.append, 300.0, clock)
    for clock.now in (0.0, 30.0, 59.0):
        watch.look(False)
    assert said == []
    for clock.now in (60.0, 120.0, 299.0):
        watch.look(False)
    assert len(said) == 1 and said[0].startswith("no worker has started in 60 s, waiting: ")
    clock.now = 300.0
    with pytest.raises(CannotStart, match="no worker has started in 300 s: "):
        watch.look(False)


def test_a_worker_that_is_up_is_not_waited_for() -> None:
    clock = Clock()
    watch = StartWatch(lambda _: pytest.fail("nothing is to be said"), 300.0, clock)
    for clock.now in (0.0, 1e6, 2e6):
        watch.look(True)
    clock.now += 59.0
    watch.look(False)


def test_no_worker_is_waited_for_while_all_that_is_left_is_held_by_others() -> None:
    """Tune calls rarely then: it waits up to ten minutes for something to try, and calls once that is there."""
    clock, said = Clock(), []
    watch = StartWatch(said.append, 300.0, clock)
    for clock.now in (0.0, 600.0, 1200.0):
        watch.look(False, waits=False)
    clock.now = 1800.0
    watch.look(False)
    clock.now = 1859.0
    watch.look(False)
    assert said == []
    clock.now = 1860.0
    watch.look(False)
    assert len(said) == 1


def test_the_watch_begins_anew_where_the_last_worker_has_gone() -> None:
    clock, said = Clock(), []
    watch = StartWatch(said.append, 300.0, clock)
    watch.look(True)
    for clock.now in (0.0, 60.0):
        watch.look(False)
    assert len(said) == 1
    clock.now = 1000.0
    watch.look(True)
    assert said[1:] == [""]
    for clock.now in (1059.0, 1060.0):
        watch.look(False)
    assert len(said) == 3 and said[2].startswith("no worker has started in 60 s, waiting: ")
    clock.now = 1300.0
    with pytest.raises(CannotStart, match="no worker has started in 300 s: "):
        watch.look(False)


def test_a_launch_that_is_to_stop_ends_at_once_where_no_trial_runs() -> None:
    """A worker was there before, and its trial has ended; the next one waits for a worker that does not come."""
    from orchestrator.runners.cluster import NothingRuns, WorkerDeathCallback

    jobs = SimpleNamespace(stopping=False)
    start = StartWatch(lambda _: pytest.fail("nothing is to be said"), 300.0, Clock())
    callback = WorkerDeathCallback(cast(Any, jobs), lambda: None, start)
    ended, trial = SimpleNamespace(status="TERMINATED"), SimpleNamespace(status="RUNNING")
    callback.on_step_begin(0, [ended, trial])
    jobs.stopping = True
    callback.on_step_begin(1, [ended, trial])  # it saves its epoch first
    trial.status = "PENDING"
    with pytest.raises(NothingRuns):
        callback.on_step_begin(2, [ended, trial])


def test_why_no_worker_begins_ends_a_launch_at_tunes_next_step() -> None:
    """From where Tune tells of a worker's end it would come as Ray's error about an error, with both traces."""
    from orchestrator.runners.cluster import WorkerDeathCallback

    def died(trial: str, reason: str) -> None:
        raise CannotStart(f"{trial}: {reason}")

    jobs, looks = SimpleNamespace(stopping=False, died=died), []
    start = StartWatch(lambda _: pytest.fail("nothing is to be said"), 300.0, Clock())
    callback = WorkerDeathCallback(cast(Any, jobs), lambda: None, start, lambda: looks.append(1))
    callback.on_step_begin(0, [])
    trial = SimpleNamespace(trial_id="t1", get_pickled_error=lambda: OSError("no such disk"))
    callback.on_trial_error(0, [], trial)
    with pytest.raises(CannotStart, match="t1: no such disk"):
        callback.on_step_begin(1, [])
    assert looks == [1]


@pytest.mark.parametrize(
    ("address", "why"),
    [
        ("foo", "allowed local, auto, or HOST:PORT"),
        ("ray://host:10001", "allowed local, auto, or HOST:PORT"),
        ("host:0", "allowed local, auto, or HOST:PORT"),
        ("host:99999", "allowed local, auto, or HOST:PORT"),
        ("", "allowed local, auto, or HOST:PORT"),
    ],
)
def test_an_address_that_is_none_is_refused(address: str, why: str) -> None:
    with pytest.raises(SpecError, match=why) as problem:
        check_address(address)
    assert "\n" not in str(problem.value)


def test_an_address_where_nobody_listens_is_refused() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with pytest.raises(SpecError, match=f"--address 127.0.0.1:{port}: Connection refused; start a cluster there with"):
        check_address(f"127.0.0.1:{port}")


def answering(answer: bytes | None) -> tuple[socket.socket, str]:
    """A server that takes one connection, reads, and sends an answer (None: it never does)."""
    server = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        connection, _ = server.accept()
        connection.recv(1000)
        if answer is not None:
            connection.sendall(answer)
            connection.close()
        else:
            server_kept.append(connection)

    threading.Thread(target=serve, daemon=True).start()
    return server, f"127.0.0.1:{server.getsockname()[1]}"


server_kept: list[socket.socket] = []


def test_an_address_that_answers_as_grpc_does_passes() -> None:
    server, address = answering(bytes((0, 0, 6, 4, 0, 0, 0, 0, 0)) + b"\0" * 6)
    with server:
        check_address(address)
    check_address("local")
    check_address("auto")


@pytest.mark.parametrize("answer", [b"HTTP/1.1 400 Bad Request\r\n\r\n", b"", b"SSH-2.0-OpenSSH_9.6\r\n", b"-ERR\r\n"])
def test_an_address_of_something_else_is_refused(answer: bytes) -> None:
    server, address = answering(answer)
    with server, pytest.raises(SpecError, match=f"--address {address}: something answers that is no Ray head"):
        check_address(address)


def test_an_address_that_takes_connections_and_is_silent_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("orchestrator.runners.resources.ANSWER_SECONDS", 0.2)
    server, address = answering(None)
    with server, pytest.raises(SpecError, match=f"--address {address}: no answer"):
        check_address(address)
    while server_kept:
        server_kept.pop().close()


def test_ray_gets_a_folder_whose_path_is_short_enough(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    long = tmp_path / ("x" * 80)
    long.mkdir()
    monkeypatch.setenv("RAY_TMPDIR", str(long))
    assert ray_start._folder().startswith("/tmp/ray")
    monkeypatch.setenv("RAY_TMPDIR", "/tmp")
    assert ray_start._folder() == ("/tmp/ray" if os.getuid() == 0 else f"/tmp/ray-{os.getuid()}")


@pytest.mark.parametrize("given", ["soon", "0", "-1", "nan", "inf"])
def test_a_timeout_that_is_no_number_of_seconds_is_refused(given: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FROSTLINE_START_TIMEOUT", given)
    with pytest.raises(CannotStart, match=r"FROSTLINE_START_TIMEOUT = .*: allowed 1 to 1000000 seconds"):
        start_timeout()


def test_the_cause_is_read_from_rays_logs(tmp_path: Path) -> None:
    assert last_error(tmp_path) is None
    (tmp_path / "worker-1.err").write_text("Traceback ...\nModuleNotFoundError: No module named 'ray'\n")
    assert last_error(tmp_path) == "Error: No module named 'ray' (worker-1.err)"


@pytest.mark.parametrize("asks", [True, False])
def test_a_token_is_sent_to_a_cluster_that_asks_for_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, asks: bool
) -> None:
    for name in ("RAY_AUTH_MODE", "RAY_AUTH_TOKEN", "RAY_AUTH_TOKEN_PATH"):
        monkeypatch.setenv(name, "")  # so that it is taken back after the test
        monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setattr(resources, "_asks_for_a_token", lambda address: asks)
    if asks:
        with pytest.raises(CannotStart, match="the cluster asks for a token and none is here"):
            use_token("head:6379")
    (tmp_path / ".ray").mkdir()
    (tmp_path / ".ray" / "auth_token").write_text("secret")
    use_token("head:6379")
    assert os.environ.get("RAY_AUTH_MODE") == ("token" if asks else None)


def test_a_driver_on_a_host_that_has_not_joined_is_told_so() -> None:
    """Ray's reason stands behind an error that would be that of a wrong token too (tests/chaos/test_nodes.py)."""
    problem = ConnectionError("Failed to connect to Ray cluster at head:6379")
    assert "auth_token" in ray_start._why("head:6379", problem)
    problem.__cause__ = RuntimeError("No node info found matching attributes: '' when trying to resolve node")
    told = ray_start._why("head:6379", problem)
    assert told.startswith("--address head:6379: this host is none of that cluster's; ") and "auth_token" not in told


@pytest.fixture
def sweep(tmp_path: Path) -> Path:
    (tmp_path / "sweep.yaml").write_text(
        "name: joined\nbase:\n  source: null\n  target: {task: digits, size: 50}\n"
        "  model: {family: resnet, depth: 8, width: 1}\n  train: {epochs: 1}\naxes: {seed: [0]}\n"
    )
    return tmp_path


CLUSTER = """
import os, subprocess, sys
from ray.cluster_utils import Cluster
cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": int(sys.argv[1])})
arguments = [sys.executable, "-m", "frostline", "run", "sweep.yaml", "--wandb", "disabled"]
arguments += ["--address", cluster.address]
environment = {name: value for name, value in os.environ.items() if name != "RAY_AUTH_MODE"}
told = subprocess.run(arguments, env=environment, timeout=100)
cluster.shutdown()
sys.exit(told.returncode)
"""


def joined(folder: Path, script: str, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """A run on a real cluster, which the script starts for it."""
    return subprocess.run(
        [sys.executable, "-c", script, *arguments],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[3]), **environment},
        capture_output=True,
        text=True,
        timeout=150,
        check=False,
    )


@pytest.mark.parametrize("mode", ["token", "disabled"])
def test_a_cluster_with_and_one_without_a_token_are_joined(sweep: Path, mode: str) -> None:
    """A real head each; the token is there in both cases."""
    (sweep / "token").write_text("a" * 64)
    (sweep / "token").chmod(0o600)
    told = joined(sweep, CLUSTER, "1", RAY_AUTH_MODE=mode, RAY_AUTH_TOKEN_PATH=str(sweep / "token"))
    assert told.returncode == 0 and "1 of 1 runs done" in told.stdout, (told.stdout[-800:], told.stderr[-800:])


def test_the_status_line_of_a_launch_that_cannot_start_says_why(sweep: Path) -> None:
    """A cluster without a core. By default it says so after 60 s and ends after 300 s."""
    told = joined(sweep, CLUSTER, "0", FROSTLINE_START_TIMEOUT="15", RAY_AUTH_MODE="disabled")
    lines = [line for line in told.stdout.splitlines() if line.startswith("0 of 1 runs done")]
    assert any("; no worker has started in " in line and "the cluster has 0 CPU free" in line for line in lines), told
    assert told.returncode == 2 and "error: no worker has started in 15 s: the cluster has 0 CPU free" in told.stderr
    assert "Traceback" not in told.stdout + told.stderr


LOST = """
import os, subprocess, sys, time
from pathlib import Path
from ray.cluster_utils import Cluster
cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 0})
node = cluster.add_node(num_cpus=1)
arguments = [sys.executable, "-m", "frostline", "run", "sweep.yaml", "--wandb", "disabled"]
launch = subprocess.Popen([*arguments, "--address", cluster.address])
until = time.monotonic() + 60
while launch.poll() is None and time.monotonic() < until and not list(Path().glob("store/runs/*/*/lease-*")):
    time.sleep(0.1)
cluster.remove_node(node, allow_graceful=False)
try:
    code = launch.wait(timeout=70)
finally:
    launch.kill()
    cluster.shutdown()
sys.exit(code)
"""


def test_a_launch_whose_last_node_has_gone_says_so_and_ends(sweep: Path) -> None:
    """A real cluster, of a head without cores and one node, which is killed while it trains."""
    text = (sweep / "sweep.yaml").read_text()
    (sweep / "sweep.yaml").write_text(text.replace("epochs: 1", "epochs: 500"))
    told = joined(
        sweep,
        LOST,
        FROSTLINE_START_TIMEOUT="10",
        FROSTLINE_FAULTS='[{"point": "epoch", "do": "sleep", "hit": 0}]',
        RAY_AUTH_MODE="disabled",
    )
    assert told.returncode == 2 and "error: no worker has started in 1" in told.stderr, (
        told.stdout,
        told.stderr[-800:],
    )
    assert "; no worker has started in " in told.stdout or "waiting: the cluster has" in told.stdout
    assert not list(sweep.glob("store/runs/*/*/result.json"))


def test_tune_sends_no_key_of_a_bucket_to_workers(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ray writes what it is told to set on workers to its logs."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_SECURITY_TOKEN"):
        monkeypatch.setenv(name, "canary")
    remote = class_cache._ActorClassCache().get(cluster.Worker)
    sent = remote._default_options["runtime_env"]["env_vars"]
    assert "RAY_CHDIR_TO_TRIAL_DIR" in sent and not [name for name in sent if name.startswith("AWS_")]
