"""The page from its sections."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from analysis.claims.decide import ClaimVerdict
from analysis.report import html
from analysis.report.citations import citations
from analysis.report.page.advice import advice_section
from analysis.report.page.again import again, files_section
from analysis.report.page.curves import pack
from analysis.report.page.data import page_data
from analysis.report.page.overview import claims_section, finding_section, head, notes
from analysis.report.page.provenance import what_was_run
from analysis.report.page.reading import READING
from analysis.report.page.shapes import shapes_section, verdicts_section
from analysis.report.page.shell import document
from analysis.report.surface.errors import Surface, surfaces
from analysis.report.table_files import replaced
from analysis.tables.along_axes import AxisVerdict
from analysis.tables.collect import Tables

SECTIONS = {
    "finding": "Finding",
    "claims": "Claims",
    "shapes": "Along the axes",
    "maps": "Maps",
    "advice": "How deep to freeze",
    "cells": "Cells and curves",
    "runs": "Runs",
    "again": "Run it again",
    "provenance": "What was run",
    "reading": "How to read this",
}
"""Of the navigation: what stands at each anchor."""


def write_report(
    tables: Tables,
    verdicts: tuple[AxisVerdict, ...],
    claims: tuple[ClaimVerdict, ...],
    path: Path,
    more: str = "",
    files: Iterable[Path] = (),
    found: Sequence[Surface] | None = None,
) -> Path:
    """Write the page. The same tables at the same place give the same bytes.

    more: a section of another room, as HTML; files: tables and figures that the page links to; found: the surfaces
    of the sweep, where they are known already. Raises OSError where the file cannot be written.
    """
    with replaced(path) as file:
        file.write(page(tables, verdicts, claims, path, more, files, found).encode())
    return path


def page(
    tables: Tables,
    verdicts: tuple[AxisVerdict, ...],
    claims: tuple[ClaimVerdict, ...],
    path: Path,
    more: str = "",
    files: Iterable[Path] = (),
    found: Sequence[Surface] | None = None,
) -> str:
    """The page as text; `path` is where it will be."""
    record, curves = tables.sweep.record, pack(tables.curves)
    known = surfaces(tables, verdicts) if found is None else found
    body = [
        head(tables, SECTIONS),
        '<main id="main">',
        *notes(tables),
        _section("finding", finding_section(tables, verdicts)),
        _section("claims", claims_section(claims)),
        _section("shapes", shapes_section(verdicts)),
        _section("maps", MAPS),
        _section("advice", advice_section(tables, verdicts)),
        _section("cells", f"{CELLS}{html.paragraph(curves.about['precision'], 'quiet')}"),
        _section("runs", RUNS),
        f'<section class="card">{more}</section>' if more else "",
        _section("again", again(tables) + files_section(tuple(files), path)),
        _section("provenance", verdicts_section(verdicts) + "\n".join(what_was_run(tables))),
        _section("reading", "\n".join([*map(html.paragraph, READING), html.heading(3, "Data"), _data(tables)])),
        "</main>",
    ]
    data = page_data(tables, verdicts, known, curves, path)
    return document(f"{record.name}: double descent by frozen depth", "\n".join(body), data, curves.data)


NO_SCRIPT = "<noscript><p class='quiet'>Charts and this table need JavaScript.</p></noscript>"
MAPS = f"""<p class="quiet" id="map-about"></p>
<div class="controls" id="map-controls"></div>{NO_SCRIPT}
<figure><div class="chart" id="map-chart"></div><figcaption id="map-caption"></figcaption></figure>"""
CELLS = f"""<p class="quiet">A cell is one setting; its seeds are its replicates. Choose a row to see its curves; add
others to see them side by side.</p>
<div class="explorer"><div class="panel" id="panel" aria-live="polite"></div>
<div class="browse" id="cell-table">{NO_SCRIPT}</div></div>"""
RUNS = f"""<p class="quiet">Every run that the sweep asks for. Links lead to its files in the store, while the page lies
where it was written.</p><div id="run-table">{NO_SCRIPT}</div>"""


def _section(anchor: str, content: str) -> str:
    title = html.heading(2, SECTIONS[anchor]) if content else ""
    return f'<section id="{anchor}">{title}{content}</section>' if content else ""


def _data(tables: Tables) -> str:
    tasks = {*tables.runs["source.task"].dropna(), *tables.runs["target.task"].dropna()}
    return html.listing(citations(tasks, tables.sweep.record.citations))
