"""The claims of Dar, Luzi and Baraniuk (arXiv:2211.11074) put to a sweep's tables: a verdict on each.

Every claim says that something *can* happen. So each group of cells that can speak to it is tested by itself, the
tests of one claim are adjusted together (Benjamini-Hochberg), and the claim is

    supported     if at least one group shows it,
    contradicted  if none does and at least one group shows the opposite,
    undecided     otherwise: not seeing an effect is no evidence that it cannot be.

The tests themselves are in claims_sizes.py, claims_freezing.py and claims_sources.py.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

import numpy as np

from analysis.claims.evidence import Evidence
from analysis.claims.freezing import C3, c3
from analysis.claims.sizes import C1, C2, c1, c2
from analysis.claims.sources import C4, c4
from analysis.statistics.intervals import share_interval
from analysis.statistics.multiplicity import benjamini_hochberg
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
    """A claim's verdict. share = satisfied / groups, groups counted once whatever number of tests they had."""

    claim: str
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


def judge(claim: str, statement: str, nothing: str, evidence: Sequence[Evidence]) -> ClaimVerdict:
    """The verdict that the evidence gives; `nothing` says why there is none, where there is none."""
    q_for = benjamini_hochberg([_nan(item.p_for) for item in evidence])
    q_against = benjamini_hochberg([_nan(item.p_against) for item in evidence])
    tests = tuple(_outcome(item, f, a) for item, f, a in zip(evidence, q_for, q_against, strict=True))
    groups = {test.evidence.group for test in tests}
    satisfied = {test.evidence.group for test in tests if test.outcome == "for"}
    opposed = {test.evidence.group for test in tests if test.outcome == "against"}
    decision: Decision = "supported" if satisfied else "contradicted" if opposed else "undecided"
    low, high = share_interval(len(satisfied), len(groups))
    return ClaimVerdict(
        claim=claim,
        statement=statement,
        decision=decision,
        reason=_reason(len(satisfied), len(opposed), len(groups)) if groups else nothing,
        groups=len(groups),
        satisfied=len(satisfied),
        share=len(satisfied) / len(groups) if groups else None,
        share_low=low if groups else None,
        share_high=high if groups else None,
        tests=tests,
    )


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


def all_claims(tables: Tables, related: Sequence[str] = ()) -> tuple[ClaimVerdict, ...]:
    """C1 to C4 on one sweep. `related`: source tasks from the most to the least related (see claims_sources.c4)."""
    return (
        judge("C1", C1, "no group of cells differs in target.size alone", c1(tables)),
        judge("C2", C2, "no group of cells differs in source.size alone", c2(tables)),
        judge("C3", C3, "no group has four frozen depths with results", c3(tables)),
        judge("C4", C4, NO_PAIR, c4(tables, related)),
    )
