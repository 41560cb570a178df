"""The claims of Dar, Luzi and Baraniuk (arXiv:2211.11074) put to a sweep's tables: a verdict on each.

Every claim says that something *can* happen. So each group of cells that can speak to it is tested by itself, the
tests of one claim are adjusted together (Benjamini-Hochberg), and the claim is

    supported     if at least one group shows it,
    contradicted  if none does and at least one group shows the opposite,
    undecided     otherwise: not seeing an effect is no evidence that it cannot be.

A claim that says two things (C2: later interpolation, later peak; C4: better, on par) is decided once for each. The
tests themselves are in sizes.py, freezing.py and sources.py.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

import numpy as np

from analysis.claims.evidence import Evidence
from analysis.claims.freezing import C3, c3
from analysis.claims.sizes import C1, C2_CROSSING, C2_PEAK, c1, c2_crossing, c2_peak
from analysis.claims.sources import C4_BETTER, C4_ON_PAR, pairs_of_sources
from analysis.statistics.intervals import share_interval
from analysis.statistics.multiplicity import benjamini_hochberg
from analysis.tables.along_axes import FROZEN, AxisVerdict, freezing_wise
from analysis.tables.collect import Tables

ALPHA = 0.05
NO_PAIR = "no two groups that differ in source.task alone share frozen depths and three seeds"

Outcome = Literal["for", "against", "open"]
Decision = Literal["supported", "contradicted", "undecided"]


@dataclass(frozen=True)
class DecidedTest:
    """A test after the others of its claim are taken into account; q is the adjusted p-value of the outcome's side."""

    evidence: Evidence
    outcome: Outcome
    q: float | None


@dataclass(frozen=True)
class ClaimVerdict:
    """A claim's verdict. share = satisfied / groups, groups counted once whatever number of tests they had.

    claim: C1 to C4; part: which of the two things that C2 and C4 say, None for the others.
    """

    claim: str
    part: str | None
    statement: str
    decision: Decision
    reason: str
    groups: int
    satisfied: int
    share: float | None
    share_low: float | None
    share_high: float | None
    tests: tuple[DecidedTest, ...]

    def as_json(self) -> dict[str, Any]:
        """Plain values; a missing one is None."""
        value = asdict(self)
        value["tests"] = [{**asdict(test.evidence), "outcome": test.outcome, "q": test.q} for test in self.tests]
        return value


def judge(
    claim: str, statement: str, nothing: str, evidence: Sequence[Evidence], part: str | None = None
) -> ClaimVerdict:
    """The verdict that the evidence gives; `nothing` says why there is none, where there is none."""
    q_for = benjamini_hochberg([_nan(item.p_for) for item in evidence])
    q_against = benjamini_hochberg([_nan(item.p_against) for item in evidence])
    tests = tuple(_outcome(item, f, a) for item, f, a in zip(evidence, q_for, q_against, strict=True))
    groups, satisfied, opposed = (groups_of(tests, outcome) for outcome in (None, "for", "against"))
    low, high = share_interval(len(satisfied), len(groups))
    return ClaimVerdict(
        claim=claim,
        part=part,
        statement=statement,
        decision=decision_of(tests),
        reason=_reason(len(satisfied), len(opposed), len(groups)) if groups else nothing,
        groups=len(groups),
        satisfied=len(satisfied),
        share=len(satisfied) / len(groups) if groups else None,
        share_low=low if groups else None,
        share_high=high if groups else None,
        tests=tests,
    )


def groups_of(tests: Sequence[DecidedTest], outcome: Outcome | None = None) -> set[str]:
    """The groups that have a test, or one of this outcome."""
    return {test.evidence.group for test in tests if outcome in (None, test.outcome)}


def decision_of(tests: Sequence[DecidedTest]) -> Decision:
    """What decided tests come to."""
    if groups_of(tests, "for"):
        return "supported"
    return "contradicted" if groups_of(tests, "against") else "undecided"


def _reason(satisfied: int, opposed: int, groups: int) -> str:
    against = f", {opposed} show{'s' * (opposed == 1)} the opposite" if opposed else ""
    return f"{satisfied} of {groups} group{'s' * (groups != 1)} show{'s' * (satisfied == 1)} it{against}"


def _outcome(item: Evidence, q_for: float, q_against: float) -> DecidedTest:
    if item.condition_for and q_for <= ALPHA:
        return DecidedTest(item, "for", float(q_for))
    if item.condition_against and q_against <= ALPHA:
        return DecidedTest(item, "against", float(q_against))
    return DecidedTest(item, "open", None if np.isnan(q_for) else float(q_for))


def _nan(value: float | None) -> float:
    return np.nan if value is None else value


def all_claims(
    tables: Tables, related: Sequence[str] = (), along: Sequence[AxisVerdict] | None = None
) -> tuple[ClaimVerdict, ...]:
    """C1 to C4 on one sweep, C2 and C4 in two parts.

    related: source tasks from the most to the least related (see sources.pairs_of_sources). along: the verdicts along
    frozen units where they are known already; others among them are passed over.
    """
    frozen = freezing_wise(tables) if along is None else [each for each in along if each.group.axis == FROZEN]
    better, on_par = pairs_of_sources(tables, frozen, related)
    no_sizes = "no group of cells differs in source.size alone"
    return (
        judge("C1", C1, "no group of cells differs in target.size alone", c1(tables)),
        judge("C2", C2_CROSSING, no_sizes, c2_crossing(tables), "interpolation time"),
        judge("C2", C2_PEAK, no_sizes, c2_peak(tables), "peak time"),
        judge("C3", C3, "no group has four frozen depths with results", c3(frozen)),
        judge("C4", C4_BETTER, NO_PAIR, better, "better"),
        judge("C4", C4_ON_PAR, NO_PAIR, on_par, "on par"),
    )
