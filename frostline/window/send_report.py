"""Saves the report on a W&B server, in the place of the one before, and reads it back."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from typing import Any

from frostline.window.panels import Place
from frostline.window.report import build_report
from frostline.window.results import Results
from frostline.window.workspaces import reports
from orchestrator.store.interface import Store
from orchestrator.tracking.ask import ask
from orchestrator.tracking.options import TrackingOptions
from orchestrator.tracking.published import read_mark
from sweeps.layout import published

PATIENCE = 120.0
"""Seconds for everything that is asked of the server."""


@dataclass(frozen=True)
class Saved:
    """Where the report is; `updated`: in the place of an earlier one."""

    url: str
    updated: bool


def send_report(results: Results, store: Store, options: TrackingOptions) -> Saved:
    """Saves the report in the project of `options`, and notes in the store which it is: the next takes its place.

    Raises whatever wandb and the server raise, TimeoutError where there is no answer, and ConnectionError where the
    server does not show what was saved.
    """
    mark = read_mark(store, _mark(results.name))
    known = mark if mark.get("project") == options.project else {}
    entity, saved = ask(options, lambda: _save(results, options.project, known), PATIENCE)
    content = {"project": options.project, "entity": entity, "report": saved.id, "url": saved.url}
    store.replace(published(_mark(results.name)), (json.dumps(content, indent=1) + "\n").encode())
    return Saved(saved.url, updated=saved.id == known.get("report"))


def _mark(name: str) -> str:
    return f"report-{name}"


def _save(results: Results, project: str, known: dict[str, str]) -> tuple[str, reports.Report]:
    entity = os.environ.get("WANDB_ENTITY") or reports.Report(project=project, title="").entity
    report = build_report(results, project, Place(entity, project))
    if known.get("entity") == entity and _is_there(known["url"]):
        report.id = known["report"]
    report.save()
    _check_shown(report)
    return entity, report


def _is_there(url: str) -> bool:
    """Whether the server has the report of this address, which a user may have deleted."""
    try:
        reports.Report.from_url(url, as_model=True)
    except TypeError:  # wandb-workspaces reads the answer that there is none as a report
        return False
    return True


def _check_shown(report: reports.Report) -> None:
    """ConnectionError unless the server shows every block under this title."""
    shown: Any = reports.Report.from_url(report.url, as_model=True)  # what it returns is the model then
    sent: Any = report._to_model()
    if shown.display_name != sent.display_name:
        raise ConnectionError(f"the server shows another report: {shown.display_name}")
    there, wanted = ([block.type for block in each.spec.blocks] for each in (shown, sent))
    if there != wanted:
        raise ConnectionError(f"the server shows {len(there)} of {len(wanted)} blocks of the report")
