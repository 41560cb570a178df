"""Final errors along every axis, and heat maps over two: what the page's charts of them draw."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import combinations
from typing import Any

import numpy as np
import pandas as pd

from analysis.report.page.columns import plain, short
from analysis.report.surface.errors import Surface
from analysis.report.surface.figure import persistence_text
from analysis.report.wording import axis_name, axis_words
from analysis.statistics.intervals import Array, mean_interval
from analysis.tables.along_axes import FROZEN, AxisVerdict
from analysis.tables.collect import Tables
from analysis.tables.groups import IN_NAME, Group, groups_along, network_name, varying
from analysis.tables.schema import numbers

MAPPED = (FROZEN, "model.width", "target.size", "source.size", "model.depth")
"""Fields that a heat map may have along an edge, the most telling first."""


def along(verdicts: Sequence[AxisVerdict]) -> list[dict[str, Any]]:
    """Each group along an axis: values, every seed, means with their intervals, threshold and points, for JSON."""
    return [_group(each) for each in verdicts]


def _group(each: AxisVerdict) -> dict[str, Any]:
    points = {} if each.verdict is None else each.verdict.points()
    frozen = each.group.axis == FROZEN
    return {
        "label": each.group.label,
        "name": axis_name(each),
        "words": axis_words(each),
        "log": bool(not frozen and each.group.values.min() > 0),
        "values": [plain(value) for value in each.group.values],
        "cells": [int(cell) for cell in each.group.cells],
        "interpolates": [plain(flag) for flag in each.interpolates],
        "threshold": None if each.threshold is None else list(each.threshold),
        "test": _errors(each.test),
        "train": _errors(each.train),
        "seeds": list(each.seeds),
        "points": {name: [plain(point.position), plain(point.error)] for name, point in points.items()},
        "called": each.verdict is not None and bool(each.verdict.double_descent),
    }


def _errors(errors: Array) -> dict[str, Any]:
    """errors: (seeds, points)."""
    means = [mean_interval(errors[:, point]) for point in range(errors.shape[1])]
    names = ("mean", "low", "high")
    found: dict[str, Any] = {name: [plain(mean[at]) for mean in means] for at, name in enumerate(names)}
    return {**found, "seeds": [[plain(error) for error in seed] for seed in errors]}


def epoch_maps(surfaces: Sequence[Surface]) -> list[dict[str, Any]]:
    """Test error over epoch and frozen units: the browser has the curves, here is what is drawn over them."""
    return [
        {
            "label": each.group.label,
            "frozen": [plain(value) for value in each.frozen],
            "cells": [int(cell) for cell in each.group.cells],
            "ridge": [[epoch, frozen] for frozen, (epoch, _) in each.ridge.items()],
            "budgets": [
                [budget, verdict.peak.position]
                for budget, verdict in each.verdicts.items()
                if verdict is not None and verdict.double_descent and verdict.peak is not None
            ],
            "text": persistence_text(each),
        }
        for each in surfaces
    ]


def grid_maps(tables: Tables) -> list[dict[str, Any]]:
    """Final error over two fields that vary: for each pair the grids of cells that are equal in all else."""
    there = [name for name in MAPPED if name in varying(tables.cells)]
    return [made for x, y in combinations(there, 2) for made in _grids(tables, x, y)]


def _grids(tables: Tables, x: str, y: str) -> Iterator[dict[str, Any]]:
    grids: dict[tuple[tuple[str, str], ...], list[Group]] = {}
    for group in groups_along(tables.cells, x):
        key = tuple((name, str(value)) for name, value in group.fields.items() if name != y)
        grids.setdefault(key, []).append(group)
    known = numbers(tables.cells, y)
    varied = [name for name in varying(tables.cells) if name not in (x, y, *IN_NAME)]
    for groups in grids.values():
        groups = [group for group in groups if np.isfinite(known[group.cells[0]])]
        groups.sort(key=lambda group: known[group.cells[0]])
        columns = sorted({float(value) for group in groups for value in group.values})
        if len(groups) < 2 or len(columns) < 2:
            continue
        fields = {name: None if name == y else value for name, value in groups[0].fields.items()}
        told = [f"{short(name)} = {_text(fields[name])}" for name in varied if fields.get(name) is not None]
        rows = [dict(zip(group.values.tolist(), group.cells.tolist(), strict=True)) for group in groups]
        yield {
            "label": ", ".join([network_name(fields), *told]),
            "x": short(x),
            "y": short(y),
            "columns": [plain(value) for value in columns],
            "rows": [plain(known[group.cells[0]]) for group in groups],
            "cells": [[row.get(value) for value in columns] for row in rows],
        }


def _text(value: Any) -> str:
    return "none" if value is None or pd.isna(value) else f"{value}"
