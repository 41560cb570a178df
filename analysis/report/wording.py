"""Numbers and verdicts in words: the same in the terminal, on the page and in the LaTeX table."""

from __future__ import annotations

import math

import numpy as np

from analysis.claims.decide import ClaimVerdict, DecidedTest
from analysis.detector.verdict import Verdict
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
MISSING = "-"


def per_cent(value: float | None, digits: int = 1) -> str:
    """A fraction as a percentage without its sign: 0.284 -> 28.4."""
    return MISSING if value is None or math.isnan(value) else f"{100 * value:.{digits}f}"


def per_cent_interval(mean: float, low: float, high: float) -> str:
    """28.4 [27.9, 28.9]; without an interval 28.4 alone."""
    if math.isnan(mean):
        return MISSING
    return per_cent(mean) if math.isnan(low) else f"{per_cent(mean)} [{per_cent(low)}, {per_cent(high)}]"


def p_text(value: float | None) -> str:
    if value is None or math.isnan(value):
        return MISSING
    return f"{value:.2g}" if value >= 0.0095 else f"{value:.1g}"


def shape_text(verdict: Verdict | None) -> str:
    """The shape; of a double descent its strength, and whether it is significant.

    A call whose adjusted p-value is above .05 is told as what it is: `shape of a double descent, not significant`.
    """
    if verdict is None:
        return MISSING
    if verdict.shape != "double_descent":
        return SHAPES[verdict.shape]
    if verdict.cause == "co_adaptation":
        return "co-adaptation dip, nothing interpolates at its peak"
    if verdict.significance != "significant":
        return f"shape of a double descent, {SIGNIFICANCE[verdict.significance]}"
    strength = verdict.strength if verdict.strength in ("weak", "strong") else "strength undecided"
    return f"{SHAPES[verdict.shape]} ({strength})"


def epochwise_text(verdict: Verdict | None) -> str:
    """The epoch-wise verdict of a cell: `double descent (weak), peak 35.7 at epoch 10, p = 0.0005`."""
    if verdict is None:
        return MISSING
    parts = [shape_text(verdict)]
    if verdict.peak is not None:
        parts.append(f"peak {per_cent(verdict.peak.error)} at epoch {verdict.peak.position:.0f}")
        parts += evidence(verdict)
    return ", ".join(parts)


def evidence(verdict: Verdict) -> list[str]:
    """The p-value, and for a single seed what it is a p-value of."""
    if verdict.p_value is not None:
        adjusted = verdict.q_value is not None and verdict.q_value > 1.0001 * verdict.p_value
        return [f"p = {p_text(verdict.p_value)}", *([f"q = {p_text(verdict.q_value)}"] if adjusted else [])]
    if verdict.single_seed_significance is not None:
        return [f"one seed, p = {p_text(verdict.single_seed_significance)} against its own noise"]
    return []


def axis_shape_text(verdict: Verdict) -> str:
    """The shape along an axis that ends where it ends: nothing more could have been run, as it can for epochs."""
    return "U-shaped, still rising where the axis ends" if verdict.censored else shape_text(verdict)


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


def axis_text(each: AxisVerdict) -> str:
    """`double descent (weak), peak at frozen = 11, prominence 0.061, n = 5, p = 0.003`, or the shape
    found.
    """
    if each.verdict is None:
        return f"no verdict, {each.reason}"
    name = axis_name(each)
    parts = [axis_shape_text(each.verdict)]
    if each.verdict.peak is not None:
        parts.append(f"peak at {name} = {each.verdict.peak.position:g}")
        parts.append(f"prominence {each.verdict.prominence:.3f}")
    parts.append(f"n = {each.replicates}")
    parts += evidence(each.verdict)
    if each.verdict.note:
        parts.append(each.verdict.note)
    if each.unfinished:
        parts.append(f"{each.unfinished} of {each.test.size} runs not in it")
    return ", ".join(parts)


def axis_details(each: AxisVerdict) -> list[str]:
    """What stands behind a verdict along an axis, a sentence each: its strength, its success, its budget."""
    if each.verdict is None:
        return []
    details = [*_strength(each.verdict), *_failure(each), *_stability(each)]
    if each.unsettled:
        where = _ranges(each.unsettled, list(each.group.values))
        details.append(f"errors still moved after {each.budget} epochs at {axis_name(each)} = {where}")
    return details


def _ranges(chosen: list[float], values: list[float]) -> str:
    """Values of an axis as text, neighbours put together: `2, 5 to 9`."""
    runs: list[list[float]] = []
    for value in chosen:
        if runs and values.index(value) == values.index(runs[-1][-1]) + 1:
            runs[-1].append(value)
        else:
            runs.append([value])
    return ", ".join(f"{run[0]:g}" if len(run) == 1 else f"{run[0]:g} to {run[-1]:g}" for run in runs)


def _strength(verdict: Verdict) -> list[str]:
    """The interval that the words weak, strong and undecided come from."""
    if verdict.strength_interval is None:
        return []
    low, high = verdict.strength_interval
    return [f"second minimum less first: {low:+.3f} to {high:+.3f} (95 %, over seeds)"]


def _stability(each: AxisVerdict) -> list[str]:
    """Whether a call stays under other settings of the detector, and what the same runs said at shorter budgets."""
    found: list[str] = []
    if each.verdict is not None and each.verdict.sensitivity is not None:
        found.append(f"the call stays under {100 * each.verdict.sensitivity:.0f} % of other settings of the detector")
    return found + [
        f"after {epochs} epochs of the same runs: {shape_text(old)}" for epochs, old in each.earlier.items()
    ]


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


CELL_HEAD = ("frozen", "parameters", "n", "test error %, 95 %", "train %", "<= 5 %", "epoch-wise")


def cell_texts(tables: Tables, row: int) -> list[str]:
    """A cell under CELL_HEAD: trained parameters, seeds, final errors, whether it interpolates, its
    verdict.
    """
    cell = tables.cells.iloc[row]
    test = [float(cell[f"final_test_error{part}"]) for part in ("", "_low", "_high")]
    train = float(cell["final_train_error"])
    done, asked = int(cell["n_done"]), int(cell["n_asked"])
    return [
        f"{cell['transfer.frozen']}",
        MISSING if done == 0 else f"{cell['trainable_params']:,}",
        f"{done}" if done == asked else f"{done}/{asked}",
        per_cent_interval(*test),
        per_cent(train),
        MISSING if math.isnan(train) else ("yes" if cell["interpolates"] else "no"),
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
