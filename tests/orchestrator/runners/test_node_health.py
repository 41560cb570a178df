"""Hosts that fail are left alone for longer and longer; who works again is trusted again."""

from __future__ import annotations

import errno
from pathlib import Path

import pytest

from orchestrator.runners.node_health import (
    FIRST_PAUSE,
    LONGEST_PAUSE,
    MOST_DEATHS,
    MOST_RAISED,
    NodeHealth,
    address_in,
)
from orchestrator.runners.shared_store import StoreNotShared, StoreUnreadable, check_shared
from orchestrator.store.folder import FolderStore, store_at
from sweeps.layout import driver


@pytest.mark.parametrize(
    ("reason", "address"),
    [
        ("Failed to set up runtime environment.\n[Node 10.0.0.7] Failed to download", "10.0.0.7"),
        ("The actor died unexpectedly.\n\tclass_name: Worker\n\tip: 10.0.0.8\nThe actor is dead", "10.0.0.8"),
        ("ActorDiedError\n\tip: fd00::7\n", "fd00::7"),
        ("[Node unknown] Failed to download", None),
        ("ray::Worker.train() (pid=5, ip=10.0.0.9)", None),
        ("", None),
    ],
)
def test_the_address_is_read_from_what_ray_says(reason: str, address: str | None) -> None:
    assert address_in(reason) == address


def test_a_host_that_fails_again_is_avoided_twice_as_long() -> None:
    now = 0.0
    health = NodeHealth(lambda: now)
    pauses = []
    for _ in range(12):
        pauses.append(health.failed("a"))
        assert health.avoided() == {"a"} and health.failed("a") <= pauses[-1]  # one that was on its way already
        now += pauses[-1]
        assert not health.avoided()
    assert pauses == [min(LONGEST_PAUSE, FIRST_PAUSE * 2**number) for number in range(12)]
    health.worked("a")
    assert health.failed("a") == FIRST_PAUSE


def test_a_worker_that_dies_once_is_no_sign() -> None:
    health = NodeHealth(lambda: 0.0)
    for _ in range(5):
        for _ in range(MOST_DEATHS - 1):
            assert health.died("a") == 0.0
        health.worked("a")
    assert [health.died("b") for _ in range(MOST_DEATHS)][-1] == FIRST_PAUSE and health.avoided() == {"b"}


def test_what_is_missing_on_two_hosts_is_not_held_against_the_runs() -> None:
    """A data set, say, while the other hosts have it; a run that fails on a third host alike has failed itself."""
    health = NodeHealth(lambda: 0.0)
    health.worked("c")
    for address in ("a", "b"):
        for _ in range(MOST_RAISED):
            assert health.at_fault(address, "job", "no such data")
            health.raised(address, "no such data")
    assert health.avoided() == {"a", "b"}
    assert not health.at_fault("c", "job", "no such data") and not health.avoided()
    assert not health.at_fault("a", "another", "no such data")


def test_a_host_that_has_completed_a_run_is_a_witness_against_the_runs() -> None:
    health = NodeHealth(lambda: 0.0)
    health.worked("b")
    health.worked("a", completed=False)
    assert health.at_fault("b", "job", "bad data"), "it may have broken since"
    assert not health.at_fault("a", "job", "bad data")
    assert health.at_fault("a", "job", "other") and health.at_fault("c", "job", "other")


def test_errors_that_are_the_runs_own_leave_other_pauses_of_the_host() -> None:
    now = 0.0
    health = NodeHealth(lambda: now)
    for address in ("ends", "dies", "raises", "raises otherwise"):
        for _ in range(MOST_RAISED):
            assert health.at_fault(address, f"on {address}", "bad data")
            health.raised(address, "bad data")
    assert len(health.avoided()) == 4
    assert health.failed("ends") == FIRST_PAUSE
    assert [health.died("dies") for _ in range(MOST_DEATHS)][-1] == FIRST_PAUSE
    assert [health.raised("raises otherwise", "bad GPU") for _ in range(MOST_RAISED)][-1] == FIRST_PAUSE
    for address in ("raises", "ends", "dies"):
        blamed = not health.at_fault(address, "everywhere", "bad data")
    assert blamed and health.avoided() == {"ends", "dies", "raises otherwise"}
    now += FIRST_PAUSE
    assert not health.avoided() and health.failed("ends") == 2 * FIRST_PAUSE
    assert health.at_fault("raises", "everywhere", "bad GPU")


def test_a_store_of_the_same_name_elsewhere_is_found_out_before_anything_is_written(tmp_path: Path) -> None:
    ours, other = store_at(tmp_path / "ours"), store_at(tmp_path / "other")
    ours.prepare()
    ours.create(driver("launch"), b"{}")
    check_shared(ours, driver("launch"), "/store", "10.0.0.7")
    with pytest.raises(StoreNotShared, match=r"\[Node 10\.0\.0\.7\] host .*: /store is not the store that this launch"):
        check_shared(other, driver("launch"), "/store", "10.0.0.7", patience=0.0)
    assert not (tmp_path / "other").exists()
    with pytest.raises(StoreNotShared):  # a copy of the store that was made before the launch
        check_shared(ours, driver("another"), "/store", "10.0.0.7", patience=0.2)


def test_a_store_that_a_host_cannot_read_is_told_with_the_reason(tmp_path: Path) -> None:
    class Refusing(FolderStore):
        def exists(self, key: str) -> bool:
            raise OSError(errno.EACCES, "no credentials; set AWS_ACCESS_KEY_ID", "s3://bucket/ann")

    with pytest.raises(StoreUnreadable, match=r"host .*: s3://bucket/ann cannot be read there: no credentials; set AW"):
        check_shared(Refusing(tmp_path), driver("launch"), "s3://bucket/ann", "10.0.0.7", patience=0.0)


def test_a_store_that_could_not_be_read_a_moment_ago_is_not_called_another(tmp_path: Path) -> None:
    class Returning(FolderStore):
        looks = 0

        def exists(self, key: str) -> bool:
            self.looks += 1
            if self.looks == 1:
                raise OSError(errno.EIO, "Input/output error")
            return False

    store = Returning(tmp_path)
    with pytest.raises(StoreUnreadable, match=r"/store cannot be read there: Input/output error$"):
        check_shared(store, driver("launch"), "/store", "10.0.0.7", patience=0.2)
    assert store.looks > 1
