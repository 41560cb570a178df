"""Numbers and verdicts in words: the same in the terminal, on the page and in the LaTeX table."""

from __future__ import annotations

import numpy as np

from analysis.claims.decide import ClaimVerdict, DecidedTest
from analysis.detector.verdict import Verdict
from analysis.report.numbers import MISSING, p_equals, p_floor, p_text, per_cent, per_cent_interval
from analysis.report.strength import strength_interval_text, strength_text
from analysis.tables.along_axes import FROZEN, AxisVerdict
from analysis.tables.collect import Tables

SHAPES = {
    "double_descent": "double descent",
    "u_shaped": "U-shaped, unfinished",
    "plateau": "rise to a plateau",
    "monotone": "monotone",
    "unstable": "unstable",
}
SIGNIFICANCE = {"significant": "significant", "not_significant": "not significant", "not_tested": "not tested"}


def shape_text(verdict: Verdict | None, axis: str | None = None) -> str:
    """The shape; of a double descent its strength, and whether it is significant. axis: the field that the verdict is
    read along, None along epochs.

    A call whose adjusted p-value is above .05 is told as what it is: `shape of a double descent, not significant`.
    """
    if verdict is None:
        return MISSING
    if verdict.shape != "double_descent":
        return SHAPES[verdict.shape]
    if verdict.cause == "co_adaptation":
        return "co-adaptation dip, no interpolation threshold at its peak"
    if verdict.significance != "significant":
        return f"shape of a double descent, {SIGNIFICANCE[verdict.significance]}"
    return f"{SHAPES[verdict.shape]} ({strength_text(verdict.strength, axis)})"


def epochwise_text(verdict: Verdict | None) -> str:
    """The epoch-wise verdict of a cell: `double descent (weak), peak 35.7 at epoch 10, p <= 0.0005, q = 0.001, ...`."""
    if verdict is None:
        return MISSING
    parts = [shape_text(verdict)]
    if verdict.peak is not None:
        parts.append(f"peak {per_cent(verdict.peak.error)} at epoch {verdict.peak.position:.0f}")
        parts += evidence(verdict, over_epochs=True)
    return ", ".join(parts)


def evidence(verdict: Verdict, over_epochs: bool, brief: bool = False) -> list[str]:
    """p, q, whether both are small enough, how many seeds agree; for a single seed what its p is a p-value of.

    over_epochs: the verdict is one along epochs; the test's smallest possible p depends on it. brief: p alone.
    """
    floor = p_floor(over_epochs)
    if verdict.p_value is not None:
        found = [p_equals("p", verdict.p_value, floor)]
        if brief:
            return found
        if verdict.q_value is not None:
            found.append(p_equals("q", verdict.q_value, floor))
        if verdict.significance == "significant":
            found.append("significant")
        return [*found, *_agreement(verdict)]
    if verdict.single_seed_significance is not None:
        found = [f"one seed, {p_equals('p', verdict.single_seed_significance, floor)} against its own noise"]
        if verdict.q_value is not None and not brief:
            found.append(p_equals("q", verdict.q_value, floor))
        return found
    return []


def _agreement(verdict: Verdict) -> list[str]:
    if verdict.agreement is None:
        return []
    return [f"{round(verdict.agreement * verdict.seeds)} of {verdict.seeds} seeds agree"]


def axis_shape_text(verdict: Verdict, axis: str | None = None) -> str:
    """The shape along an axis that ends where it ends: nothing more could have been run, as it can for epochs."""
    return "U-shaped, still rising where the axis ends" if verdict.censored else shape_text(verdict, axis)


AXIS_WORDS = {
    FROZEN: "frozen units",
    "model.width": "width",
    "model.depth": "depth (layers)",
    "target.size": "target training set (samples)",
    "source.size": "source training set (samples)",
}


def axis_words(each: AxisVerdict) -> str:
    return AXIS_WORDS[each.group.axis]


def axis_name(each: AxisVerdict) -> str:
    """As it stands in a specification, `frozen` for short."""
    return "frozen" if each.group.axis == FROZEN else each.group.axis


def along_text(each: AxisVerdict) -> str:
    return "freezing-wise" if each.group.axis == FROZEN else f"along {each.group.axis}"


def axis_text(each: AxisVerdict, brief: bool = False) -> str:
    """`double descent (weak), peak at frozen = 11, prominence 0.061, n = 5, p = 0.003, ...`, or the shape found.

    brief: of the evidence p alone, for a figure.
    """
    if each.verdict is None:
        return f"no verdict, {each.reason}"
    name = axis_name(each)
    parts = [axis_shape_text(each.verdict, each.group.axis)]
    if each.verdict.peak is not None:
        parts.append(f"peak at {name} = {each.verdict.peak.position:g}")
        parts.append(f"prominence {each.verdict.prominence:.3f}")
    parts.append(f"n = {each.replicates}")
    parts += evidence(each.verdict, over_epochs=False, brief=brief)
    if each.verdict.note:
        parts.append(each.verdict.note)
    if each.unfinished:
        parts.append(f"{each.unfinished} of {each.test.size} runs not in it")
    return ", ".join(parts)


def axis_details(each: AxisVerdict) -> list[str]:
    """What stands behind a verdict along an axis, a sentence each: its strength, its success, its budget."""
    if each.verdict is None:
        return []
    details = [*strength_interval_text(each.verdict, each.group.axis), *_failure(each), *_stability(each)]
    if each.unsettled:
        where = ranges(each.unsettled, list(each.group.values))
        details.append(f"errors still moved after {each.epochs_text} epochs at {axis_name(each)} = {where}")
    return details


def ranges(chosen: list[float], values: list[float]) -> str:
    """Values of an axis as text, neighbours put together: `2, 5 to 9`."""
    runs: list[list[float]] = []
    for value in chosen:
        if runs and values.index(value) == values.index(runs[-1][-1]) + 1:
            runs[-1].append(value)
        else:
            runs.append([value])
    return ", ".join(f"{run[0]:g}" if len(run) == 1 else f"{run[0]:g} to {run[-1]:g}" for run in runs)


def _stability(each: AxisVerdict) -> list[str]:
    """Whether a call stays under other settings of the detector, and what the same runs said at shorter budgets."""
    found: list[str] = []
    if each.verdict is not None and each.verdict.sensitivity is not None:
        found.append(f"the call stays under {100 * each.verdict.sensitivity:.0f} % of other settings of the detector")
    for epochs, old in each.earlier.items():
        cut = f"{epochs}" if each.one_budget else f"{100 * epochs / each.budget:.0f} % of the {each.epochs_text}"
        found.append(f"after {cut} epochs of the same runs: {shape_text(old, each.group.axis)}")
    return found


def _failure(each: AxisVerdict) -> list[str]:
    """Whether the peak is also a failure of transfer: against training from scratch, paired by seed."""
    verdict, scratch = each.verdict, each.scratch
    if verdict is None or verdict.peak is None or scratch is None:
        return []
    at = int(np.abs(each.group.values - verdict.peak.position).argmin())
    outcome = scratch.outcome(at)
    if outcome is None:
        return []
    words = {"worse": "transfer fails there", "better": "transfer helps there", "not distinguished": "not told apart"}
    difference = f"{scratch.difference[at]:+.3f} [{scratch.low[at]:+.3f}, {scratch.high[at]:+.3f}]"
    return [f"at the peak, error less that of training from scratch: {difference}: {words[outcome]}"]


def threshold_text(each: AxisVerdict) -> str:
    """Where along the axis interpolation is lost."""
    name = axis_name(each)
    if each.threshold is not None:
        inside, outside = each.threshold
        return f"interpolation is lost between {name} = {inside:g} and {name} = {outside:g}"
    known = each.interpolates[np.isfinite(each.interpolates)]
    if not len(known):
        return "interpolation: no run is done"
    whole = "of the runs that are done, " if len(known) < len(each.interpolates) else ""
    return f"{whole}every point interpolates" if known.all() else f"{whole}no point interpolates"


CELL_HEAD = ("frozen", "parameters", "n", "test error %, 95 %", "train %", "seeds <= 5 %", "epoch-wise")
CELL_NUMBERS = (True, True, True, True, True, True, False)
"""Which of them are numbers: they align right."""


def cell_texts(tables: Tables, row: int) -> list[str]:
    """A cell under CELL_HEAD: trained parameters, seeds, final errors, how many seeds interpolate, its verdict.

    Interpolation is told per seed: the mean train error may be above 5 % where most seeds are below it.
    """
    cell = tables.cells.iloc[row]
    test = [float(cell[f"final_test_error{part}"]) for part in ("", "_low", "_high")]
    done, asked = int(cell["n_done"]), int(cell["n_asked"])
    return [
        f"{cell['transfer.frozen']}",
        MISSING if done == 0 else f"{cell['trainable_params']:,}",
        f"{done}" if done == asked else f"{done}/{asked}",
        per_cent_interval(*test),
        per_cent(float(cell["final_train_error"])),
        MISSING if done == 0 else f"{cell['n_interpolating']} of {done}",
        epochwise_text(tables.verdicts[row]),
    ]


TEST_HEAD = ("group", "measure", "n", "effect, 95 %", "q", "outcome", "")
TEST_NUMBERS = (False, False, True, True, True, False, False)


def claim_name(claim: ClaimVerdict) -> str:
    """`C1`, or `C2 (peak time)` where a claim says two things."""
    return claim.claim if claim.part is None else f"{claim.claim} ({claim.part})"


def claim_text(claim: ClaimVerdict) -> str:
    """`supported: 2 of 3 groups show it (67 %, 95 % interval 21 to 94 %)`."""
    if claim.share is None or claim.share_low is None or claim.share_high is None:
        return f"{claim.decision}: {claim.reason}"
    interval = f"95 % interval {100 * claim.share_low:.0f} to {100 * claim.share_high:.0f} %"
    return f"{claim.decision}: {claim.reason} ({100 * claim.share:.0f} %, {interval})"


def judged_texts(test: DecidedTest) -> list[str]:
    """A test under TEST_HEAD."""
    evidence = test.evidence
    effect = MISSING if evidence.effect is None else f"{evidence.effect:.3f}"
    if evidence.low is not None and evidence.high is not None:
        effect += f" [{evidence.low:.3f}, {evidence.high:.3f}]"
    return [
        evidence.group,
        evidence.measure,
        f"{evidence.n}",
        effect,
        p_text(test.q),
        test.outcome,
        evidence.detail,
    ]
