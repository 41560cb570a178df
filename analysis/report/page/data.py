"""What the browser draws from, as one object for JSON."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from analysis.detector.verdict import Point, Verdict
from analysis.report.page.axes import along, epoch_maps, grid_maps
from analysis.report.page.columns import cell_columns, labels, plain, run_columns
from analysis.report.page.curves import PackedCurves
from analysis.report.surface.errors import Surface
from analysis.report.wording import epochwise_text
from analysis.statistics.intervals import student_quantile
from analysis.tables.along_axes import AxisVerdict
from analysis.tables.collect import Tables
from analysis.tables.curves import INTERPOLATES_AT
from analysis.tables.schema import numbers


def page_data(
    tables: Tables, verdicts: Sequence[AxisVerdict], surfaces: Sequence[Surface], curves: PackedCurves, page: Path
) -> dict[str, Any]:
    """Tables, curves, charts; `page` is where the page will be, which links start from."""
    done = tables.runs["status"].to_numpy() == "done"
    most = max((len(rows) for rows in tables.rows), default=0)
    return {
        "sweep": tables.sweep.record.name,
        "interpolatesAt": INTERPOLATES_AT,
        "student": [None, None, *(student_quantile(count - 1) for count in range(2, most + 1))],
        "cells": {
            "columns": cell_columns(tables),
            "labels": labels(tables),
            "runs": [[int(row) for row in rows if done[row]] for rows in tables.rows],
            "verdicts": [epochwise_text(each) for each in tables.verdicts],
            "points": [_points(each) for each in tables.verdicts],
            "called": [each is not None and bool(each.double_descent) for each in tables.verdicts],
            "crossing": [plain(epoch) for epoch in numbers(tables.cells, "epochs_to_5")],
        },
        "runs": {"columns": run_columns(tables, page), "seeds": [run.spec.seed for run in tables.sweep.runs]},
        "axes": along(verdicts),
        "epochMaps": epoch_maps(surfaces),
        "gridMaps": grid_maps(tables),
        "curves": curves.about,
    }


def _points(verdict: Verdict | None) -> dict[str, Any]:
    """First minimum, peak and second minimum as far as the verdict has them: [epoch, error, low, high]."""
    if verdict is None:
        return {}
    found = {"first": verdict.first_min, "peak": verdict.peak, "second": verdict.second_min}
    return {name: _point(point) for name, point in found.items() if point is not None}


def _point(point: Point) -> list[Any]:
    low, high = point.position_interval or (None, None)
    return [plain(value) for value in (point.position, point.error, low, high)]
