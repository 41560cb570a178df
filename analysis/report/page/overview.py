"""What a reader sees first: what the sweep is, what was found, what the claims came to, what is missing."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from html import escape

import numpy as np

from analysis.claims.decide import ClaimVerdict
from analysis.report import html
from analysis.report.terminal.finding import finding
from analysis.report.wording import TEST_HEAD, TEST_NUMBERS, claim_name, claim_text, judged_texts
from analysis.tables.along_axes import AxisVerdict
from analysis.tables.collect import Tables
from analysis.tables.coverage import coverage_text, missing_text, states
from analysis.tables.schema import numbers
from analysis.tables.unlike import warnings

MOST_TESTS = 30
"""Of a claim, decided ones first; the command `frostline claims` tells all."""
MARKS = {"supported": "✓", "contradicted": "✗", "undecided": "?"}
NOTHING = "No verdict yet: too few points have a result."


def head(tables: Tables, sections: Mapping[str, str]) -> str:
    """The bar with the way to each section, and the sweep's name, purpose and size."""
    record = tables.sweep.record
    links = "".join(f'<a href="#{anchor}">{escape(title)}</a>' for anchor, title in sections.items())
    facts = "".join(f"<li><b>{escape(number)}</b> {escape(word)}</li>" for number, word in _facts(tables))
    return f"""<a class="skip" href="#main">To the results</a>
<div class="bar"><nav aria-label="Sections"><span class="name">{escape(record.name)}</span>{links}</nav>
<button type="button" id="theme" hidden>Dark</button></div>
<header><p class="kicker">Double descent in transfer learning</p>
<h1>{escape(record.name)}</h1>
<p class="about">{escape(record.about)}</p>
{_progress(tables)}
<ul class="facts">{facts}</ul></header>"""


def _facts(tables: Tables) -> Iterator[tuple[str, str]]:
    runs = tables.runs
    yield f"{len(tables.cells):,}", "cells"
    yield f"{runs['seed'].nunique():,}", "seeds"
    yield f"{int(tables.curves.last_epochs().sum()):,}", "epochs trained"
    hours = float(np.nansum(numbers(runs, "compute_seconds"))) / 3600
    yield f"{hours:.2f}" if hours < 10 else f"{hours:,.0f}", "hours of compute"


def _progress(tables: Tables) -> str:
    """How many runs are there, in words and as a bar of all states."""
    counts = states(tables.runs)
    parts = "".join(
        f'<span class="{escape(state)}" style="flex-grow: {count}"></span>' for state, count in counts.items()
    )
    text = escape(coverage_text(tables.runs))
    return f'<p class="coverage">{text}</p><div class="states" aria-hidden="true">{parts}</div>'


def notes(tables: Tables) -> Iterator[str]:
    """What a reader must know before all else: cells whose runs are unlike, and what has no result."""
    lines = [f"Warning: {line}." for line in warnings(tables.cells)]
    lines += [f"Not in the results: {line}." for line in missing_text(tables.runs)]
    if lines:
        yield f'<aside class="notes" aria-label="Warnings">{"".join(map(html.paragraph, lines))}</aside>'


def finding_section(tables: Tables, verdicts: tuple[AxisVerdict, ...]) -> str:
    """The finding in sentences; of each the part before the colon is what counts."""
    lines = finding(tables, verdicts) or [NOTHING]
    return f'<div class="finding">{"".join(map(_sentence, lines))}</div>'


def _sentence(line: str) -> str:
    said, colon, evidence = line.partition(": ")
    rest = f"<i>:</i> <span>{escape(evidence)}</span>" if colon else ""
    return f"<p><b>{escape(said[:1].upper() + said[1:])}</b>{rest}</p>"


def claims_section(claims: tuple[ClaimVerdict, ...]) -> str:
    """Decided claims as cards, the undecided ones folded below them."""
    decided = [claim for claim in claims if claim.decision != "undecided"]
    rest = [claim for claim in claims if claim.decision == "undecided"]
    parts = [f'<div class="cards">{"".join(map(_claim, decided))}</div>'] if decided else []
    if rest:
        word = "claim" if len(rest) == 1 else "claims"
        told = f"{len(rest)} {word} left undecided: {', '.join(claim_name(claim) for claim in rest)}"
        opened = "" if decided else " open"
        cards = "".join(map(_claim, rest))
        parts.append(f'<details{opened}><summary>{escape(told)}</summary><div class="cards">{cards}</div></details>')
    return "".join(parts)


def _claim(claim: ClaimVerdict) -> str:
    mark = f'<span class="mark" aria-hidden="true">{MARKS[claim.decision]}</span>'
    return (
        f'<article class="claim {escape(claim.decision)}"><h3>{mark}{escape(claim_name(claim))}: '
        f"{escape(claim.decision)}</h3>{html.paragraph(claim.statement)}"
        f"{html.paragraph(claim_text(claim), 'quiet')}{_tests(claim)}</article>"
    )


def _tests(claim: ClaimVerdict) -> str:
    """The tests that a claim rests on, folded, decided ones first."""
    if not claim.tests:
        return ""
    tests = sorted(claim.tests, key=lambda test: test.outcome == "open")[:MOST_TESTS]
    rows = [judged_texts(test) for test in tests]
    table = html.table((*TEST_HEAD[:-1], "detail"), rows, TEST_NUMBERS, f"Tests of claim {claim_name(claim)}")
    more = len(claim.tests) - len(tests)
    rest = html.paragraph(f"and {more} more tests: frostline claims", "quiet") if more else ""
    return f"<details><summary>Tests ({len(claim.tests)})</summary>{table}{rest}</details>"
