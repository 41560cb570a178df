"""Versions of this project and of the packages that decide what it computes."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, version

PACKAGES = ("torch", "timm", "pytorch-lightning", "ray", "wandb", "pandas", "numpy")


def frostline_version() -> str:
    """As installed; `not installed` in a checkout that is not."""
    return package_version("frostline") or "not installed"


def package_version(package: str) -> str | None:
    """None where the package is not installed."""
    try:
        return version(package)
    except PackageNotFoundError:
        return None
