"""Transferability before training: how good a source's features are for a target, from samples of both.

Pair             what scores are computed from
Samples          labelled features
certified_bound  the bound of task transfer analysis, every step of it a theorem
paper_bound      the same in the published mode and its arms
all_scores       the bound and ten baselines, with what each took
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sweeps.contents import lazy

if TYPE_CHECKING:
    from analysis.transferability.certified import certified_bound as certified_bound
    from analysis.transferability.pair import Pair as Pair
    from analysis.transferability.pair import Samples as Samples
    from analysis.transferability.paper_mode import paper_bound as paper_bound
    from analysis.transferability.scores import all_scores as all_scores

OFFERED = {
    "Pair": "pair",
    "Samples": "pair",
    "all_scores": "scores",
    "certified_bound": "certified",
    "paper_bound": "paper_mode",
}
__getattr__ = lazy(__name__, OFFERED)
