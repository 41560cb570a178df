"""What a run may be given of machines, GPUs and cores: refused early, torch imported only for a GPU."""

from __future__ import annotations

import os
import re
import socket
import subprocess
import sys
from pathlib import Path
from typing import get_args

from orchestrator.runners.limits import usable_cores
from orchestrator.schedule.agenda import Place
from orchestrator.store.jobs import Job
from sweeps.errors import InputError, SpecError, shown
from sweeps.spec import HeadStart

_ADDRESS = re.compile(r"(?P<host>\[[0-9A-Fa-f:]+\]|[A-Za-z0-9_.-]+):(?P<port>[0-9]{1,5})")
ANSWER_SECONDS = 10.0
"""How long a cluster's head may take to take a connection, and to answer."""
FRAME_HEAD, SETTINGS = 9, 4
"""Of HTTP/2: bytes before a frame's content, and the type of the frame that a server sends first."""

TRAVELS = ("sweeps", "tasks", "architectures", "orchestrator")
"""The packages that a worker imports. Nothing else of the checkout is sent to a cluster's nodes."""


ON_GPU, ON_CPU = "gpu", "cpu"
"""Kinds of places: workers with a share of a GPU, and workers without."""
SOLVES = frozenset(get_args(HeadStart))
"""Training methods that are one linear solve: it takes no GPU from a run that trains."""


def place_of(job: Job, gpus_per_run: float) -> Place:
    """Where a job is to run, in a launch whose runs take a share of a GPU (0: none)."""
    return ON_GPU if gpus_per_run > 0 and job.recipe.method not in SOLVES else ON_CPU


class CannotStart(InputError):
    """The runner cannot start its workers. Its text is one line, with the way out."""


def check_address(address: str) -> None:
    """Raise SpecError for an address that is none, or at which nothing answers within ANSWER_SECONDS."""
    if address in ("local", "auto"):
        return
    match = _ADDRESS.fullmatch(address)
    if match is None or not 0 < int(match["port"]) < 65536:
        raise SpecError(f"--address {shown(address)}: allowed local, auto, or HOST:PORT of a Ray cluster's head")
    try:
        with socket.create_connection((match["host"].strip("[]"), int(match["port"])), ANSWER_SECONDS) as connection:
            speaks = "RAY_USE_TLS" in os.environ or _speaks_http2(connection)
    except OSError as problem:
        why = "no answer" if isinstance(problem, TimeoutError) else problem.strerror or f"{problem}"
        raise SpecError(
            f"--address {address}: {why}; start a cluster there with: ray start --head --port={match['port']}"
        ) from None
    if not speaks:
        raise SpecError(f"--address {address}: something answers that is no Ray head; allowed: the address it printed")


def _speaks_http2(connection: socket.socket) -> bool:
    """Whether a server answers the preface of HTTP/2 with its settings (RFC 9113, 3.4), as gRPC does and Ray's head by
    it. Raises OSError where it does not answer in time."""
    connection.sendall(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes((0, 0, 0, SETTINGS, 0, 0, 0, 0, 0)))
    head = b""
    while len(head) < FRAME_HEAD and (more := connection.recv(FRAME_HEAD - len(head))):
        head += more
    return len(head) == FRAME_HEAD and head[3] == SETTINGS


ASKS_FOR_A_TOKEN = 3
_PROBE = f"""
import sys
from ray._private.services import canonicalize_bootstrap_address_or_die
from ray._raylet import GcsClient
from ray.exceptions import AuthenticationError
try:
    GcsClient(address=canonicalize_bootstrap_address_or_die(sys.argv[1]))
except AuthenticationError:
    sys.exit({ASKS_FOR_A_TOKEN})
"""
"""A program that asks a cluster's head for its id without a token. Its own process: Ray reads the mode once."""


def use_token(address: str) -> None:
    """Send the token that is there to a cluster that asks for one, and none to a cluster that does not.

    To be called before ray is imported, where a running cluster is joined. A driver sends a token only if it is told
    to, and one that is told to takes no word from a cluster without: its workers would end before they begin. So the
    head is asked. Raises CannotStart where it asks for a token and there is none. RAY_AUTH_MODE stays where it is set.
    """
    if os.environ.get("RAY_AUTH_MODE"):
        return
    if not _asks_for_a_token(address):
        return
    named = any(os.environ.get(name) for name in ("RAY_AUTH_TOKEN", "RAY_AUTH_TOKEN_PATH"))
    if not named and not (Path.home() / ".ray" / "auth_token").is_file():
        raise CannotStart(
            f"--address {address}: the cluster asks for a token and none is here; copy ~/.ray/auth_token (mode 600) "
            "from its head node, or set RAY_AUTH_TOKEN"
        )
    os.environ["RAY_AUTH_MODE"] = "token"


def _asks_for_a_token(address: str) -> bool:
    environment = {**os.environ, "RAY_AUTH_MODE": "disabled"}
    try:
        asked = subprocess.run(
            [sys.executable, "-c", _PROBE, address], env=environment, capture_output=True, timeout=60, check=False
        )
    except subprocess.TimeoutExpired:
        return False
    return asked.returncode == ASKS_FOR_A_TOKEN


def check_resources(
    gpus_per_run: float, threads_per_run: int, *, on_this_machine: bool, in_this_process: bool = False
) -> None:
    """Raise SpecError for a share of devices that no run could be given.

    `on_this_machine`: the runs stay here, so that its devices and cores are all there are. `in_this_process`: one run
    at a time, which may use more threads than there are cores (to give again what a larger machine gave).
    """
    if gpus_per_run > 1:
        raise SpecError(f"--gpus-per-run {gpus_per_run:g}: allowed 0 to 1 (a run trains on one device)")
    if 0 < gpus_per_run < 0.01:
        raise SpecError(f"--gpus-per-run {gpus_per_run:g}: allowed 0, or 0.01 to 1")
    if not on_this_machine:
        return
    if gpus_per_run > 0 and not accelerators():
        raise SpecError(f"--gpus-per-run {gpus_per_run:g}: no CUDA device is seen on this machine; 0 runs on CPU")
    cores = usable_cores()
    if threads_per_run > cores and not in_this_process:
        raise SpecError(f"--threads-per-run {threads_per_run}: allowed 1 to {cores}, the cores it may use")


def accelerators() -> list[str]:
    """Names of the CUDA devices that are seen here. Imports torch."""
    import torch

    return [torch.cuda.get_device_name(index) for index in range(torch.cuda.device_count())]
