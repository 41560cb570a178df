"""What shape a curve has: one detector for every axis.

detect        the verdict of one curve, or of the seeds of one cell
detect_many   the verdicts of many single curves on one grid
detect_cells  the verdicts of many cells on one grid
Verdict       shape, strength, the three points, the evidence
Point         a place on a curve, with its intervals
Rule          the detector's settings
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sweeps.contents import lazy

if TYPE_CHECKING:
    from analysis.detector.descent import detect as detect
    from analysis.detector.descent import detect_cells as detect_cells
    from analysis.detector.descent import detect_many as detect_many
    from analysis.detector.shape import Rule as Rule
    from analysis.detector.verdict import Point as Point
    from analysis.detector.verdict import Verdict as Verdict

OFFERED = {
    "Point": "verdict",
    "Rule": "shape",
    "Verdict": "verdict",
    "detect": "descent",
    "detect_cells": "descent",
    "detect_many": "descent",
}
__getattr__ = lazy(__name__, OFFERED)
