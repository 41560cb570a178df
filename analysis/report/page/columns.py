"""The tables of cells and of runs as columns that the browser sorts and filters."""

from __future__ import annotations

import math
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from analysis.report.numbers import p_cell, p_floor, per_cent_interval
from analysis.report.wording import shape_text
from analysis.tables.along_axes import FROZEN
from analysis.tables.collect import Tables
from analysis.tables.groups import IN_NAME, groups_along, network_name, varying
from analysis.tables.schema import numbers
from sweeps.store.folder import Folder

Column = dict[str, Any]
"""title, kind (text, whole, number, share, flag, link), values; texts where they are not written as the kind says;
choices: whether it is filtered by picking a value."""


def cell_columns(tables: Tables) -> list[Column]:
    """What tells cells apart, their errors, how many seeds interpolate, and their verdict."""
    cells, verdicts = tables.cells, tables.verdicts
    asked, done = cells["n_asked"], cells["n_done"]
    error = [numbers(cells, f"final_test_error{part}") for part in ("", "_low", "_high")]
    intervals = [per_cent_interval(*each) for each in zip(*error, strict=True)]
    p_values = [None if each is None else each.q_value for each in verdicts]
    floor = p_floor(over_epochs=True)
    return [
        *_what(tables, cells),
        column("seeds", "whole", done, [f"{d}" if d == a else f"{d}/{a}" for d, a in zip(done, asked, strict=True)]),
        column("test error %", "share", error[0], intervals),
        column("train error %", "share", numbers(cells, "final_train_error")),
        column("over epochs", "text", [shape_text(each) for each in verdicts], choices=True),
        column("seeds that interpolate", "whole", numbers(cells, "n_interpolating")),
        column("peak at epoch", "whole", numbers(cells, "peak_epoch")),
        column("q", "number", p_values, [p_cell(q, floor) for q in p_values]),
        column("parameters trained", "whole", numbers(cells, "trainable_params")),
    ]


def run_columns(tables: Tables, page: Path) -> list[Column]:
    """What tells runs apart, how each ended, and where its files are, as seen from the page."""
    runs, epochs = tables.runs, tables.curves.last_epochs()
    reasons = [column("why not done", "text", runs["reason"])] if len(runs["reason"].dropna()) else []
    return [
        *_what(tables, runs),
        column("seed", "whole", numbers(runs, "seed"), choices=True),
        column("status", "text", runs["status"], choices=True),
        column("test error %", "share", numbers(runs, "final_test_error")),
        column("train error %", "share", numbers(runs, "final_train_error")),
        column("interpolates", "flag", _flags(numbers(runs, "interpolates")), choices=True),
        column("epochs", "whole", np.where(epochs > 0, epochs, np.nan)),
        column("seconds", "number", np.round(numbers(runs, "wall_seconds"), 1)),
        column("device", "text", runs["device"], choices=True),
        *reasons,
        column("run", "link", runs["run_id"], links=_links(tables, page)),
    ]


def column(
    title: str,
    kind: str,
    values: Any,
    texts: Sequence[str] | None = None,
    choices: bool = False,
    links: Sequence[dict[str, str] | None] | None = None,
) -> Column:
    """A column for JSON: missing values are None."""
    made: Column = {"title": title, "kind": kind, "values": [plain(value) for value in values]}
    if texts is not None:
        made["texts"] = list(texts)
    if links is not None:
        made["links"] = list(links)
    return {**made, "choices": True} if choices else made


def plain(value: Any) -> Any:
    """A value for JSON: None for what is missing, no number that is none."""
    if value is None or value is pd.NA:
        return None
    if isinstance(value, (float, np.floating)):
        return None if not math.isfinite(value) else int(value) if float(value).is_integer() else float(value)
    return int(value) if isinstance(value, np.integer) else value


def labels(tables: Tables) -> list[str]:
    """A name for each cell: its group along frozen units and how many of them, `resnet14-w8, frozen = 3`."""
    groups = groups_along(tables.cells, FROZEN)
    alone = all(len(group.values) == 1 for group in groups)
    found = [""] * len(tables.cells)
    for group in groups:
        for cell, value in zip(group.cells, group.values, strict=True):
            found[int(cell)] = group.label if alone else f"{group.label}, frozen = {value:g}"
    return found


def telling(cells: pd.DataFrame) -> list[str]:
    """The fields in which cells of one network differ: what is fixed by the network says nothing more."""
    names = [name for name in varying(cells) if name not in IN_NAME]
    networks = len(cells[list(IN_NAME)].drop_duplicates())
    return [name for name in names if len(cells[[*IN_NAME, name]].drop_duplicates()) > networks]


def short(name: str) -> str:
    """A field as tables head it."""
    return "frozen" if name == FROZEN else name


def _what(tables: Tables, frame: pd.DataFrame) -> list[Column]:
    """The network, and the fields in which its cells differ."""
    named = zip(*(frame[name] for name in IN_NAME), strict=True)
    network = [network_name(_known(dict(zip(IN_NAME, row, strict=True)))) for row in named]
    found = [column("network", "text", network, choices=True)]
    for name in telling(tables.cells):
        numeric = pd.api.types.is_numeric_dtype(frame[name].dtype)
        values = numbers(frame, name) if numeric else [_text(value) for value in frame[name]]
        found.append(column(short(name), "number" if numeric else "text", values, choices=True))
    return found


def _known(row: dict[str, Any]) -> dict[str, Any]:
    return {name: None if pd.isna(value) else value for name, value in row.items()}


def _text(value: Any) -> str:
    if value is None or pd.isna(value):
        return "none"
    return f"{value:g}" if isinstance(value, float) else f"{value}"


def _flags(values: NDArray[np.float64]) -> list[str | None]:
    """values: 1, 0, NaN = not known."""
    return [None if np.isnan(value) else "yes" if value else "no" for value in values]


def _links(tables: Tables, page: Path) -> list[dict[str, str] | None]:
    """Of each run that is done the addresses of its record and its curve, relative to the page; of a store that is no
    folder none."""
    store = tables.sweep.store
    found: list[dict[str, str] | None] = []
    for run in tables.sweep.runs:
        if run.result is None or not isinstance(store, Folder):
            found.append(None)
            continue
        keys = {"record": run.place.result, "curve": run.place.epochs(run.result.epochs_sha256)}
        found.append({name: address(store.local_path(key), page) for name, key in keys.items()})
    return found


def address(path: Path, page: Path) -> str:
    """A file as the page links to it: relative, so that both can be moved together."""
    return quote(os.path.relpath(path.absolute(), page.absolute().parent).replace(os.sep, "/"))
