"""The report's text: the finding, claims, method with its equations, how to run it again, data."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from analysis.claims.decide import ClaimVerdict
from analysis.detector.significance import DRAWS
from analysis.report.citations import citations
from analysis.report.page import READING
from analysis.report.page.again import commits, sweep_file
from analysis.report.strength import SIZES_READ
from analysis.report.wording import (
    TEST_HEAD,
    axis_details,
    claim_name,
    claim_text,
    judged_texts,
    per_cent,
    threshold_text,
)
from analysis.tables.along_axes import AxisVerdict
from analysis.tables.collect import Tables
from analysis.tables.coverage import coverage_text, missing_text
from analysis.tables.curves import INTERPOLATES_AT
from analysis.tables.unlike import warnings
from frostline.window.results import Results
from frostline.window.workspaces import reports

MOST_TESTS = 12
"""Of a claim, the decided ones first. The page has more."""

Blocks = Iterator[Any]
"""Of wandb-workspaces, each of its own class."""

EQUATIONS = (
    (
        "Error of a run after an epoch, on a set of n samples with labels y, in evaluation mode; of a cell the mean "
        "over its seeds with the 95 % interval of Student's t.",
        r"E_s = \frac{1}{n}\sum_{i=1}^{n}\mathbf{1}\left[\arg\max_k f_k(x_i) \neq y_i\right], \qquad "
        r"\bar{E} \pm t_{0.975,\,S-1}\,\frac{\mathrm{sd}_s(E_s)}{\sqrt{S}}",
    ),
    (
        "Prominence of a peak between the first minimum and the second.",
        r"\pi = \min\left(\bar{E}_{\mathrm{peak}} - \bar{E}_{\min 1},\; "
        r"\bar{E}_{\mathrm{peak}} - \bar{E}_{\min 2}\right)",
    ),
    (
        "Strong where the second minimum lies below the first beyond doubt over the seeds, weak where above. "
        f"But {SIZES_READ}: there it is said which of the two is lower.",
        r"\Delta = \bar{E}_{\min 2} - \bar{E}_{\min 1}",
    ),
    (
        "p-value: how often a curve without a second descent, a valley, shows a peak as prominent as this by chance, "
        f"in B = {DRAWS} draws.",
        r"p = \frac{1 + \#\{b : \pi_b \geq \pi\}}{1 + B}",
    ),
    (
        "Adjusted over the m verdicts of one axis (Benjamini and Hochberg 1995).",
        r"q_{(i)} = \min_{j \geq i} \frac{m\,p_{(j)}}{j}",
    ),
    (
        "A run interpolates where its final train error, on the labels as given, is at or below the threshold.",
        rf"E^{{\mathrm{{train}}}} \leq {INTERPOLATES_AT:g}",
    ),
)


def lead(results: Results) -> Blocks:
    """The finding, what stands behind it, and how much of the sweep is there."""
    tables = results.tables
    yield reports.H1("Finding")
    first, *others = results.finding
    yield reports.CalloutBlock(first)
    if others:
        yield reports.UnorderedList(items=list(others))
    if tables.sweep.record.about:
        yield reports.P(tables.sweep.record.about)
    called = [each for each in results.along if each.verdict is not None and each.verdict.double_descent]
    for each in called:
        details = [f"{each.group.label}: {detail}" for detail in (*axis_details(each), threshold_text(each))]
        yield reports.UnorderedList(items=list(details))
    yield reports.P(coverage_text(tables.runs))
    for line in (*warnings(tables.cells), *missing_text(tables.runs)):
        yield reports.CalloutBlock(f"Note: {line}")


def claim(each: ClaimVerdict) -> Blocks:
    """One claim: what it says, what was found, and the tests that it rests on."""
    yield reports.H2(f"{claim_name(each)}: {each.decision}")
    yield reports.P(each.statement)
    yield reports.P(claim_text(each))
    if each.tests:
        tests = sorted(each.tests, key=lambda test: test.outcome == "open")
        head = (*TEST_HEAD[:-1], "detail")
        yield reports.MarkdownBlock(markdown_table(head, [judged_texts(test) for test in tests[:MOST_TESTS]]))
        if len(tests) > MOST_TESTS:
            yield reports.P(f"and {len(tests) - MOST_TESTS} more tests, on the sweep's page")


def verdict_table(along: Sequence[AxisVerdict], texts: Sequence[str]) -> reports.MarkdownBlock:
    """The verdict of each group in words, with the error at its peak."""
    rows = []
    for each, text in zip(along, texts, strict=True):
        peak = None if each.verdict is None else each.verdict.peak
        rows.append([each.group.label, text, per_cent(None if peak is None else peak.error), threshold_text(each)])
    return reports.MarkdownBlock(markdown_table(("group", "verdict", "error at the peak, %", "interpolation"), rows))


def method() -> Blocks:
    """How errors are measured and shapes are called, in words and equations."""
    yield reports.H1("Method")
    for text in READING:
        yield reports.P(text)
    for text, equation in EQUATIONS:
        yield reports.P(text)
        yield reports.LatexBlock(equation)


def again(results: Results, project: str) -> Blocks:
    """The sweep as a file, the commands that compute, judge and publish it, and of which code the results are."""
    sweep = results.sweep
    file = f"{sweep.name}.yaml"
    yield reports.H1("How to run it again")
    yield reports.P(
        f"{file}, SHA-256 of the sweep {sweep.digest}; results computed with the code "
        f"{', '.join(commits(results.tables))}:"
    )
    yield reports.CodeBlock(code=sweep_file(sweep), language="yaml")
    commands = [
        f"frostline plan {file}",
        f"frostline run {file}",
        f"frostline summary {file}",
        f"frostline publish {file} --wandb-project {project}",
        f"frostline report {file} --wandb --wandb-project {project}",
    ]
    yield reports.CodeBlock(code="\n".join(commands), language=None)


def data(tables: Tables) -> Blocks:
    """What to cite for the data."""
    tasks = {*tables.runs["source.task"].dropna(), *tables.runs["target.task"].dropna()}
    yield reports.H1("Data")
    yield reports.UnorderedList(items=list(citations(tasks, tables.sweep.record.citations)))


def markdown_table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table in Markdown; what would end a cell or a row is taken out of the texts."""
    cells = [[text.replace("|", "/").replace("\n", " ") for text in row] for row in rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in (head, ["---"] * len(head), *cells))
