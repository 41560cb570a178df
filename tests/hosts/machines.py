"""Hosts on one machine: each a set of Linux namespaces with its own address, name, processes and temporary files.

All of it belongs to processes, so that nothing is left once they have ended: the switch is a bridge in a network
namespace of its own, a host's link leads there and nowhere else. Needs root, iproute2 and util-linux.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
BIN = Path(sys.executable).parent
NETWORK = "10.213.77"
"""Addresses of a network that exists in the switch's namespace alone."""
PORT = 6379
WITH_US = ("setpriv", "--pdeathsig", "KILL")
"""Ends a process with the one that started it, however that ends."""
UP_SECONDS = 120


def cannot() -> str:
    """Why there can be no hosts here; empty where there can."""
    if not sys.platform.startswith("linux"):
        return "needs Linux"
    if os.geteuid() != 0:
        return "needs root"
    if missing := [name for name in ("ip", "mount", "nsenter", "setpriv", "unshare") if shutil.which(name) is None]:
        return f"needs {', '.join(missing)}"
    tried = subprocess.run(["unshare", "-u", "-p", "-m", "-i", "-n", "-f", "--mount-proc", "true"], capture_output=True)
    return "" if tried.returncode == 0 else "may not make namespaces"


class Switch:
    """A bridge that hosts are plugged into."""

    def __init__(self) -> None:
        self.holder = subprocess.Popen([*WITH_US, "unshare", "-n", "sleep", "infinity"])
        _wait(lambda: _namespace(self.holder.pid) != _namespace(os.getpid()), "the switch")
        # With an address of its own, or it would have that of some port, another one when a host comes or goes.
        self.ip("link add br0 address 02:00:00:00:00:fe type bridge")
        self.ip(f"addr add {NETWORK}.254/24 dev br0")
        self.ip("link set br0 up")

    def ip(self, words: str) -> None:
        _check(["nsenter", f"--net=/proc/{self.holder.pid}/ns/net", "ip", *words.split()])

    def end(self) -> None:
        self.holder.kill()
        self.holder.wait()


class Host:
    """A machine: its address and its disk outlive it. `folder` holds the disk: /tmp, its home, and what is mounted."""

    def __init__(self, switch: Switch, number: int, folder: Path, name: str, token: str = "", **variables: str) -> None:
        """`token`: Ray's, which then is asked for; without one nothing is said of it. `variables`: of every shell."""
        self.name = name
        self.address = f"{NETWORK}.{number}"
        self.link = f"veth{number}"
        self.folder = folder / self.name
        self.token = token
        self.variables = variables
        self._switch = switch
        self._holder: subprocess.Popen[bytes] | None = None
        self._init = 0

    def boot(self, *, wipe: bool = False) -> None:
        """Start the machine, with the disk that it had; `wipe`: with a new one."""
        if wipe:
            shutil.rmtree(self.folder, ignore_errors=True)
        for name in ("tmp", "home/.ray"):
            (self.folder / name).mkdir(parents=True, exist_ok=True)
        if self.token:
            (self.folder / "home/.ray/auth_token").write_text(self.token)
            (self.folder / "home/.ray/auth_token").chmod(0o600)
        ray = Path("/tmp/ray")  # of the machine that all this runs on; made where it is not there, to mount over it
        ray.mkdir(exist_ok=True)
        script = (
            f"hostname {self.name} && mount -t tmpfs tmpfs /dev/shm && mount --bind {self.folder}/tmp {ray}"
            " && exec sleep infinity"
        )
        unshared = ["unshare", "-n", "-u", "-p", "-m", "-i", "-f", "--kill-child", "--mount-proc", "sh", "-c", script]
        self._holder = subprocess.Popen([*WITH_US, *unshared])
        _wait(self._booted, self.name)
        self._switch.ip(f"link add {self.link} type veth peer name eth0 netns {self._init}")
        self._switch.ip(f"link set {self.link} master br0 up")
        for words in (
            "link set lo up",
            f"addr add {self.address}/24 dev eth0",
            "link set eth0 up",
            f"route add default via {NETWORK}.254",
        ):
            _check([*self.inside("--net"), "ip", *words.split()])

    def _booted(self) -> bool:
        assert self._holder is not None and self._holder.poll() is None, f"{self.name} did not start"
        pid = self._holder.pid
        with contextlib.suppress(OSError, ValueError):
            (self._init,) = map(int, Path(f"/proc/{pid}/task/{pid}/children").read_text().split())
            return Path(f"/proc/{self._init}/comm").read_text() == "sleep\n"
        return False

    def inside(self, *namespaces: str) -> list[str]:
        return ["nsenter", f"--target={self._init}", *(namespaces or ("--net", "--uts", "--pid", "--mount", "--ipc"))]

    def environment(self, **more: str) -> dict[str, str]:
        """What a shell on the host has. Nothing of the machine outside but where its programs are."""
        return {
            "PATH": f"{BIN}:{os.environ['PATH']}",
            "HOME": str(self.folder / "home"),
            "LANG": "C.UTF-8",
            "OMP_NUM_THREADS": "1",
            "RAY_worker_niceness": "0",
            "RAY_USAGE_STATS_ENABLED": "0",
            **({"RAY_AUTH_MODE": "token"} if self.token else {}),
            **self.variables,
            **more,
        }

    def start(self, *command: str, **environment: str) -> subprocess.Popen[str]:
        """A command on the host, its output kept."""
        return subprocess.Popen(
            [*self.inside(), f"--wdns={ROOT}", *command],
            env=self.environment(**environment),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )

    def run(self, *command: str, **environment: str) -> str:
        """A command on the host, to its end. Raises AssertionError where it fails."""
        process = self.start(*command, **environment)
        try:
            output, _ = process.communicate(timeout=UP_SECONDS)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            raise AssertionError(f"{self.name}: {command} hangs: {process.communicate()[0]}") from None
        assert process.returncode == 0, f"{self.name}: {command}: {output}"
        return output

    def lead(self, *resources: str, **environment: str) -> None:
        """Become the head of a Ray cluster."""
        self.run(
            *("ray", "start", "--head", f"--port={PORT}", "--include-dashboard=false", *self._limits(resources)),
            **environment,
        )

    def join(self, head: Host, *resources: str, **environment: str) -> None:
        """Join a head's cluster."""
        self.run("ray", "start", f"--address={head.address}:{PORT}", *self._limits(resources), **environment)

    def join_again(self, head: Host, *resources: str) -> None:
        """Join a head's cluster, whatever is left of an earlier Ray on this host."""
        self.run("ray", "stop", "--force")  # it sees the processes of this host alone
        self.join(head, *resources)

    def wipe_ray(self) -> None:
        """Forget what Ray downloaded."""
        self.run("sh", "-c", "rm -rf /tmp/ray/*")

    @staticmethod
    def _limits(resources: tuple[str, ...]) -> tuple[str, ...]:
        return ("--object-store-memory=100000000", "--disable-usage-stats", *(resources or ("--num-cpus=1",)))

    def mount_over(self, path: Path) -> None:
        """From now on the host has an empty folder of its own at a path."""
        own = self.folder / "mounted"
        own.mkdir(exist_ok=True)
        _check([*self.inside(), "mount", "--bind", str(own), str(path)])

    def unmount(self, path: Path) -> None:
        _check([*self.inside(), "umount", str(path)])

    def files_with(self, text: str) -> list[str]:
        """Files of its disk that hold a text: Ray's logs and its own files in `home` among them."""
        told = subprocess.run(
            ["grep", "--devices=skip", "-rlsF", "-e", text, str(self.folder)],
            capture_output=True,
            text=True,
            check=False,
        )
        return told.stdout.splitlines()

    def unplug(self) -> None:
        self._switch.ip(f"link set {self.link} down")

    def plug(self) -> None:
        self._switch.ip(f"link set {self.link} up")

    def kill(self) -> None:
        """The power fails: every process of the host is gone at once, and its link."""
        if self._holder is not None:
            self._holder.kill()  # its child, the first process of the host, is killed with it, and all others with that
            self._holder.wait()
            _wait(lambda: not Path(f"/proc/{self._init}").exists(), f"the end of {self.name}")
            with contextlib.suppress(AssertionError):  # it went with the namespace
                self._switch.ip(f"link del {self.link}")
            self._holder = None


@contextlib.contextmanager
def network() -> Iterator[Switch]:
    switch = Switch()
    try:
        yield switch
    finally:
        switch.end()


@contextlib.contextmanager
def cluster(
    switch: Switch,
    folder: Path,
    names: Sequence[str],
    head: str = "--num-cpus=0",
    ray: dict[str, str] | None = None,
    **variables: str,
) -> Iterator[list[Host]]:
    """A Ray cluster that asks for a token. The first host leads, with the cores that `head` says; the others have one.

    `ray`: variables of the head's Ray alone. `variables`: of every shell on every host.
    """
    token = secrets.token_hex(32)
    hosts = [Host(switch, number, folder, name, token, **variables) for number, name in enumerate(names, 1)]
    try:
        for host in hosts:
            host.boot()
        hosts[0].lead(head, **(ray or {}))
        for host in hosts[1:]:
            host.join(hosts[0])
        yield hosts
    finally:
        for host in hosts:
            host.kill()


def _check(command: list[str]) -> None:
    told = subprocess.run(command, capture_output=True, text=True, check=False)
    assert told.returncode == 0, f"{' '.join(command)}: {told.stderr}"


def _namespace(pid: int) -> str:
    return os.readlink(f"/proc/{pid}/ns/net")


def _wait(true: Callable[[], bool], what: str, seconds: float = 20) -> None:
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, f"waited in vain for {what}"
        time.sleep(0.02)
