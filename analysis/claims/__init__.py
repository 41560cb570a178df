"""The claims C1 to C4: supported, contradicted or undecided.

all_claims    every claim, decided from a sweep's tables
ClaimVerdict  a claim, its tests and the outcome
DecidedTest   one test after adjustment for many
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sweeps.contents import lazy

if TYPE_CHECKING:
    from analysis.claims.decide import ClaimVerdict as ClaimVerdict
    from analysis.claims.decide import DecidedTest as DecidedTest
    from analysis.claims.decide import all_claims as all_claims

OFFERED = {
    "ClaimVerdict": "decide",
    "DecidedTest": "decide",
    "all_claims": "decide",
}
__getattr__ = lazy(__name__, OFFERED)
