"""The verdict of every group of cells along its axis: one at a time beside its chart, and all of them in tables."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from analysis.report import html
from analysis.report.numbers import MISSING, p_cell, p_floor, per_cent
from analysis.report.wording import (
    along_text,
    axis_details,
    axis_name,
    axis_shape_text,
    axis_text,
    axis_words,
    threshold_text,
)
from analysis.tables.along_axes import AxisVerdict


def shapes_section(verdicts: Sequence[AxisVerdict]) -> str:
    """A chart of the final errors with the words of its verdict; a list to pick the group from.

    Without scripts all verdicts stand below each other.
    """
    if not verdicts:
        return ""
    options = "".join(
        f'<option value="{number}">{escape(each.group.label)}, by {escape(axis_words(each))}</option>'
        for number, each in enumerate(verdicts)
    )
    articles = "".join(_article(number, each) for number, each in enumerate(verdicts))
    picker = f'<label>Group <select id="axis-group" aria-label="Group">{options}</select></label>'
    return f"""<div class="controls">{picker}</div>
<div class="beside"><figure><div class="chart" id="axis-chart"></div><figcaption>Mean over seeds with its 95 % interval;
dots are single seeds. Filled: the cell interpolates (train error at most 5 %). Choose a point to see its
curves.</figcaption></figure>
<div id="axis-words" aria-live="polite">{articles}</div></div>"""


def _article(number: int, each: AxisVerdict) -> str:
    shape = f"no verdict: {each.reason}" if each.verdict is None else axis_shape_text(each.verdict)
    details = [axis_text(each), *axis_details(each), f"{threshold_text(each)}"]
    return (
        f'<article data-group="{number}"><h3>{escape(each.group.label)}</h3>'
        f'<p class="verdict">{escape(along_text(each))}: {escape(shape)}</p>{html.listing(map(_sentence, details))}'
        "</article>"
    )


def _sentence(text: str) -> str:
    return f"{text[:1].upper()}{text[1:]}."


def verdicts_section(verdicts: Sequence[AxisVerdict]) -> str:
    """A table of verdicts for each axis, all of them folded."""
    axes = list(dict.fromkeys(each.group.axis for each in verdicts))
    tables = "".join(_axis_table([each for each in verdicts if each.group.axis == axis]) for axis in axes)
    count = len(verdicts)
    title = f"All verdicts along axes ({count})"
    return f"<details><summary>{title}</summary>{tables}</details>" if count else ""


def _axis_table(verdicts: Sequence[AxisVerdict]) -> str:
    name, along = axis_name(verdicts[0]), along_text(verdicts[0])
    evidence = ("prominence %", "p", "q", "seeds agree %", "n")
    head = ("network", along, f"peak at {name}", "error at peak %", *evidence, "interpolation")
    rows = [_row(each) for each in verdicts]
    caption = f"Verdicts {along}"
    return html.table(head, rows, (False, False, True, True, True, True, True, True, True, False), caption)


def _row(each: AxisVerdict) -> tuple[str, ...]:
    verdict, shown = each.verdict, threshold_text(each).removeprefix("interpolation ")
    if verdict is None:
        empty = [MISSING] * 6
        return (each.group.label, f"no verdict: {each.reason}", *empty, f"{each.replicates}", shown)
    peak, floor = verdict.peak, p_floor(over_epochs=False)
    return (
        each.group.label,
        axis_shape_text(verdict),
        MISSING if peak is None else f"{peak.position:g}",
        MISSING if peak is None else per_cent(peak.error),
        per_cent(verdict.prominence),
        p_cell(verdict.p, floor),
        p_cell(verdict.q_value, floor),
        per_cent(verdict.agreement, 0),
        f"{each.replicates}",
        shown,
    )
