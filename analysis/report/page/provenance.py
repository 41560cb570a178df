"""What a sweep ran and where its results came from, as part of the page."""

from __future__ import annotations

import json
from collections.abc import Iterator

import numpy as np
import pandas as pd

from analysis.report import html
from analysis.tables.collect import Tables
from analysis.tables.groups import cell_fields, varying
from analysis.tables.schema import numbers


def what_was_run(tables: Tables) -> Iterator[str]:
    record, cells, runs = tables.sweep.record, tables.cells, tables.runs
    differing = varying(cells)
    axes = [(name, ", ".join(_values(cells, name))) for name in differing]
    axes.append(("seed", ", ".join(_values(runs, "seed"))))
    fixed = [(name, _values(cells, name)[0]) for name in cell_fields() if name not in differing]
    yield html.heading(3, "What varies")
    yield html.definitions(axes)
    shared = html.definitions(fixed)
    yield f"<details><summary>What all runs share ({len(fixed)} fields)</summary>{shared}</details>"
    yield html.heading(3, "Where it came from")
    yield html.definitions(
        [("sweep", f"{record.name}, SHA-256 {record.digest}"), *_provenance(tables), *_effort(tables)]
    )


def _values(frame: pd.DataFrame, name: str) -> list[str]:
    """The different values of a column as text, sorted, `none` first where a value is missing."""
    known = sorted(set(frame[name].dropna()))
    return ["none"] * bool(frame[name].isna().any()) + [f"{value}" for value in known]


def _effort(tables: Tables) -> list[tuple[str, str]]:
    epochs = int(tables.curves.last_epochs().sum())
    hours = float(np.nansum(numbers(tables.runs, "compute_seconds"))) / 3600
    return [("epochs trained", f"{epochs:,}"), ("compute", f"{hours:.2f} hours, source models not counted")]


def _provenance(tables: Tables) -> list[tuple[str, str]]:
    """What the runs say of themselves, each thing with all of its values. Unknown values are left out."""
    found: dict[str, dict[str, None]] = {}
    for run in tables.sweep.runs:
        if run.result is not None:
            for name, value in _facts(run.result.provenance, run.result.device, run.result.data_sha256):
                found.setdefault(name, {})[value] = None
    return [(name, ", ".join(values)) for name, values in found.items()]


def _facts(provenance: dict[str, object], device: str, data: str) -> Iterator[tuple[str, str]]:
    yield "device", device
    commit = provenance.get("git_sha")
    if commit is not None:
        changed = " with uncommitted changes" if provenance.get("git_dirty") else ""
        yield "code", f"{commit}{changed}"
    for name in ("python", "platform"):
        if provenance.get(name) is not None:
            yield name, f"{provenance[name]}"
    versions = provenance.get("versions")
    for name, version in versions.items() if isinstance(versions, dict) else ():
        if version is not None:
            yield f"{name}", version if isinstance(version, str) else json.dumps(version)
    yield "data, SHA-256", data[:16]
