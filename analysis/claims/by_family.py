"""The claims table of several sweeps: a line for each claim, sweep and family of networks.

Tests of one claim in one sweep are adjusted together, whatever their families, as everywhere. A line then goes by the
tests of its family alone, and shows the one that decided: of those with the outcome of the line, the one with the
smallest q.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from analysis.claims.decide import ClaimVerdict, DecidedTest, Decision, decision_of, groups_of


@dataclass(frozen=True)
class ClaimLine:
    """One line. groups, satisfied: of the family in this sweep; test: the one that decided, None where there is none.

    sweep, family: None in the line of a claim that no sweep can speak to.
    """

    claim: str
    part: str | None
    sweep: str | None
    family: str | None
    decision: Decision
    groups: int
    satisfied: int
    test: DecidedTest | None
    reason: str


def claim_lines(claims: Mapping[str, Sequence[ClaimVerdict]]) -> tuple[ClaimLine, ...]:
    """Lines by claim, then by sweep in the order given, then by family. claims: the verdicts of each sweep."""
    lines: list[ClaimLine] = []
    for name, part in dict.fromkeys((each.claim, each.part) for found in claims.values() for each in found):
        of_claim = {
            sweep: each for sweep, found in claims.items() for each in found if (each.claim, each.part) == (name, part)
        }
        tested = [(sweep, each) for sweep, each in of_claim.items() if each.tests]
        lines += [line for sweep, each in tested for line in _lines(sweep, each)]
        if not tested:
            reason = next(each.reason for each in of_claim.values())
            lines.append(ClaimLine(name, part, None, None, "undecided", 0, 0, None, reason))
    return tuple(lines)


def _lines(sweep: str, claim: ClaimVerdict) -> list[ClaimLine]:
    families = dict.fromkeys(test.evidence.family for test in claim.tests)
    lines: list[ClaimLine] = []
    for family in families:
        tests = [test for test in claim.tests if test.evidence.family == family]
        decision = decision_of(tests)
        groups, satisfied = len(groups_of(tests)), len(groups_of(tests, "for"))
        chosen = _deciding(tests, decision)
        lines.append(
            ClaimLine(
                claim.claim, claim.part, sweep, family, decision, groups, satisfied, chosen, chosen.evidence.detail
            )
        )
    return lines


def _deciding(tests: Sequence[DecidedTest], decision: Decision) -> DecidedTest:
    outcome = {"supported": "for", "contradicted": "against", "undecided": "open"}[decision]
    return min((test for test in tests if test.outcome == outcome), key=lambda test: 2.0 if test.q is None else test.q)
