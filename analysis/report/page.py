"""One page that holds a sweep's results: no request leaves it, no script runs in it, and it can be mailed."""

from __future__ import annotations

from collections.abc import Iterator
from html import escape
from pathlib import Path
from string import Template

import pandas as pd

from analysis.advice.decide import Advice, advise
from analysis.advice.wording import (
    DEPTH_HEAD,
    DEPTH_NUMBERS,
    HOW,
    depth_texts,
    more_data_lines,
    network_lines,
    short_text,
)
from analysis.claims.decide import ClaimVerdict
from analysis.report import html
from analysis.report.citations import citations
from analysis.report.figures import GroupFigures
from analysis.report.numbers import MISSING, p_cell, p_floor, per_cent
from analysis.report.provenance import what_was_run
from analysis.report.table_files import replaced
from analysis.report.wording import (
    CELL_HEAD,
    CELL_NUMBERS,
    TEST_HEAD,
    TEST_NUMBERS,
    along_text,
    axis_details,
    axis_name,
    axis_shape_text,
    axis_text,
    axis_words,
    cell_texts,
    claim_name,
    claim_text,
    judged_texts,
    threshold_text,
)
from analysis.tables.along_axes import FROZEN, AxisVerdict
from analysis.tables.collect import Tables
from analysis.tables.coverage import coverage_text, missing_text
from analysis.tables.curves import INTERPOLATES_AT
from analysis.tables.unlike import warnings

TEMPLATE = Path(__file__).with_name("report.html")
MOST_TESTS = 30
MOST_ADVISED = 24


def write_report(
    tables: Tables,
    verdicts: tuple[AxisVerdict, ...],
    figures: tuple[GroupFigures, ...],
    claims: tuple[ClaimVerdict, ...],
    path: Path,
    more: str = "",
) -> Path:
    """Writes the page. The same tables and figures give the same bytes. `more`: a section of another room, as HTML."""
    with replaced(path) as file:
        file.write(page(tables, verdicts, figures, claims, more).encode())
    return path


def page(
    tables: Tables,
    verdicts: tuple[AxisVerdict, ...],
    figures: tuple[GroupFigures, ...],
    claims: tuple[ClaimVerdict, ...],
    more: str = "",
) -> str:
    record = tables.sweep.record
    drawn = {(each.along, each.label): each for each in figures}
    return Template(TEMPLATE.read_text(encoding="utf-8")).substitute(
        title=escape(f"{record.name}: double descent by frozen depth"),
        about=escape(record.about),
        coverage=escape(coverage_text(tables.runs)),
        warnings="\n".join(_warnings(tables)),
        results=_results(verdicts),
        more=more,
        advice=_advice(advise(tables, verdicts)),
        claims=_claims(claims),
        groups="\n".join(_group(tables, each, drawn.get((each.group.axis, each.group.label))) for each in verdicts),
        run="\n".join(what_was_run(tables)),
        reading="\n".join(html.paragraph(text) for text in READING),
        data=html.listing(citations(_tasks(tables.runs), tables.sweep.record.citations)),
    )


READING = (
    "Errors are shares of wrongly classified samples in per cent; test labels are clean, train error is on the labels "
    "as given, label noise included. The result of a run is its last epoch, never its best one.",
    "Epoch-wise double descent: the test error falls, rises and falls again along the epochs. Weak: it recovers from "
    "the peak. Strong: it also ends below the first minimum. Freezing-wise: the same shape of the final test error "
    "along the number of frozen units, read from head only to nothing frozen, the direction in which the trained part "
    "grows; along widths and set sizes from small to large. U-shaped, unfinished: the error rose and the training "
    "ended before the shape was decided.",
    "The claims are those of Dar, Luzi and Baraniuk, Frozen Overparameterization (arXiv:2211.11074). Each says that "
    "something can happen: it is supported where at least one group of cells shows it, contradicted where none does "
    "and one shows the opposite, undecided otherwise. The tests of one claim are adjusted together "
    "(Benjamini-Hochberg, q at most 0.05).",
    "Prominence is the smaller of the rise from the first minimum and the fall to the second. p is the probability "
    "that a curve with no second descent shows so prominent a peak in the mean of as many seeds. A call is significant "
    "up to p = 0.05 on epochs; along short axes, where neighbours may be correlated, up to 0.01 over seeds and 0.035 "
    "for one run. Among several verdicts the adjusted q must also be at most 0.05. `<=` stands before the smallest p "
    "that a test's number of draws can give. Seeds agree whose own verdict is that of all together.",
    f"A run interpolates where its final train error is at most {100 * INTERPOLATES_AT:g} %: test-error peaks are seen "
    "at train errors of 6 to 8 %, not at 0, and small networks at a constant step size end anywhere from 0 to 4 %.",
    "Brackets and bands are 95 % intervals of the mean over seeds (Student's t). They say where the mean of all seeds "
    "that could have been drawn lies, on these test images, which all runs share. The table of cells has wider ones "
    "for new test images too (final_test_error_images_low and _high).",
)


def _warnings(tables: Tables) -> Iterator[str]:
    for line in warnings(tables.cells):
        yield html.paragraph(f"Warning: {line}.", "warning")
    for line in missing_text(tables.runs):
        yield html.paragraph(f"Not in the results: {line}.", "warning")


def _results(verdicts: tuple[AxisVerdict, ...]) -> str:
    """A table of verdicts for each axis."""
    axes = list(dict.fromkeys(each.group.axis for each in verdicts))
    return "\n".join(_axis_results([each for each in verdicts if each.group.axis == axis]) for axis in axes)


def _axis_results(verdicts: list[AxisVerdict]) -> str:
    name, along = axis_name(verdicts[0]), along_text(verdicts[0])
    evidence = ("prominence %", "p", "q", "seeds agree %", "n")
    head = ("network", along, f"peak at {name}", "error at peak %", *evidence, "interpolation")
    rows = []
    for each in verdicts:
        verdict = each.verdict
        peak = None if verdict is None else verdict.peak
        rows.append(
            (
                each.group.label,
                axis_shape_text(verdict) if verdict is not None else f"no verdict: {each.reason}",
                MISSING if peak is None else f"{peak.position:g}",
                MISSING if peak is None else per_cent(peak.error),
                MISSING if verdict is None else per_cent(verdict.prominence),
                MISSING if verdict is None else p_cell(verdict.p_value, p_floor(False, verdict.seeds)),
                MISSING if verdict is None else p_cell(verdict.q_value, p_floor(False, verdict.seeds)),
                MISSING if verdict is None else per_cent(verdict.agreement, 0),
                f"{each.replicates}",
                threshold_text(each).removeprefix("interpolation "),
            )
        )
    return html.table(head, rows, (False, False, True, True, True, True, True, True, True, False))


def _advice(advice: Advice) -> str:
    """The best depths of each network, those to avoid, and why; how that was decided at the end."""
    if advice.reason is not None:
        return html.paragraph(f"No advice: {advice.reason}.", "quiet")
    parts = []
    for network in advice.networks[:MOST_ADVISED]:
        parts += [html.heading(3, network.group), html.paragraph(short_text(network), "verdict")]
        parts.append(html.table(DEPTH_HEAD, [depth_texts(network, depth) for depth in network.depths], DEPTH_NUMBERS))
        parts.append(html.listing(network_lines(network)))
    if len(advice.networks) > MOST_ADVISED:
        parts.append(html.paragraph(f"and {len(advice.networks) - MOST_ADVISED} more: frostline advise", "quiet"))
    for more in advice.more_data[:MOST_ADVISED]:
        parts += [html.heading(3, f"More target data: {more.group}"), html.listing(more_data_lines(more))]
    return "\n".join([*parts, *(html.paragraph(text, "quiet") for text in HOW)])


def _claims(claims: tuple[ClaimVerdict, ...]) -> str:
    """Every claim with its verdict; under it the tests that it rests on, decided ones first."""
    parts = []
    for claim in claims:
        parts.append(html.heading(3, f"{claim_name(claim)}: {claim.decision}"))
        parts.append(html.paragraph(claim.statement))
        parts.append(html.paragraph(claim_text(claim), "quiet"))
        if claim.tests:
            tests = sorted(claim.tests, key=lambda test: test.outcome == "open")[:MOST_TESTS]
            parts.append(html.table(TEST_HEAD, [judged_texts(test) for test in tests], TEST_NUMBERS))
            if len(claim.tests) > MOST_TESTS:
                parts.append(html.paragraph(f"and {len(claim.tests) - MOST_TESTS} more tests", "quiet"))
    return "\n".join(parts)


def _group(tables: Tables, each: AxisVerdict, figures: GroupFigures | None) -> str:
    parts = [
        html.heading(3, each.group.label),
        html.paragraph(f"{along_text(each)}: {axis_text(each)}", "verdict"),
        *(html.paragraph(detail, "quiet") for detail in axis_details(each)),
        html.paragraph(threshold_text(each).capitalize() + ".", "quiet"),
    ]
    if figures is not None and figures.axis is not None:
        parts.append(
            html.picture(
                figures.axis,
                f"Final test and train error against {axis_words(each)}, {each.group.label}",
                f"Final errors against {axis_words(each)}: mean over {each.replicates} seeds with its 95 % "
                "interval, single seeds as dots. Filled: the cell interpolates.",
            )
        )
    if figures is not None and figures.surface is not None:
        parts.append(
            html.picture(
                figures.surface,
                f"Test error over epoch and frozen units, {each.group.label}",
                "Left: mean test error over epoch and frozen units. Lines: where the mean train error reaches "
                f"{100 * INTERPOLATES_AT:g} %. Triangles: peaks of the learning curves. Diamonds: freezing-wise peaks, "
                "at budgets at which they are significant. Right: errors along the frozen units at the last budgets.",
            )
        )
    if each.group.axis == FROZEN:  # every cell stands in one of these tables
        parts.append(_cell_table(tables, each))
    if figures is not None:
        parts.append(
            html.picture(
                figures.epochs,
                f"Test and train error against epoch along {axis_words(each)}, {each.group.label}",
                "Errors against epoch, on a logarithmic axis: mean over seeds with its 95 % interval. Triangles: "
                "first minimum, peak and second minimum of a double descent, bars the intervals of their "
                "epochs. Dotted: the median epoch at which the train error reaches 5 %.",
            )
        )
    return "\n".join(parts)


def _cell_table(tables: Tables, each: AxisVerdict) -> str:
    rows = [cell_texts(tables, int(row)) for row in each.group.cells]
    return html.table(CELL_HEAD, rows, CELL_NUMBERS)


def _tasks(runs: pd.DataFrame) -> set[str]:
    return set(runs["source.task"].dropna()) | set(runs["target.task"].dropna())
