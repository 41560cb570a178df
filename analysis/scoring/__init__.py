"""How good the detector is: curves of known truth, rivals, figures.

FAMILIES  generators of curves by name
Labelled  a noisy curve with its truth
RIVALS    published rules to compare with

The module `score` has precision, recall, places and p-values on many curves; `power` the share found by height.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sweeps.contents import lazy

if TYPE_CHECKING:
    from analysis.scoring.baselines import RIVALS as RIVALS
    from analysis.scoring.curve_families import FAMILIES as FAMILIES
    from analysis.scoring.synthetic import Labelled as Labelled

OFFERED = {
    "FAMILIES": "curve_families",
    "Labelled": "synthetic",
    "RIVALS": "baselines",
}
__getattr__ = lazy(__name__, OFFERED)
