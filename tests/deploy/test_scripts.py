"""The scripts of deploy/ run, with stand-ins for what is not here: `ssh`, `scontrol` and the command they start.

tests/slurm runs the same batch scripts under a real Slurm.
"""

from __future__ import annotations

import os
import signal
import subprocess
import time
from pathlib import Path

import pytest

DEPLOY = Path(__file__).parents[2] / "deploy"
STUB = '#!/bin/bash\necho "{name} $*" >>"$CALLS"\n{then}\n'
WAITS = """trap 'echo "told $signal" >>"$CALLS"; exit 130' TERM
trap 'echo "told USR1" >>"$CALLS"; exit 130' USR1
echo ready >>"$CALLS"
for _ in $(seq 200); do sleep 0.05; done
exit 7"""


def stub(folder: Path, name: str, then: str = "") -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_text(STUB.format(name=name, then=then))
    (folder / name).chmod(0o755)


def environment(folder: Path, **more: str) -> dict[str, str]:
    calls = folder / "calls"
    calls.touch()
    path = f"{folder / 'bin'}:{os.environ['PATH']}"
    return {**os.environ, "PATH": path, "CALLS": str(calls), "HOME": str(folder), "SLURM_JOB_ID": "41", **more}


def called(folder: Path) -> list[str]:
    return (folder / "calls").read_text().splitlines()


@pytest.mark.parametrize("code", [0, 1, 2, 130])
def test_a_job_ends_as_its_sweep_did(tmp_path: Path, code: int) -> None:
    stub(tmp_path / "bin", "frostline", f"exit {code}")
    stub(tmp_path / "bin", "scontrol")
    script = [DEPLOY / "slurm" / "one_node.sbatch", "my.yaml", "/shared/store", "--gpus-per-run", "0.5"]
    done = subprocess.run(["bash", *map(str, script)], env=environment(tmp_path), check=False, timeout=30)
    assert done.returncode == code
    assert called(tmp_path) == ["frostline run my.yaml --store /shared/store --yes --gpus-per-run 0.5"]


@pytest.mark.parametrize(("told", "requeued"), [(signal.SIGUSR1, True), (signal.SIGTERM, False)])
def test_a_job_whose_time_is_up_saves_and_asks_for_another_turn(
    tmp_path: Path, told: signal.Signals, requeued: bool
) -> None:
    stub(tmp_path / "bin", "frostline", WAITS.replace("$signal", "TERM"))
    stub(tmp_path / "bin", "scontrol")
    script = DEPLOY / "slurm" / "one_node.sbatch"
    job = subprocess.Popen(["bash", str(script), "my.yaml", "/store"], env=environment(tmp_path))
    deadline = time.monotonic() + 30
    while "ready" not in called(tmp_path):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    job.send_signal(told)  # to the script alone, as --signal=B: does
    assert job.wait(30) == 130
    name = told.name.removeprefix("SIG")
    assert called(tmp_path)[1:] == ["ready", f"told {name}", *(["scontrol requeue 41"] if requeued else [])]


@pytest.mark.parametrize("script", ["one_node.sbatch", "several_nodes.sbatch"])
def test_a_job_without_a_sweep_says_how_it_is_called(tmp_path: Path, script: str) -> None:
    path = DEPLOY / "slurm" / script
    done = subprocess.run(["bash", str(path)], env=environment(tmp_path), capture_output=True, text=True, check=False)
    assert done.returncode != 0 and f"usage: sbatch {script} SWEEP STORE" in done.stderr


def ssh_cluster(folder: Path, action: str, hosts: str) -> subprocess.CompletedProcess[str]:
    """The script with an ssh that runs its command here, in a home of the host's own."""
    stub(folder / "bin", "ssh", SSH)
    (folder / "hosts.txt").write_text(hosts)
    script = DEPLOY / "ssh" / "cluster.sh"
    given = environment(folder, FROSTLINE_CHECKOUT=str(folder / "checkout"), FOLDER=str(folder))
    return subprocess.run(
        ["bash", str(script), action, str(folder / "hosts.txt")],
        env=given,
        capture_output=True,
        text=True,
        check=False,
        timeout=30,
    )


SSH = """[ "$1" = -o ] && shift 2
export HOME="$FOLDER/home-$1" HOST="$1"
mkdir -p "$HOME"
bash -c "$2" """


def test_hosts_by_ssh_get_the_token_and_join_the_first(tmp_path: Path) -> None:
    programs = tmp_path / "checkout" / ".venv" / "bin"
    programs.mkdir(parents=True)
    stub(programs, "ray", 'echo "on ${HOST:-here} mode ${RAY_AUTH_MODE:-}" >>"$CALLS"')
    (tmp_path / ".ray").mkdir()
    (tmp_path / ".ray" / "auth_token").write_text("a-secret")
    up = ssh_cluster(tmp_path, "up", "# head\nnode1\n\nnode2\nnode3\n")
    assert up.returncode == 0, up.stderr
    assert "--address node1:6379" in up.stdout
    calls = [line for line in called(tmp_path) if line.startswith(("ray", "on "))]
    assert calls[0] == "ray start --head --port=6379 --include-dashboard=false --disable-usage-stats"
    assert calls[1::2] == [f"on {host} mode token" for host in ("node1", "node2", "node3")]
    assert calls[2::2] == ["ray start --address=node1:6379 --disable-usage-stats"] * 2
    assert not any("a-secret" in line for line in called(tmp_path))  # on no command line
    for host in ("node1", "node2", "node3"):
        token = tmp_path / f"home-{host}" / ".ray" / "auth_token"
        assert token.read_text() == "a-secret" and token.stat().st_mode & 0o777 == 0o600
    (tmp_path / "calls").write_text("")
    assert ssh_cluster(tmp_path, "down", "node1\nnode2\n").returncode == 0
    assert [line for line in called(tmp_path) if line.startswith("ray")] == ["ray stop"] * 2


@pytest.mark.parametrize(("action", "hosts"), [("up", "# nobody\n"), ("sideways", "node1\n")])
def test_hosts_by_ssh_refuse_what_is_wrong(tmp_path: Path, action: str, hosts: str) -> None:
    done = ssh_cluster(tmp_path, action, hosts)
    assert done.returncode == 2 and done.stderr.count("\n") == 1 and called(tmp_path) == []
