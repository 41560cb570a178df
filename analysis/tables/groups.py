"""Cells that differ in one field alone, named by what tells the groups apart."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from analysis.tables.curves import Rows
from analysis.tables.schema import spec_types

IN_NAME = ("model.family", "model.depth", "model.width", "model.name")
"""The fields that the name of a network tells."""
WEIGHTS = "model.weights"
FROZEN, NORM = "transfer.frozen", "transfer.norm"
HELD = ("transfer.rate_factors", "transfer.inherit.mode")
"""Fields that may freeze more than the first units."""


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


def with_unfrozen(cells: pd.DataFrame, groups: tuple[Group, ...]) -> tuple[Group, ...]:
    """Groups along frozen units, those without a cell that freezes nothing with the one that differs in `transfer.norm`
    alone, where there is one.

    With nothing frozen all kinds of frozen norms are one training, which a sweep need not run three times. A unit of
    the learning-rate factor 0, and filters that are held, have a frozen norm too: with either nothing is lent.
    """
    if len(cells[NORM].unique()) < 2:
        return groups
    others = [name for name in cell_fields() if name not in (FROZEN, NORM)]
    code = cells.groupby(others, dropna=False, sort=False).ngroup().to_numpy()
    plain = cells[list(HELD)].isna().to_numpy().all(axis=1)
    lent: dict[int, int] = {}
    for row in np.flatnonzero((cells[FROZEN] == 0).to_numpy(dtype=bool, na_value=False) & plain):
        lent.setdefault(int(code[row]), int(row))
    found = []
    for group in groups:
        row = lent.get(int(code[group.cells[0]]))
        if row is not None and group.values[0] > 0:
            joined = np.concatenate([[row], group.cells]).astype(np.intp)
            group = replace(group, cells=joined, values=np.concatenate([[0.0], group.values]))
        found.append(group)
    return tuple(found)


def varying(cells: pd.DataFrame) -> list[str]:
    """Fields of the specification that take more than one value in the table."""
    return [name for name in cell_fields() if len(cells[[name]].drop_duplicates()) > 1]


def _fields(cells: pd.DataFrame, row: int, names: list[str]) -> dict[str, Any]:
    missing = cells[names].iloc[row].isna()
    return {name: None if missing[name] else cells[name].iloc[row] for name in names}


def _labels(groups: list[dict[str, Any]]) -> list[str]:
    """The network's name; where several groups share it, the fields in which they differ; whether there is a source."""
    names = [network_name(group) for group in groups]
    mixed = len({from_scratch(group) for group in groups}) > 1
    labels = []
    for name, group in zip(names, groups, strict=True):
        alike = [other for other, its in zip(groups, names, strict=True) if its == name]
        parts = [name, *(["from scratch"] if mixed and from_scratch(group) else [])]
        labels.append(", ".join([*parts, *(f"{field} = {group[field]}" for field in _differing(group, alike))]))
    return labels


def network_name(group: dict[str, Any]) -> str:
    """`resnet14-w8`, or the name of a model of timm, of a group's or a cell's fields."""
    family, depth, width, named = (group.get(name) for name in IN_NAME)
    if named is not None:
        return f"{named}"
    return f"{family}{'' if depth is None else depth}{'' if width is None else f'-w{width}'}"


def from_scratch(group: dict[str, Any]) -> bool:
    """Whether cells start from random weights: neither from a source nor from given weights."""
    return group.get("source.task", "") is None and group.get(WEIGHTS) is None


def _differing(group: dict[str, Any], alike: list[dict[str, Any]]) -> list[str]:
    """Fields in which groups of one network differ; those of what is transferred are compared where something is."""
    transferring = [other for other in alike if not from_scratch(other)]
    fields = []
    for name in group:
        transferred = name.startswith("source.") or name == WEIGHTS
        if name not in IN_NAME and not (transferred and from_scratch(group)):
            compared = transferring if transferred else alike
            fields += [name] * (len({str(other[name]) for other in compared}) > 1)
    return fields


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
