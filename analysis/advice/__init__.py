"""How deep to freeze: what a sweep's runs say to who has to choose a depth.

advise         the advice of a sweep, from its tables and its verdicts along frozen units
Advice         what advise returns: a DepthAdvice for each depth of each network, and what more data did
advice_frame   the same as a table, a row per depth
advice_lines   the same in words
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sweeps.contents import lazy

if TYPE_CHECKING:
    from analysis.advice.decide import Advice as Advice
    from analysis.advice.decide import advice_frame as advice_frame
    from analysis.advice.decide import advise as advise
    from analysis.advice.depths import DepthAdvice as DepthAdvice
    from analysis.advice.wording import advice_lines as advice_lines

OFFERED = {
    "Advice": "decide",
    "DepthAdvice": "depths",
    "advice_frame": "decide",
    "advice_lines": "wording",
    "advise": "decide",
}
__getattr__ = lazy(__name__, OFFERED)
