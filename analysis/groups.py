"""Cells that differ in one field alone, named by what tells the groups apart."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from analysis.curves import Rows
from analysis.schema import spec_types

_IN_NAME = ("model.family", "model.depth", "model.width")


@dataclass(frozen=True)
class Group:
    """`cells` are rows of the table `cells`, by rising value on `axis`; `values` are those values."""

    axis: str
    label: str
    slug: str  # the label as it may stand in a file name; no two groups of a table share one
    fields: dict[str, Any]  # what all cells of the group have in common; None = missing
    cells: Rows
    values: np.ndarray  # (cells,) float


def cell_fields() -> list[str]:
    """The specification's fields that tell cells apart: all but the seed."""
    return [name for name in spec_types() if name != "seed"]


def groups_along(cells: pd.DataFrame, axis: str) -> tuple[Group, ...]:
    """The groups of cells that are equal in everything but `axis`, in the order of the table.

    A cell without a value on the axis (no source, so no source.size) belongs to none. Raises ValueError
    where the axis is no numeric field of a specification.
    """
    numeric = [name for name in cell_fields() if pd.api.types.is_numeric_dtype(cells[name].dtype)]
    if axis not in numeric:
        raise ValueError(f"axis = {axis!r}; allowed: {', '.join(numeric)}")
    present = np.flatnonzero(cells[axis].notna())
    if not len(present):
        return ()
    others = [name for name in cell_fields() if name != axis]
    code = cells.iloc[present].groupby(others, dropna=False, sort=False).ngroup().to_numpy()
    members = [present[code == number] for number in range(code.max() + 1)]
    fields = [_fields(cells, int(rows[0]), others) for rows in members]
    labels = _labels(fields)
    slugs = _slugs(labels)
    groups = []
    for rows, shared, label, slug in zip(members, fields, labels, slugs, strict=True):
        values = cells[axis].iloc[rows].to_numpy(dtype=np.float64)
        order = np.argsort(values, kind="stable")
        groups.append(Group(axis, label, slug, shared, rows[order], values[order]))
    return tuple(groups)


def varying(cells: pd.DataFrame) -> list[str]:
    """Fields of the specification that take more than one value in the table."""
    return [name for name in cell_fields() if len(cells[[name]].drop_duplicates()) > 1]


def _fields(cells: pd.DataFrame, row: int, names: list[str]) -> dict[str, Any]:
    missing = cells[names].iloc[row].isna()
    return {name: None if missing[name] else cells[name].iloc[row] for name in names}


def _labels(groups: list[dict[str, Any]]) -> list[str]:
    """The network's name, then the fields that differ between groups; those of the source only where there is one."""
    with_source = [group for group in groups if not _scratch(group)]
    differ = [
        name
        for name in groups[0]
        if name not in _IN_NAME
        and len({str(group[name]) for group in (with_source if name.startswith("source.") else groups)}) > 1
    ]
    mixed = 0 < len(with_source) < len(groups)
    return [_label(group, differ, mixed and _scratch(group)) for group in groups]


def _scratch(group: dict[str, Any]) -> bool:
    return group.get("source.task", "") is None


def _label(group: dict[str, Any], differ: list[str], say_scratch: bool) -> str:
    family, depth, width = (group.get(name) for name in _IN_NAME)
    name = f"{family}{'' if depth is None else depth}{'' if width is None else f'-w{width}'}"
    shown = [field for field in differ if not (_scratch(group) and field.startswith("source."))]
    parts = ["from scratch"] if say_scratch else []
    return ", ".join([name, *parts, *(f"{field} = {group[field]}" for field in shown)])


def _slugs(labels: list[str]) -> list[str]:
    """Lower-case file names; a number is appended where two labels would share one."""
    used: set[str] = set()
    slugs = []
    for label in labels:
        stem = re.sub(r"[^a-z0-9.]+", "-", label.lower()).strip("-.")[:100]
        slug, number = stem, 2
        while slug in used:
            slug, number = f"{stem}-{number}", number + 1
        used.add(slug)
        slugs.append(slug)
    return slugs
