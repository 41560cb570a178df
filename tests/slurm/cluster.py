"""A Slurm of its own on this machine: munge, a controller and two nodes on loopback, gone afterwards.

Debian's packages may be installed, or unpacked into a folder that FROSTLINE_SLURM names (`dpkg -x`): programs, plugins,
libraries are then taken from there, and no `srun` is on anybody's PATH. Both nodes are this machine, a core each.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

PROGRAMS = ("munged", "slurmctld", "slurmd", "slurmstepd", "sbatch", "srun", "squeue", "scontrol", "scancel", "sinfo")
NODES = ("alpha", "beta")


def root() -> Path:
    return Path(os.environ.get("FROSTLINE_SLURM") or "/")


def program(name: str) -> Path | None:
    """Where it is: Debian calls the daemons `slurmd-wlm` and so on."""
    folders = [root() / "usr" / part for part in ("sbin", "bin")]
    names = (name, f"{name}-wlm")
    return next((path for folder in folders for each in names if (path := folder / each).exists()), None)


def missing() -> str:
    """Why there can be no Slurm here, in a few words; empty where there can."""
    if os.geteuid() != 0:
        return "needs root, to start slurmd"
    absent = [name for name in PROGRAMS if program(name) is None]
    return f"Slurm is not here ({', '.join(absent)}): slurmctld, slurmd, slurm-client, munge" if absent else ""


@dataclass(frozen=True)
class Slurm:
    """A running cluster."""

    folder: Path
    environment: dict[str, str]

    def call(self, *words: object, check: bool = True) -> str:
        """Standard output of one of Slurm's commands."""
        path = program(str(words[0]))
        assert path is not None
        done = subprocess.run(
            [str(path), *map(str, words[1:])],
            env=self.environment,
            cwd=self.folder,
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
        if check and done.returncode != 0:
            raise AssertionError(f"{words}: {done.stdout}{done.stderr}")
        return done.stdout + ("" if check else done.stderr)

    def submit(self, *words: object) -> str:
        """The id of a new job."""
        return self.call("sbatch", "--parsable", *words).strip()

    def state(self, job: str) -> str:
        """Such as RUNNING, COMPLETED or PENDING."""
        told = self.call("scontrol", "show", "job", job, "--oneliner")
        return next(word.partition("=")[2] for word in told.split() if word.startswith("JobState="))

    def wait(self, job: str, *states: str, seconds: float = 120.0) -> str:
        """Until a job is in one of the states. Raises AssertionError after so many seconds."""
        deadline = time.monotonic() + seconds
        while (state := self.state(job)) not in states:
            assert time.monotonic() < deadline, f"job {job} is {state}, not {states}: {self.logs()}"
            time.sleep(0.3)
        return state

    def logs(self) -> str:
        """The end of what jobs and daemons wrote."""
        found = sorted(self.folder.glob("*.log"))
        return "\n".join(f"--- {path.name}\n{path.read_text(errors='replace')[-1500:]}" for path in found)


@contextlib.contextmanager
def running(folder: Path) -> Iterator[Slurm]:
    """Two nodes of one core each in partitions `low`, whose jobs are requeued for those of `high`."""
    folder.mkdir(parents=True, exist_ok=True)
    libraries = root() / "usr/lib/x86_64-linux-gnu"
    environment = {**os.environ, "SLURM_CONF": str(folder / "slurm.conf")}
    environment["PATH"] = f"{_links(folder / 'bin')}:{environment['PATH']}"
    if root() != Path("/"):
        environment["LD_LIBRARY_PATH"] = f"{libraries}:{libraries / 'slurm-wlm'}"
    (folder / "slurm.conf").write_text(_configuration(folder, libraries / "slurm-wlm"))
    (folder / "munge.key").write_bytes(os.urandom(128))
    (folder / "munge.key").chmod(0o600)
    daemons: list[subprocess.Popen[bytes]] = []

    def start(name: str, *words: object) -> None:
        path = program(name)
        assert path is not None
        with open(folder / f"{name}{len(daemons)}.log", "ab") as log:
            command = [str(path), *map(str, words)]
            daemons.append(subprocess.Popen(command, env=environment, stdout=log, stderr=log, start_new_session=True))

    slurm = Slurm(folder, environment)
    try:
        files = [f"--{part}={folder / f'munge.{end}'}" for part, end in _MUNGE.items()]
        start("munged", "--foreground", "--force", *files)
        _until((folder / "munge.socket").exists, slurm)
        start("slurmctld", "-D", "-c")
        for node in NODES:
            start("slurmd", "-D", "-N", node, "-d", program("slurmstepd"))
        _until(lambda: set(slurm.call(*_IDLE, check=False).split()) == set(NODES), slurm)
        yield slurm
    finally:
        for job in slurm.call("squeue", "-h", "-o", "%i", check=False).split():
            slurm.call("scancel", job, check=False)
        deadline = time.monotonic() + 20
        while slurm.call("squeue", "-h", "-o", "%i", check=False).split() and time.monotonic() < deadline:
            time.sleep(0.3)
        for daemon in reversed(daemons):
            daemon.terminate()
        for daemon in daemons:
            with contextlib.suppress(subprocess.TimeoutExpired):
                daemon.wait(10)
            daemon.kill()


_IDLE = ("sinfo", "-h", "-N", "-p", "low", "-t", "idle", "-o", "%N")
_MUNGE = {
    "key-file": "key",
    "socket": "socket",
    "pid-file": "pid",
    "log-file": "txt",
    "seed-file": "seed",
}


def _links(folder: Path) -> Path:
    """A folder with Slurm's commands, for scripts."""
    folder.mkdir(exist_ok=True)
    for name in PROGRAMS:
        link, path = folder / name, program(name)
        assert path is not None
        if not link.is_symlink():
            link.symlink_to(path)
    return folder


def _configuration(folder: Path, plugins: Path) -> str:
    ports = _free_ports(1 + len(NODES))
    host = socket.gethostname()
    nodes = "\n".join(
        f"NodeName={node} NodeHostname={host} NodeAddr=127.0.0.1 Port={port} CPUs=1 RealMemory=4000"
        for node, port in zip(NODES, ports[1:], strict=True)
    )
    return f"""ClusterName=test
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={ports[0]}
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
AuthInfo=socket={folder / "munge.socket"}
CredType=cred/munge
PluginDir={plugins}
StateSaveLocation={folder / "state"}
SlurmdSpoolDir={folder / "spool-%n"}
SlurmctldPidFile={folder / "slurmctld.pid"}
SlurmdPidFile={folder / "slurmd-%n.pid"}
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
SlurmdParameters=config_overrides
MpiDefault=none
ReturnToService=2
KillWait=20
SchedulerParameters=batch_sched_delay=1,sched_interval=2,bf_interval=2
PreemptType=preempt/partition_prio
PreemptMode=REQUEUE
{nodes}
PartitionName=low Nodes=ALL Default=YES PriorityTier=1 GraceTime=2 State=UP
PartitionName=high Nodes=ALL PriorityTier=10 State=UP
"""


def _free_ports(count: int) -> list[int]:
    """Of this moment."""
    with contextlib.ExitStack() as held:
        sockets = [held.enter_context(socket.socket()) for _ in range(count)]
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [each.getsockname()[1] for each in sockets]


def _until(there, slurm: Slurm, seconds: float = 30.0) -> None:
    deadline = time.monotonic() + seconds
    while not there():
        assert time.monotonic() < deadline, slurm.logs()
        time.sleep(0.2)


def removed(folder: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)
