"""What this process may use of the machine: its share of the cores and of the memory."""

from __future__ import annotations

import math
import os
from collections.abc import Mapping
from pathlib import Path

CGROUPS = Path("/sys/fs/cgroup")
CGROUP_OF_THIS_PROCESS = Path("/proc/self/cgroup")


def usable_cores() -> int:
    """The smallest of the CPU affinity, the CPU quota of the control group and what Slurm gave to a task; at least 1.

    `os.cpu_count()` counts the cores of the machine: in a container or a Slurm job with 4 of 64 cores, 64 workers
    would share 4 cores.
    """
    return min(core_limits(os.environ).values())


def core_limits(environment: Mapping[str, str], root: Path = CGROUPS) -> dict[str, int]:
    """Number of cores by what limits it; `machine` is always there, the others where they apply."""
    found = {"machine": os.cpu_count() or 1}
    if hasattr(os, "sched_getaffinity"):  # Linux
        found["affinity"] = len(os.sched_getaffinity(0))
    quota = cgroup_quota(root)
    if quota is not None:
        found["cgroup quota"] = max(1, math.floor(quota))
    given = environment.get("SLURM_CPUS_PER_TASK", "")
    if given.isdecimal() and int(given) > 0:
        found["SLURM_CPUS_PER_TASK"] = int(given)
    return found


def cgroup_quota(root: Path = CGROUPS, membership: Path = CGROUP_OF_THIS_PROCESS) -> float | None:
    """CPUs' worth of time that the process's control group and those above it allow; None without a limit.

    Version 2 has `cpu.max` ("max 100000" or "quota period", microseconds), version 1 `cpu.cfs_quota_us` (-1: none)
    and `cpu.cfs_period_us` (https://docs.kernel.org/admin-guide/cgroup-v2.html). In a container the folder of the
    process is usually mounted as the root itself.
    """
    quotas = [quota for folder in _folders(root, membership) if (quota := _quota_of(folder)) is not None]
    return min(quotas, default=None)


def memory_limits(root: Path = CGROUPS, membership: Path = CGROUP_OF_THIS_PROCESS) -> dict[str, int]:
    """Bytes by what limits them: `machine` is always there, `cgroup` where the control group has a limit."""
    machine = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    found = {"machine": machine}
    for folder in _folders(root, membership, "memory"):
        for name in ("memory.max", "memory.limit_in_bytes"):
            try:
                limit = int((folder / name).read_text())
            except (OSError, ValueError):  # not there, or "max"
                continue
            if limit < machine:  # version 1 says a number near 2^63 where there is no limit
                found["cgroup"] = min(limit, found.get("cgroup", limit))
    return found


def _folders(root: Path, membership: Path, controller: str = "cpu") -> list[Path]:
    """Folders of the process's groups, from the inner one up to the root of each hierarchy."""
    try:
        lines = membership.read_text().splitlines()
    except OSError:
        lines = []
    found = [root, root / controller]
    for line in lines:
        _, controllers, path = line.split(":", 2)
        if controllers == "" or controller in controllers.split(","):
            base = root if controllers == "" else root / controller
            parts = [part for part in path.split("/") if part and part != ".."]
            found += [base.joinpath(*parts[:depth]) for depth in range(1, len(parts) + 1)]
    return found


def _quota_of(folder: Path) -> float | None:
    try:
        limit, period = (folder / "cpu.max").read_text().split()
    except (OSError, ValueError):
        try:
            limit, period = ((folder / f"cpu.cfs_{name}_us").read_text().strip() for name in ("quota", "period"))
        except OSError:
            return None
    try:
        quota = float(limit) / float(period)
    except (ValueError, ZeroDivisionError):  # "max"
        return None
    return quota if quota > 0 else None
