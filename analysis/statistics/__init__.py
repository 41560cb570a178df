"""How sure: intervals over seeds, trends, many tests.

mean_interval       95 % interval of a mean
share_interval      95 % interval of a share
holm                adjusted p-values: the chance of any false claim
benjamini_hochberg  q-values: the share of false claims among those made

The module `trend` has a permutation test of a trend over ordered groups.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sweeps.contents import lazy

if TYPE_CHECKING:
    from analysis.statistics.intervals import mean_interval as mean_interval
    from analysis.statistics.intervals import share_interval as share_interval
    from analysis.statistics.multiplicity import benjamini_hochberg as benjamini_hochberg
    from analysis.statistics.multiplicity import holm as holm

OFFERED = {
    "benjamini_hochberg": "multiplicity",
    "holm": "multiplicity",
    "mean_interval": "intervals",
    "share_interval": "intervals",
}
__getattr__ = lazy(__name__, OFFERED)
