"""A cluster of three hosts, in `make hosts` and `make rejoin`; elsewhere these tests are skipped with the reason."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests import object_store
from tests.hosts.launches import Launches
from tests.hosts.machines import ROOT, Host, Switch, cannot, network
from tests.hosts.machines import cluster as a_cluster
from tests.hosts.relay import relay
from tests.object_store import s3 as s3

ASKED = os.environ.get("FROSTLINE_HOSTS", "")
"""`all`: one of each; `rejoin`: a host killed and back, ten times."""
QUICK = {
    # Ray calls a host dead after some 8 s without an answer, and not after 64.
    "RAY_health_check_initial_delay_ms": "1000",
    "RAY_health_check_period_ms": "1000",
    "RAY_health_check_timeout_ms": "3000",
    "RAY_health_check_failure_threshold": "5",
}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    mine = [item for item in items if "hosts" in item.path.parts]
    why = "in a target of its own: make hosts" if not ASKED else cannot()
    for item in mine:
        if "switch" not in getattr(item, "fixturenames", ()):
            continue  # needs no hosts
        if why:
            item.add_marker(pytest.mark.skip(reason=why))
        elif (ASKED == "rejoin") != (item.get_closest_marker("rejoin") is not None):
            item.add_marker(pytest.mark.skip(reason="make rejoin has its own"))


@pytest.fixture(scope="session")
def switch() -> Iterator[Switch]:
    with network() as made:
        yield made


@pytest.fixture(scope="session")
def buckets(switch: Switch) -> Iterator[dict[str, str]]:
    """The variables by which a host finds the object store, whose server starts with the first test that uses it."""
    with relay(switch, lambda: urlsplit(object_store.endpoint()).port or 0) as url:
        yield object_store.environment(url)


@pytest.fixture(scope="session")
def cluster(
    switch: Switch, buckets: dict[str, str], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Host, Host, Host]]:
    """A head without cores and two workers with one core each; all ask for a token. The tests leave it as it was."""
    names = ("head", "worker1", "worker2")
    with a_cluster(switch, tmp_path_factory.mktemp("disks"), names, ray=QUICK, **buckets) as (head, one, two):
        yield head, one, two


@pytest.fixture
def launches(tmp_path: Path, request: pytest.FixtureRequest) -> Launches:
    """With the store in a folder that all hosts see; with the parameter `bucket`, in a bucket."""
    in_bucket = getattr(request, "param", "folder") == "bucket"
    return Launches(tmp_path / "disk", request.getfixturevalue("s3") if in_bucket else None)


@pytest.fixture(scope="session")
def oracle(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """The tables of the single machine, without Ray."""
    alone = Launches(tmp_path_factory.mktemp("alone") / "disk")
    command = [sys.executable, "-m", "frostline", "run", str(alone.file), "--store", alone.address]
    told = subprocess.run(
        [*command, "--runner", "local", "--wandb", "disabled"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert told.returncode == 0, told.stdout + told.stderr
    return alone.tables()
