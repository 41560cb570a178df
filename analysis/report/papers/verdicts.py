"""The verdicts along the axes as a LaTeX table: one row per group of cells, one heading per axis."""

from __future__ import annotations

from collections.abc import Sequence

from analysis.report.papers.latex import MISSING, Rows, breakable, escaped, numbers, paragraphs, table, words
from analysis.report.papers.words import LEGEND, p_value, verdict
from analysis.report.wording import AXIS_WORDS
from analysis.tables.along_axes import AxisVerdict

LONGEST_GROUP = 34  # characters of a line of a group's name


def verdicts_latex(along: Sequence[AxisVerdict], sweep: str) -> str:
    r"""The table to \input. along: in the order of the axes; groups of a single value are left out where others are
    there. sweep: its name."""
    chosen = [each for each in along if len(each.group.values) > 1] or list(along)
    axes = list(dict.fromkeys(each.group.axis for each in chosen))
    found = [each.verdict for each in chosen]
    longest = max((len(each.group.label) for each in chosen), default=1)
    columns = [
        paragraphs("group", [breakable(each.group.label) for each in chosen], min(longest + 1, LONGEST_GROUP)),
        numbers("$n$", [f"{each.replicates}" for each in chosen]),
        words("verdict", [_verdict(each) for each in chosen]),
        numbers("peak at", [_place(each) for each in chosen]),
        numbers(r"peak (\%)", [_error(each) for each in chosen]),
        numbers(
            r"prom. (\%)",
            [MISSING if v is None or v.prominence is None else f"{100 * v.prominence:.1f}" for v in found],
        ),
        words("$p$", [MISSING if v is None else p_value(v.p, over_epochs=False) for v in found], "r"),
        words("$q$", [MISSING if v is None else p_value(v.q_value, over_epochs=False) for v in found], "r"),
        words("lost between", [_lost(each) for each in chosen]),
    ]
    groups = [
        Rows(f"along {AXIS_WORDS[axis]}", [i for i, each in enumerate(chosen) if each.group.axis == axis])
        for axis in axes
    ]
    caption = (
        f"Sweep {escaped(sweep)}: the shape of the final test error along each axis; {LEGEND}; $n$: seeds; "
        r"peak at: the value on the axis; $q$: $p$ adjusted for the other groups of the axis (Benjamini and Hochberg), "
        r"$\leq$ before the smallest that the test's draws can give; lost between: the neighbours between which "
        "interpolation is lost."
    )
    return table(columns, groups, caption, f"tab:{sweep}-verdicts")


def _verdict(each: AxisVerdict) -> str:
    found = each.verdict
    if found is None:
        return MISSING
    if found.shape == "double_descent" and found.cause == "co_adaptation":
        return "co-adaptation"
    return verdict(found.shape, found.strength, found.significance, found.double_descent)


def _place(each: AxisVerdict) -> str:
    return MISSING if each.verdict is None or each.verdict.peak is None else f"{each.verdict.peak.position:g}"


def _error(each: AxisVerdict) -> str:
    return MISSING if each.verdict is None or each.verdict.peak is None else f"{100 * each.verdict.peak.error:.1f}"


def _lost(each: AxisVerdict) -> str:
    return MISSING if each.threshold is None else f"{each.threshold[0]:g}, {each.threshold[1]:g}"
