"""An object store on the loopback interface: moto's server, in a process of its own, once for a test session.

moto keeps everything in memory and carries out conditional requests (If-None-Match, If-Match) as S3 does. It checks no
signature. Nothing here leaves this machine.
"""

from __future__ import annotations

import atexit
import os
import socket
import subprocess
import sys
import time
import urllib.request
from functools import cache
from itertools import count

import pytest

SECRET = "canary-secret-of-the-object-store"
"""What no output and no file may hold."""
_NUMBERS = count(1)


@cache
def endpoint() -> str:
    """The server's address; started when it is first asked for, ended with this process."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    process = subprocess.Popen(
        [sys.executable, "-W", "ignore", "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    atexit.register(process.wait)
    atexit.register(process.kill)
    url, deadline = f"http://127.0.0.1:{port}", time.monotonic() + 120
    while True:
        try:
            urllib.request.urlopen(url, timeout=5).close()
            return url
        except OSError:  # nobody there yet, or busy
            assert process.poll() is None and time.monotonic() < deadline, "moto's server does not start"
            time.sleep(0.1)


def environment(url: str) -> dict[str, str]:
    """The variables by which a process finds the server."""
    return {
        "AWS_ENDPOINT_URL": url,
        "AWS_ACCESS_KEY_ID": "canary-key-id",
        "AWS_SECRET_ACCESS_KEY": SECRET,
        "AWS_REGION": "us-east-1",
    }


def new_bucket(url: str) -> str:
    """A bucket of its own: its name."""
    name = f"tests-{os.getpid()}-{next(_NUMBERS)}"
    urllib.request.urlopen(urllib.request.Request(f"{url}/{name}", method="PUT"), timeout=30).close()
    return name


@pytest.fixture
def s3(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> str:
    """The address of an empty store in a bucket of its own; processes that this one starts find it too."""
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    for name, value in environment(endpoint()).items():
        monkeypatch.setenv(name, value)
    here = tmp_path_factory.mktemp("node")
    monkeypatch.setenv("FROSTLINE_CACHE", str(here / "cache"))
    monkeypatch.setenv("XDG_DATA_HOME", str(here / "data"))
    return f"s3://{new_bucket(endpoint())}/ann/results"
