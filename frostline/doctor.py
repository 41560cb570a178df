"""`frostline doctor`: what a run needs, and what of it this machine has. Writes nothing that stays."""

from __future__ import annotations

import json
import os
import platform
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from frostline.versions import PACKAGES, frostline_version, package_version
from orchestrator.runners.limits import core_limits, memory_limits
from orchestrator.runners.resources import accelerators
from orchestrator.store.ledger import Ledger
from orchestrator.tracking.api_key import key_place
from orchestrator.train.provenance import code
from sweeps.errors import InputError
from sweeps.store.location import location_of
from tasks.dataset import Dataset
from tasks.registry import DATASETS, row

GIB = 2**30
ANY_SIDE = 64
"""The image size for which pictures of many sizes are looked for."""


@dataclass(frozen=True)
class Check:
    """One thing looked at.

    key: its place in the JSON, with a dot where it stands in a section. fault: why a run could not begin; None where
    all is well, or where a run can do without it.
    """

    key: str
    text: str
    value: Any
    fault: str | None = None


@dataclass(frozen=True)
class Examination:
    """All checks, in the order in which they are shown."""

    checks: tuple[Check, ...]

    @property
    def healthy(self) -> bool:
        return all(check.fault is None for check in self.checks)

    def as_text(self) -> str:
        names = [check.key.replace(".", " ").replace("_", " ").removeprefix("packages ") for check in self.checks]
        width = max(map(len, names))
        lines = [f"{name:<{width}}  {check.text}" for name, check in zip(names, self.checks, strict=True)]
        faults = [f"fault: {check.fault}" for check in self.checks if check.fault is not None]
        return "\n".join([*lines, *(faults or ["ready: a sweep can run here"])])

    def as_json(self) -> str:
        content: dict[str, Any] = {"healthy": self.healthy}
        content["faults"] = [check.fault for check in self.checks if check.fault is not None]
        for check in self.checks:
            section, _, name = check.key.partition(".")
            if name:
                content.setdefault(section, {})[name] = check.value
            else:
                content[section] = check.value
        return json.dumps(content, indent=1)


def examine(store: str | Path) -> Examination:
    """Look at this machine, as this process sees it, and at a folder of results."""
    checks = [_frostline(), *(_package(name) for name in PACKAGES), _cores(), _memory(), _devices()]
    return Examination((*checks, *_data_sets(), _store(store), _wandb_key()))


def _frostline() -> Check:
    commit = code()
    sha = commit["git_sha"]
    changed = ", with changes" if commit["git_dirty"] else ""
    text = f"{frostline_version()} ({'no git checkout' if sha is None else f'commit {sha[:10]}{changed}'})"
    value = {"version": frostline_version(), "python": platform.python_version(), **commit}
    return Check("frostline", f"{text}, Python {platform.python_version()}", value)


def _package(name: str) -> Check:
    found = package_version(name)
    fault = None if found is not None else f"the package {name}: install what requirements.lock names (make setup)"
    return Check(f"packages.{name}", found or "not installed", found, fault)


def _cores() -> Check:
    limits = core_limits(os.environ)
    usable = min(limits.values())
    text = f"{usable} usable ({', '.join(f'{name} {number}' for name, number in limits.items())})"
    return Check("cores", text, {"usable": usable, "limits": limits})


def _memory() -> Check:
    limits = memory_limits()
    usable = min(limits.values())
    text = f"{usable / GIB:.1f} GiB ({', '.join(f'{name} {number / GIB:.1f}' for name, number in limits.items())})"
    return Check("memory", text, {"bytes": usable, "limits": limits})


def _devices() -> Check:
    if package_version("torch") is None:
        return Check("devices", "unknown without torch", None)
    try:
        found = accelerators()
    except (ImportError, OSError, RuntimeError) as problem:  # a broken torch or driver
        return Check("devices", "torch cannot be used", None, f"torch cannot be used: {' '.join(str(problem).split())}")
    return Check("devices", ", ".join(["CPU", *found]), ["cpu", *found])


def _data_sets() -> list[Check]:
    """A data set that is missing is no fault: sweeps that do without it run."""
    found = []
    for name in DATASETS:
        try:
            dataset = row(name)
            if isinstance(dataset, Dataset):  # what has parameters is made, not read
                dataset.present(ANY_SIDE)
        except (ValueError, OSError) as problem:
            found.append(Check(f"data.{name}", str(problem), {"found": False, "how": str(problem)}))
        else:
            found.append(Check(f"data.{name}", "found", {"found": True}))
    return found


def _store(given: str | Path) -> Check:
    """Writing is tried: with an object that is deleted again, or with a file that has no name, in the store or in the
    folder that it would be made in."""
    try:
        place = location_of(given)
        ledger = Ledger(place)
        ledger.check()
        if not isinstance(place, Path):
            return _bucket(ledger)
    except InputError as problem:
        return Check("store", str(problem), {"path": str(given), "writable": False}, str(problem))
    return _folder(place)


def _bucket(ledger: Ledger) -> Check:
    where = str(ledger.location)
    try:
        ledger.store.prepare()
    except OSError as problem:
        fault = f"--store {where}: cannot be written ({problem.strerror})"
        return Check("store", fault, {"path": where, "writable": False}, fault)
    return Check("store", f"{where}: writable", {"path": where, "writable": True})


def _folder(folder: Path) -> Check:
    there = next(path for path in (folder, *folder.parents) if path.exists())
    try:
        with tempfile.TemporaryFile(dir=there):
            pass
    except OSError as problem:
        fault = f"--store {folder}: {there} cannot be written ({problem.strerror})"
        return Check("store", fault, {"path": str(folder), "writable": False}, fault)
    free = shutil.disk_usage(there).free
    state = "writable" if there == folder else "not there yet, can be made"
    value = {"path": str(folder), "writable": True, "free_bytes": free}
    return Check("store", f"{folder}: {state}, {free / GIB:.1f} GiB free", value)


def _wandb_key() -> Check:
    """Needed for `--wandb online` and `publish` alone."""
    place = key_place()
    text = f"found ({place})" if place is not None else "not found: runs are tracked offline; `wandb login` adds one"
    return Check("wandb_key", text, {"found": place is not None, "where": place})
