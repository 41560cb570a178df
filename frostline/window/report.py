"""The W&B report of a sweep: built and checked without a server, and kept as JSON beside the page."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from analysis.claims.decide import ClaimVerdict
from analysis.report.table_files import replaced
from analysis.report.wording import along_text, axis_details, axis_text, threshold_text
from analysis.tables.along_axes import FROZEN, AxisVerdict
from frostline.window import blocks
from frostline.window.content import shown_along
from frostline.window.panels import Place, along_axis, learning_curves, tables_and_figures
from frostline.window.results import Results
from frostline.window.workspaces import reports

SPEC = "report.wandb.json"
TITLE_LENGTH, DESCRIPTION_LENGTH = 128, 1000
TABLES = ("tables/verdicts", "tables/cells", "tables/runs")
CLAIM_AXIS = {"C1": "target.size", "C2": "source.size", "C3": FROZEN, "C4": FROZEN}
"""The axis along which a claim is to be seen."""
MOST_OF_A_CLAIM = 4
"""Groups whose panels stand beside one claim."""
ERRORS = ("test_error", "train_error")


OWN_PROJECT = Place()


def build_report(results: Results, project: str, place: Place = OWN_PROJECT) -> reports.Report:
    """The report of a sweep whose runs are published to `project`. Makes no request where `place` names nothing.

    The same results give the same report. Raises pydantic's ValidationError, a ValueError, for what W&B would refuse.
    """
    name = results.name
    report = reports.Report(
        project=project,
        entity=place.entity,
        title=f"{name}: double descent by frozen depth"[:TITLE_LENGTH],
        description=results.finding[0][:DESCRIPTION_LENGTH],
        blocks=[reports.TableOfContents(), *_sections(results, project, place)],
        width="fluid",
    )
    _name_parts(report, name)
    return report


def spec_of(report: reports.Report) -> dict[str, Any]:
    """What `save()` sends, as JSON values: title, description and the specification of all blocks."""
    model = report._to_model()  # there is no public way
    spec = json.loads(model.spec.model_dump_json(by_alias=True, exclude_none=True))
    return {"displayName": model.display_name, "description": model.description, "spec": spec}


def write_spec(report: reports.Report, folder: Path) -> Path:
    """The report's specification beside the page. Raises OSError where the folder cannot be written."""
    path = folder / SPEC
    with replaced(path) as file:
        file.write((json.dumps(spec_of(report), indent=1, sort_keys=True) + "\n").encode())
    return path


def _sections(results: Results, project: str, place: Place) -> Iterator[Any]:
    shown = shown_along(results.along)
    sweep_run = f"sweep-{results.name}"
    yield from blocks.lead(results)
    if shown:
        yield blocks.verdict_table(shown, [f"{along_text(each)}: {axis_text(each)}" for each in shown])
    yield reports.H1("Claims")
    for claim in results.claims:
        yield from blocks.claim(claim)
        yield from _panels_of(claim, results, shown, place, sweep_run)
    yield reports.H1("Final errors along the axes")
    for each in shown:
        yield reports.H2(f"{each.group.label}, {along_text(each)}")
        texts = (axis_text(each), *axis_details(each), threshold_text(each))
        yield reports.UnorderedList(items=list(texts))
        yield along_axis(each, sweep_run, place)
    yield reports.H1("Learning curves")
    for each in [each for each in shown if each.group.axis == FROZEN] or shown:
        yield reports.H2(f"{each.group.label}: errors by epoch")
        yield learning_curves(results.tables, each, place, ERRORS)
    yield reports.H1("Tables and figures")
    drawn = [path for group in results.figures for path in (group.axis, group.epochs) if path is not None]
    yield tables_and_figures(TABLES, [f"figures/{path.stem}" for path in drawn], sweep_run, place)
    yield from blocks.method()
    yield from blocks.again(results, project)
    yield from blocks.data(results.tables)


def _panels_of(
    claim: ClaimVerdict, results: Results, shown: list[AxisVerdict], place: Place, sweep_run: str
) -> Iterator[reports.PanelGrid]:
    """The curves in which a claim is to be seen: of the groups along its axis, the first few."""
    groups = [each for each in shown if each.group.axis == CLAIM_AXIS[claim.claim]][:MOST_OF_A_CLAIM]
    for each in groups if claim.tests else []:
        if each.group.axis == FROZEN:
            yield along_axis(each, sweep_run, place)
        else:
            yield learning_curves(results.tables, each, place, ERRORS)


def _name_parts(report: reports.Report, name: str) -> None:
    """Gives run sets and panels ids by their place: wandb-workspaces draws them, and no two reports were the same."""
    for number, block in enumerate(report.blocks):
        for kind in ("runsets", "panels"):
            for index, part in enumerate(getattr(block, kind, ())):
                part._id = hashlib.sha256(f"{name} {number} {kind} {index}".encode()).hexdigest()[:12]
