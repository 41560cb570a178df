"""Cores and memory that a process may use: affinity, control groups of both versions, Slurm."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from orchestrator.runners import limits


def written(root: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)


@pytest.mark.parametrize(
    ("membership", "files", "quota"),
    [
        ("0::/\n", {}, None),
        ("0::/\n", {"cpu.max": "max 100000\n"}, None),
        ("0::/\n", {"cpu.max": "250000 100000\n"}, 2.5),
        ("0::/job/step\n", {"job/cpu.max": "400000 100000", "job/step/cpu.max": "max 100000"}, 4.0),
        ("0::/job/step\n", {"job/cpu.max": "400000 100000", "job/step/cpu.max": "150000 100000"}, 1.5),
        ("0::/elsewhere/../job\n", {"cpu.max": "300000 100000"}, 3.0),
        ("4:cpu,cpuacct:/docker/a\n", {"cpu/cpu.cfs_quota_us": "-1", "cpu/cpu.cfs_period_us": "100000"}, None),
        ("4:cpu,cpuacct:/docker/a\n", {"cpu/cpu.cfs_quota_us": "200000", "cpu/cpu.cfs_period_us": "100000"}, 2.0),
        (
            "4:cpu,cpuacct:/docker/a\n3:memory:/docker/b\n",
            {"cpu/docker/a/cpu.cfs_quota_us": "50000", "cpu/docker/a/cpu.cfs_period_us": "100000"},
            0.5,
        ),
        ("0::/\n", {"cpu.max": "nonsense"}, None),
        ("0::/\n", {"cpu.max": "100000 0"}, None),
    ],
)
def test_the_quota_of_a_control_group(tmp_path: Path, membership: str, files: dict, quota: float | None) -> None:
    written(tmp_path / "cgroup", files)
    written(tmp_path, {"self": membership})
    assert limits.cgroup_quota(tmp_path / "cgroup", tmp_path / "self") == quota


def test_without_control_groups_there_is_no_quota(tmp_path: Path) -> None:
    assert limits.cgroup_quota(tmp_path / "none", tmp_path / "none") is None


def test_the_smallest_limit_holds_and_one_core_is_left(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "cpu_count", lambda: 64)
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(16)))
    written(tmp_path, {"cpu.max": "50000 100000"})
    assert limits.core_limits({}, tmp_path) == {"machine": 64, "affinity": 16, "cgroup quota": 1}
    given = limits.core_limits({"SLURM_CPUS_PER_TASK": "4"}, tmp_path / "none")
    assert given == {"machine": 64, "affinity": 16, "SLURM_CPUS_PER_TASK": 4}
    for nonsense in ("", "0", "many", "-3"):
        assert "SLURM_CPUS_PER_TASK" not in limits.core_limits({"SLURM_CPUS_PER_TASK": nonsense}, tmp_path)
    monkeypatch.setenv("SLURM_CPUS_PER_TASK", "3")
    assert limits.usable_cores() <= 3


def test_memory_of_a_control_group(tmp_path: Path) -> None:
    machine = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    written(tmp_path, {"self": "0::/job\n", "cgroup/memory.max": "max\n", "cgroup/job/memory.max": "1048576\n"})
    assert limits.memory_limits(tmp_path / "cgroup", tmp_path / "self") == {"machine": machine, "cgroup": 1048576}
    written(tmp_path, {"other": "0::/\n"})
    assert limits.memory_limits(tmp_path / "cgroup", tmp_path / "other") == {"machine": machine}
    written(tmp_path, {"v1": "9:memory:/\n", "old/memory/memory.limit_in_bytes": "9223372036854771712\n"})
    assert limits.memory_limits(tmp_path / "old", tmp_path / "v1") == {"machine": machine}
