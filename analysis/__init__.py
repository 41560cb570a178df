"""From files of results to verdicts: curves, double descent, claims, tables and figures.

load         a sweep in a store as pandas frames
LoadedSweep  what load returns: epochs, runs, cells, verdicts
detect       the verdict of one curve, or of the seeds of one cell
all_claims   the claims C1 to C4, decided from a sweep's tables
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sweeps.contents import lazy

if TYPE_CHECKING:
    from analysis.claims.decide import all_claims as all_claims
    from analysis.detector.descent import detect as detect
    from analysis.loaded import LoadedSweep as LoadedSweep
    from analysis.loaded import load as load

OFFERED = {
    "LoadedSweep": "loaded",
    "all_claims": "claims",
    "detect": "detector",
    "load": "loaded",
}
__getattr__ = lazy(__name__, OFFERED)
