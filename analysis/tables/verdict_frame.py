"""All verdicts of a sweep as one table: one row per group and axis, and per cell for the axis `epoch`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from functools import cache
from typing import Any, get_args, get_type_hints

import numpy as np
import pandas as pd
import pyarrow as pa

from analysis.detector.verdict import Point, Verdict
from analysis.tables.along_axes import AxisVerdict
from analysis.tables.cells import DECIMALS
from analysis.tables.collect import Tables
from analysis.tables.groups import cell_fields, network_name, varying
from analysis.tables.schema import frame_of, spec_types

EPOCH = "epoch"
_TYPES = {bool: pa.bool_(), int: pa.int64(), float: pa.float64()}
Interval = tuple[float, float]


@dataclass(frozen=True)
class _Row:
    group: str
    axis: str
    fields: dict[str, Any]
    seeds: int
    points: int
    verdict: Verdict | None
    budget: int | None
    threshold: Interval | None = None
    reason: str | None = None


def verdict_frame(tables: Tables, along: Sequence[AxisVerdict]) -> pd.DataFrame:
    """One row per group and axis of `along`, then one per cell for its epochs (axis `epoch`).

    Columns: `group` (its label), `axis`, `seeds` and `points` (places on the axis; of epochs, evaluated ones) that have
    a result; all that a Verdict says, a point as `peak`, `peak_low`, `peak_high`, `peak_error`, `peak_error_low`,
    `peak_error_high` (position, and error as a fraction, each with its 95 % interval over seeds); `budget` (epochs; the
    verdict is of it; empty where runs were trained for unequal numbers of epochs); `last_interpolating` and
    `first_not_interpolating` (neighbours on the axis between which interpolation is lost; empty for epochs, where
    `epochs_to_5` of the table `cells` has it); `reason` (why there is no verdict); each field that the cells of the
    group share. Missing values are empty.

    `q_value` is that of Benjamini and Hochberg (1995) over the rows of one axis with a p-value, of one seed
    (`single_seed_significance`) or of several: the share of false ones to expect among the rows at or below it.
    `significance` and `double_descent` go by it.

    Example: `frame.query("double_descent == True")[["group", "axis", "peak", "prominence"]]`.
    """
    columns = _columns([*(_of_axis(each) for each in along), *_of_cells(tables)])
    return frame_of({name: values for name, (_, values) in columns.items()}, verdict_schema())


@cache
def verdict_schema() -> pa.Schema:
    """Columns and types of `verdict_frame`, whatever the sweep."""
    return pa.schema([(name, kind) for name, (kind, _) in _columns([]).items()])


def _columns(rows: Sequence[_Row]) -> dict[str, tuple[pa.DataType, list[Any]]]:
    """(type, values) of each column, in order."""
    columns: dict[str, tuple[pa.DataType, list[Any]]] = {
        "group": (pa.string(), [row.group for row in rows]),
        "axis": (pa.string(), [row.axis for row in rows]),
        "seeds": (pa.int64(), [row.seeds for row in rows]),
        "points": (pa.int64(), [row.points for row in rows]),
    }
    verdicts = [row.verdict for row in rows]
    for name, kind in _verdict_kinds().items():
        values = [None if verdict is None else getattr(verdict, name) for verdict in verdicts]
        columns |= _flat(name, kind, values)
    for index, column in enumerate(("last_interpolating", "first_not_interpolating")):
        columns[column] = pa.float64(), [None if row.threshold is None else row.threshold[index] for row in rows]
    columns["budget"] = pa.int64(), [row.budget for row in rows]
    columns["reason"] = pa.string(), [row.reason for row in rows]
    for name in cell_fields():
        columns[name] = spec_types()[name], [row.fields.get(name) for row in rows]
    return columns


def _of_axis(each: AxisVerdict) -> _Row:
    known = int(np.isfinite(each.test).any(axis=0).sum())
    return _Row(
        group=each.group.label,
        axis=each.group.axis,
        fields=each.group.fields,
        seeds=each.replicates,
        points=known,
        verdict=each.verdict,
        budget=each.budget if each.one_budget else None,
        threshold=each.threshold,
        reason=each.reason,
    )


def _of_cells(tables: Tables) -> list[_Row]:
    cells = tables.cells
    points, ends = tables.curves.lengths(), tables.curves.last_epochs()
    found = []
    for index, ((its_fields, label), verdict) in enumerate(
        zip(cell_fields_and_labels(cells), tables.verdicts, strict=True)
    ):
        found.append(
            _Row(
                group=label,
                axis=EPOCH,
                fields=its_fields,
                seeds=int(cells["n_done"].iloc[index]),
                points=int(points[tables.rows[index]].max(initial=0)),
                verdict=verdict,
                budget=int(ends[tables.rows[index]].max(initial=0)),
                reason=None if verdict is not None else "too few epochs, or no run is done",
            )
        )
    return found


def cell_fields_and_labels(cells: pd.DataFrame) -> list[tuple[dict[str, Any], str]]:
    """The specification of each cell (None = missing), and the network with the fields in which its cells differ."""
    values = {name: cells[name].to_numpy(dtype=object, na_value=None) for name in cell_fields()}
    specs = [{name: column[row] for name, column in values.items()} for row in range(len(cells))]
    networks = [network_name(each) for each in specs]
    alike: dict[str, list[int]] = {}
    for index, network in enumerate(networks):
        alike.setdefault(network, []).append(index)
    differing = {network: varying(cells.iloc[rows]) for network, rows in alike.items()}
    parts = [
        [network, *(f"{name} = {each[name]}" for name in differing[network] if each[name] is not None)]
        for network, each in zip(networks, specs, strict=True)
    ]
    return [(each, ", ".join(words)) for each, words in zip(specs, parts, strict=True)]


def _verdict_kinds() -> dict[str, Any]:
    """What a Verdict says, by name, with its type; what is derived comes after the shape."""
    hints = get_type_hints(Verdict)
    found: dict[str, Any] = {}
    for field in fields(Verdict):
        if field.name != "seeds":
            found[field.name] = hints[field.name]
        if field.name == "shape":
            found["double_descent"] = bool
            found["significance"] = str
    return found


def _flat(name: str, kind: Any, values: list[Any]) -> dict[str, tuple[pa.DataType, list[Any]]]:
    """Columns of one attribute: one, two more for an interval's ends, six for a point."""
    parts = {kind, *get_args(kind)}
    if Point in parts:
        columns: dict[str, tuple[pa.DataType, list[Any]]] = {}
        for part, column in (("position", name), ("error", f"{name}_error")):
            columns[column] = pa.float64(), [None if each is None else _rounded(getattr(each, part)) for each in values]
            spans = [None if each is None else getattr(each, f"{part}_interval") for each in values]
            columns |= _ends(column, spans)
        return columns
    if Interval in parts:
        return _ends(name.removesuffix("_interval"), values)
    type_of = next((_TYPES[part] for part in parts if part in _TYPES), pa.string())
    return {name: (type_of, [_rounded(value) if type_of == pa.float64() else value for value in values])}


def _ends(name: str, spans: list[Interval | None]) -> dict[str, tuple[pa.DataType, list[Any]]]:
    return {
        f"{name}_{end}": (pa.float64(), [None if span is None else _rounded(span[place]) for span in spans])
        for place, end in enumerate(("low", "high"))
    }


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, DECIMALS)
