"""Where a result came from: code, versions, machine. Written beside it, never part of its identity."""

from __future__ import annotations

import platform
import socket
import subprocess
import sys
from contextlib import suppress
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("torch", "timm", "pytorch-lightning", "ray", "numpy", "wandb")


@cache
def code() -> dict[str, Any]:
    """The commit of the checkout and whether it had changes; both None outside git. Taken on the driver."""
    sha = _git("rev-parse", "HEAD")
    changes = _git("status", "--porcelain", "--untracked-files=no")
    return {"git_sha": sha, "git_dirty": None if changes is None else bool(changes)}


@cache
def machine() -> dict[str, Any]:
    """Versions and host of the process that computed a result."""
    import torch  # here, as the driver, which imports this module, is spared it

    versions = {}
    for package in PACKAGES:
        try:
            versions[package] = version(package)
        except PackageNotFoundError:
            versions[package] = None
    return {
        "python": sys.version.split()[0],
        "versions": versions,
        "platform": platform.platform(),
        "host": socket.gethostname(),
        "cpu": _cpu(),
        "cpu_capability": torch.backends.cpu.get_cpu_capability(),
    }


def _cpu() -> str | None:
    """The processor's own name for itself, None where the system does not tell."""
    with suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or None


def _git(*arguments: str) -> str | None:
    try:
        found = subprocess.run(
            ["git", "-C", str(ROOT), *arguments], capture_output=True, text=True, timeout=10, check=True
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return found.stdout.strip()
