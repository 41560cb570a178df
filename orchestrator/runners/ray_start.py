"""Ray's start: everything that can be said against it is said in one line, and nothing waits for ever."""

from __future__ import annotations

import contextlib
import io
import os
import re
import secrets
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import ray

from orchestrator.runners.resources import TRAVELS, CannotStart
from orchestrator.train.provenance import ROOT

LONGEST_FOLDER = 40
"""Bytes of a folder under which Ray's sockets still have names that the system allows (107 bytes in all)."""
STOP_AFTER = 300.0
"""Seconds without any worker after which a launch ends; FROSTLINE_START_TIMEOUT changes it."""
SAY_AFTER = 60.0
"""Seconds without any worker after which it is said what is waited for, at the latest."""


def connect(address: str, cores: int) -> None:
    """Start a Ray of `cores` cores on this machine (`local`), or join the one at `address`. Raises CannotStart."""
    ours = {name: value for name, value in os.environ.items() if name.startswith("FROSTLINE_")}
    if "FROSTLINE_DATA" in ours:
        ours["FROSTLINE_DATA"] = os.path.abspath(ours["FROSTLINE_DATA"])
    environment = {"OMP_NUM_THREADS": "1", "MPLBACKEND": "agg", "PYTHONWARNINGS": "", **ours}
    given: dict[str, Any] = {"logging_level": "ERROR", "log_to_driver": False, "configure_logging": False}
    if address == "local":
        _give_a_token()
        environment["PYTHONPATH"] = os.pathsep.join([str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])])
        given |= {"num_cpus": cores, "include_dashboard": False, "_temp_dir": _folder()}
        given["runtime_env"] = {"env_vars": environment}
    else:
        modules = [str(ROOT / name) for name in TRAVELS]
        given["runtime_env"] = {"py_modules": modules, "env_vars": environment}
    try:
        # Ray puts the driver's current directory on its workers' path: a `torch.py` there would be taken for torch.
        with contextlib.redirect_stderr(io.StringIO()), contextlib.chdir(ROOT):
            ray.init(address=address, **given)
    except (Exception, SystemExit) as problem:  # Ray raises whatever it meets, and has no common class for it
        ray.shutdown()
        raise CannotStart(_why(address, problem)) from None


def _give_a_token() -> None:
    """Ray keeps the token of its clusters in the user's home. Where that cannot be written, one is made here."""
    if any(os.environ.get(name) for name in ("RAY_AUTH_TOKEN", "RAY_AUTH_TOKEN_PATH")):
        return
    try:
        folder = Path.home() / ".ray"
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        usable = (folder / "auth_token").is_file() or os.access(folder, os.W_OK | os.X_OK)
    except (OSError, RuntimeError):  # no home at all
        usable = False
    if not usable:
        os.environ["RAY_AUTH_TOKEN"] = secrets.token_hex(32)


@contextlib.contextmanager
def libraries_write_to_a_file() -> Iterator[None]:
    """While the block runs, what libraries write to standard error goes to `log_file()`; what our Python code prints
    there does not. Ray's stack traces would stand between our lines."""
    try:
        log = os.open(log_file(), os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, 0o600)
    except OSError:  # no such folder, or somebody else's file
        log = os.open(os.devnull, os.O_WRONLY)
    try:
        kept = os.dup(2)
    except OSError:  # it is closed
        kept = os.dup(log)
    before = sys.stderr
    try:
        if _writes_to_descriptor_2(before):
            before.flush()
            like = {"encoding": before.encoding, "errors": before.errors}
            # Its descriptor stays open: handlers of Ray's loggers keep the stream, and write to it at exit.
            sys.stderr = os.fdopen(os.dup(kept), "w", buffering=1, closefd=False, **like)
        os.dup2(log, 2)
        yield
    finally:
        sys.stderr = before
        os.dup2(kept, 2)
        os.close(kept)
        os.close(log)


def log_file() -> Path:
    """Where what Ray's library writes to standard error is kept, of the last launch on this machine."""
    return Path(tempfile.gettempdir()) / f"frostline-ray-{os.getuid()}.log"


def _writes_to_descriptor_2(stream: Any) -> bool:
    try:
        return stream is not None and stream.fileno() == 2
    except (OSError, ValueError, AttributeError):  # a notebook's, a test's
        return False


def _folder() -> str:
    """Where a Ray of our own keeps its sockets and logs: Ray's usual folder where its path is short enough."""
    usual = Path(os.environ.get("RAY_TMPDIR") or tempfile.gettempdir())
    for folder in (usual, Path("/tmp")):
        fits = len(os.fsencode(folder)) <= LONGEST_FOLDER and str(folder).isascii()
        if fits and os.access(folder, os.W_OK | os.X_OK):
            return str(folder.resolve() / ("ray" if os.getuid() == 0 else f"ray-{os.getuid()}"))
    raise CannotStart(
        f"TMPDIR {usual}: Ray needs a folder that can be written, its path ASCII, of at most {LONGEST_FOLDER} bytes; "
        "set RAY_TMPDIR to one, or use --runner local"
    )


def _why(address: str, problem: BaseException) -> str:
    text = " ".join(f"{problem}".split())
    where = "Ray did not start" if address == "local" else f"--address {address}"
    if address == "auto" and "RAY_ADDRESS" not in os.environ and "token" not in text.lower():
        return "--address auto: no running Ray cluster is found on this machine; start one with: ray start --head"
    if "No node info found" in f"{problem} {problem.__cause__}":  # Ray takes a driver only where one of its nodes is
        return (
            f"{where}: this host is none of that cluster's; give the command on one of them, or let this one join "
            f"without room for runs: ray start --address={address} --num-cpus=0 --num-gpus=0"
        )
    if address != "local":  # a wrong token and no answer are one ConnectionError
        return (
            f"{where}: {text[:200]}. Is it a Ray of this version, and is ~/.ray/auth_token (mode 600), or "
            "RAY_AUTH_TOKEN, that of its head node?"
        )
    return f"{where}: {type(problem).__name__}: {text[:300]}; --runner local does without Ray (log: {log_file()})"


def start_timeout() -> float:
    """FROSTLINE_START_TIMEOUT in seconds, STOP_AFTER where it is not set. Raises CannotStart for what is no number."""
    given = os.environ.get("FROSTLINE_START_TIMEOUT") or STOP_AFTER
    try:
        seconds = float(given)
    except ValueError:
        seconds = -1.0
    if not 1 <= seconds <= 1e6:
        raise CannotStart(f"FROSTLINE_START_TIMEOUT = {given!r}: allowed 1 to 1000000 seconds")
    return seconds


class StartWatch:
    """Tells what a launch waits for while no worker is up, and ends it when it has waited too long: at its start, and
    again where the last worker has gone."""

    def __init__(
        self, say: Callable[[str], None], seconds: float = STOP_AFTER, clock: Callable[[], float] = time.monotonic
    ) -> None:
        """`say` is told once what is waited for, and an empty text once a worker is up."""
        self._say = say
        self._seconds = seconds
        self._clock = clock
        self._since = clock()
        self._said = False
        self._waited = False

    def look(self, up: bool, waits: bool = True) -> None:
        """To be called again and again. `up`: whether a worker is. `waits`: whether something waits for one; where all
        that is left is held by other drivers nothing does, and Tune may call minutes later, once something is there
        again. Raises CannotStart once none was up for all the seconds."""
        now, waited_before = self._clock(), self._waited
        self._waited = waits
        if up or not (waits and waited_before):
            if self._said:
                self._say("")
            self._since, self._said = now, False
            return
        waited = now - self._since
        if waited < min(SAY_AFTER, self._seconds / 5):
            return
        if waited >= self._seconds:
            raise CannotStart(f"no worker has started in {waited:.0f} s: {self._cause()}")
        if not self._said:
            self._said = True
            self._say(f"no worker has started in {waited:.0f} s, waiting: {self._cause()}")

    def _cause(self) -> str:
        free = _free()
        demand = f"the cluster has {free} free" if free else "the cluster does not answer"
        logs = session_logs()
        told = None if logs is None else last_error(logs)
        return f"{told or demand}; Ray's logs: {logs or 'unknown'}"


def session_logs() -> Path | None:
    """The folder with the logs of the Ray that this process is connected to, if it runs on this machine."""
    with contextlib.suppress(Exception):
        node = ray._private.worker._global_node  # pyright: ignore  (there is no public way)
        return Path(node.get_logs_dir_path())
    return None


_ERROR = re.compile(r"(?:\bERROR\b|Error:|error:|Exception:|Failed to|No module named).*")


def last_error(logs: Path) -> str | None:
    """The last line that tells of an error in what Ray logged of runtime environments and of workers' starts."""
    found: list[tuple[float, str]] = []
    for pattern in ("runtime_env*.log", "worker-*.err", "worker-*.out", "python-core-worker-*.log"):
        for path in logs.glob(pattern):
            with contextlib.suppress(OSError), path.open("rb") as file:
                file.seek(max(0, path.stat().st_size - 20_000))
                lines = file.read().decode("utf-8", "replace").splitlines()
                told = [match[0] for line in lines if (match := _ERROR.search(line))]
                if told:
                    found.append((path.stat().st_mtime, f"{' '.join(told[-1].split())[:200]} ({path.name})"))
    return max(found)[1] if found else None


def _free() -> str:
    with contextlib.suppress(Exception):
        found = ray.available_resources()
        return ", ".join(f"{found.get(name, 0):g} {name}" for name in ("CPU", "GPU") if name == "CPU" or name in found)
    return ""
