"""What the W&B run of a sweep shows: its curves along the axes, tables, figures, page and files."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, cast

import numpy as np
import pandas as pd

from analysis.report.wording import axis_text, claim_name
from analysis.tables.along_axes import AxisVerdict
from analysis.tables.collect import Tables
from analysis.tables.curves import INTERPOLATES_AT
from analysis.tables.schema import numbers
from frostline.window.results import Results
from orchestrator.tracking.sweep_run import SourceModel, SweepContent, TableContent

MOST_ROWS = 2000
"""Of a table as W&B shows it. The artifact has all of them."""
MOST_GROUPS = 24
"""Groups whose curves along an axis are shown."""
LEFT_OUT = ("provenance",)
"""Columns that no one reads in a browser. The artifact has them."""
DECIMALS = 9


def sweep_content(results: Results, sources: Sequence[SourceModel], commit: str | None) -> SweepContent:
    """All of a sweep, for W&B. commit: of the code that computed most of its runs."""
    record = results.tables.sweep.record
    drawn = [(path, group) for group in results.figures for path in group.drawn()]
    frames = {"runs": results.tables.runs, "cells": results.tables.cells, "verdicts": results.verdicts}
    if results.theory is not None:
        frames["theory"] = results.theory
    others = [path for path in results.files if path.suffix == ".png" and path.stem.startswith("theory_")]
    config = {
        "sweep": record.name,
        "about": record.about,
        "digest": record.digest,
        "edition": record.edition,
        "runs": len(results.tables.runs),
        "cells": len(results.tables.cells),
        "sources": [source.wandb_id for source in sources],
    }
    return SweepContent(
        name=record.name,
        config=config,
        summary={"finding": results.finding[0], **_counts(results.tables), **dict(_said(results))},
        curves=[row for each in shown_along(results.along) for row in _curve(results.tables, each)],
        axes=_axes(results.along),
        tables={f"tables/{name}": as_content(frame) for name, frame in frames.items()},
        figures={f"figures/{path.stem}": (path, f"{group.label}, {group.along}") for path, group in drawn}
        | {f"figures/{path.stem}": (path, "theory beside measurement") for path in others},
        page=results.page,
        files={path.relative_to(results.folder).as_posix(): path for path in results.files},
        sources=sources,
        commit=commit,
    )


def added_by_run(results: Results) -> dict[str, dict[str, Any]]:
    """What is added to the summary of each finished run: its cell's verdict, and what theory predicts of the run."""
    found = verdicts_by_run(results.tables)
    rows = [] if results.theory is None else results.theory.to_dict("records")
    for row in rows:
        said = {name: row[f"theory_{name}"] for name in ("kind", "test_error", "difference")}
        its = {f"theory/{name}": _rounded(value) for name, value in said.items() if value == value}
        found[row["run_id"]] = {**found[row["run_id"]], **its}  # its cell's verdict is one object for all seeds
    return found


def _rounded(value: Any) -> Any:
    return round(value, DECIMALS) if isinstance(value, float) else value


def verdicts_by_run(tables: Tables) -> dict[str, dict[str, Any]]:
    """The epoch-wise verdict of each finished run's cell, over the cell's seeds."""
    flags = numbers(tables.cells, "interpolates")
    found: dict[str, dict[str, Any]] = {}
    for verdict, rows, flag in zip(tables.verdicts, tables.rows, flags, strict=True):
        said: dict[str, Any] = {} if np.isnan(flag) else {"verdict/interpolates": bool(flag)}
        if verdict is not None:
            said |= {f"verdict/{name}": getattr(verdict, name) for name in ("shape", "strength", "significance")}
            said |= {"verdict/double_descent": verdict.double_descent, "verdict/seeds": verdict.seeds}
            for name in ("first_min", "peak", "second_min"):
                if (point := getattr(verdict, name)) is not None:
                    said |= {
                        f"verdict/{name}_epoch": round(point.position, DECIMALS),
                        f"verdict/{name}_error": round(point.error, DECIMALS),
                    }
        present = {name: value for name, value in said.items() if value is not None}
        found |= {str(tables.runs["run_id"].iloc[int(row)]): present for row in rows}
    return found


def shown_along(along: Sequence[AxisVerdict]) -> list[AxisVerdict]:
    """The groups that have a curve along their axis, the first MOST_GROUPS of them."""
    return [each for each in along if len(each.group.values) > 1 and each.replicates > 0][:MOST_GROUPS]


def axis_metric(axis: str) -> str:
    """The metric that is an axis in W&B: `transfer_frozen`. A dot would be read as nesting."""
    return axis.replace(".", "_")


def curve_metric(each: AxisVerdict, part: str) -> str:
    """The metric of a group's curve along its axis: `by_transfer_frozen/resnet14-w8_test_error`."""
    slug = re.sub(r"[^a-z0-9_-]+", "_", each.group.slug)
    return f"by_{axis_metric(each.group.axis)}/{slug}_{part}"


PARTS = {
    "test_error": "final_test_error",
    "test_error_low": "final_test_error_low",
    "test_error_high": "final_test_error_high",
    "train_error": "final_train_error",
}
"""Of a group's curve: its part -> the column of the table `cells`."""
THRESHOLD = "threshold"
"""The train error at and below which a run interpolates: the level that the train error crosses."""


def as_content(frame: pd.DataFrame) -> TableContent:
    """A table as W&B takes it: the first MOST_ROWS rows, missing values None, plain numbers."""
    names = [name for name in frame.columns if name not in LEFT_OUT]
    columns = [cast(pd.Series, frame[name]).head(MOST_ROWS).to_numpy(dtype=object, na_value=None) for name in names]
    return TableContent(names, [[_plain(value) for value in row] for row in zip(*columns, strict=True)])


def _plain(value: Any) -> Any:
    value = value.item() if isinstance(value, np.generic) else value
    return None if isinstance(value, float) and np.isnan(value) else value


def _curve(tables: Tables, each: AxisVerdict) -> Iterator[Mapping[str, Any]]:
    cells = tables.cells.iloc[each.group.cells]
    columns = {curve_metric(each, part): numbers(cells, column) for part, column in PARTS.items()}
    for index, value in enumerate(each.group.values):
        row = {name: float(values[index]) for name, values in columns.items() if np.isfinite(values[index])}
        if row:
            yield {axis_metric(each.group.axis): float(value), curve_metric(each, THRESHOLD): INTERPOLATES_AT, **row}


def _axes(along: Sequence[AxisVerdict]) -> dict[str, str]:
    metrics = list(dict.fromkeys(axis_metric(each.group.axis) for each in shown_along(along)))
    return {**dict.fromkeys(metrics, ""), **{f"by_{metric}/*": metric for metric in metrics}}


def _counts(tables: Tables) -> dict[str, int]:
    return {f"runs/{status}": int(number) for status, number in tables.runs["status"].value_counts().items()}


def _said(results: Results) -> Iterator[tuple[str, str]]:
    for each in shown_along(results.along):
        yield f"verdict/{axis_metric(each.group.axis)}/{each.group.label}", axis_text(each)
    for claim in results.claims:
        yield f"claim/{claim_name(claim)}", claim.decision
