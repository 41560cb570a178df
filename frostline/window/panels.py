"""Panels of the report: learning curves grouped by cell, curves along an axis with the threshold, tables, pictures."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from analysis.report.wording import axis_words
from analysis.tables.along_axes import AxisVerdict
from analysis.tables.collect import Tables
from frostline.window.content import THRESHOLD, axis_metric, curve_metric
from frostline.window.workspaces import expr, reports
from orchestrator.tracking.metrics import EPOCH, METRICS

WIDTH = 24
"""Of a report's grid of panels, in its own units."""
MARKS: dict[str, Literal["dotted", "dashed"]] = {
    "test_error_low": "dotted",
    "test_error_high": "dotted",
    THRESHOLD: "dashed",
}
MOST_LINES = 32
"""Lines in one panel: cells of one group."""


@dataclass(frozen=True)
class Place:
    """Where the runs are. Empty names: in the report's own project, which needs no server to be said."""

    entity: str = ""
    project: str = ""

    def cells(self, name: str, cells: Sequence[str], field: str) -> reports.Runset:
        """The runs of some cells, by their ids, grouped by a field of the specification."""
        filters = expr.And(expr.Config("cell_id").isin(list(cells)), expr.Metric("JobType") == "target")
        return reports.Runset(self.entity, self.project, name, filters=filters, groupby=[f"config.{field}"])

    def run(self, name: str, wandb_id: str) -> reports.Runset:
        """One run, by its id."""
        return reports.Runset(self.entity, self.project, name, filters=expr.And(expr.Metric("ID") == wandb_id))


def learning_curves(tables: Tables, each: AxisVerdict, place: Place, errors: Sequence[str]) -> reports.PanelGrid:
    """Errors against epoch on a logarithmic axis, one line per cell of a group: the mean of its seeds, their spread.

    errors: columns of the table `epochs`.
    """
    cells = [str(tables.cells["cell_id"].iloc[int(row)]) for row in each.group.cells]
    width = WIDTH // len(errors)
    panels: list[Any] = [
        reports.LinePlot(
            title=f"{METRICS[name]} by {axis_words(each)}: mean and standard deviation over seeds",
            x=EPOCH,
            y=[METRICS[name]],
            log_x=True,
            groupby=reports.Config(each.group.axis),
            groupby_aggfunc="mean",
            groupby_rangefunc="stddev",
            max_runs_to_show=MOST_LINES,
            title_x="epoch",
            title_y=METRICS[name],
            layout=reports.Layout(x=index * width, y=0, w=width, h=10),
        )
        for index, name in enumerate(errors)
    ]
    return reports.PanelGrid(runsets=[place.cells(each.group.label, cells, each.group.axis)], panels=panels)


def along_axis(each: AxisVerdict, sweep_run: str, place: Place) -> reports.PanelGrid:
    """Final errors of a group along its axis, with 95 % intervals, and the level at which runs interpolate."""
    names = {
        "test_error": "test error, mean over seeds",
        "test_error_low": "its 95 % interval, low",
        "test_error_high": "its 95 % interval, high",
        "train_error": "train error, mean over seeds",
        THRESHOLD: "interpolation threshold (train error)",
    }
    metrics = {curve_metric(each, part): title for part, title in names.items()}
    plot = reports.LinePlot(
        title=f"{each.group.label}: final errors by {axis_words(each)}",
        x=axis_metric(each.group.axis),
        y=list(metrics),
        title_x=axis_words(each),
        title_y="error",
        line_titles={f"{sweep_run}:{metric}": title for metric, title in metrics.items()},
        line_marks={f"{sweep_run}:{curve_metric(each, part)}": mark for part, mark in MARKS.items()},
        layout=reports.Layout(x=0, y=0, w=WIDTH, h=12),
    )
    return reports.PanelGrid(runsets=[place.run("sweep", sweep_run)], panels=[plot], hide_run_sets=True)


def tables_and_figures(names: Sequence[str], figures: Sequence[str], sweep_run: str, place: Place) -> reports.PanelGrid:
    """The sweep's tables one below the other, then its figures. Names as the sweep's W&B run has them."""
    panels: list[Any] = [
        reports.WeavePanelSummaryTable(table_name=name, layout=reports.Layout(x=0, y=12 * row, w=WIDTH, h=12))
        for row, name in enumerate(names)
    ]
    if figures:
        layout = reports.Layout(x=0, y=12 * len(names), w=WIDTH, h=16)
        panels.append(reports.MediaBrowser(title="figures", num_columns=2, media_keys=list(figures), layout=layout))
    return reports.PanelGrid(runsets=[place.run("sweep", sweep_run)], panels=panels, hide_run_sets=True)
