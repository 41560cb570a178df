"""Whether a transfer is worse than training from scratch: negative transfer, cell by cell.

compare_with_scratch     every cell with a start against its partner from scratch, paired by seed
CellComparison           a cell's differences, final and at equal train loss, and what they say
crossings                the target size at which transfer turns from a gain to a loss, or back
shares                   how many of the tested cells show negative transfer, of each network and of all
negative_transfer_frame  one row per compared cell
predicted_gain           the direction indicator of the signal-and-noise system
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sweeps.contents import lazy

if TYPE_CHECKING:
    from analysis.negative_transfer.comparison import CellComparison as CellComparison
    from analysis.negative_transfer.comparison import compare_with_scratch as compare_with_scratch
    from analysis.negative_transfer.frame import negative_transfer_frame as negative_transfer_frame
    from analysis.negative_transfer.indicator import predicted_gain as predicted_gain
    from analysis.negative_transfer.over_cells import shares as shares
    from analysis.negative_transfer.over_sizes import crossings as crossings

OFFERED = {
    "CellComparison": "comparison",
    "compare_with_scratch": "comparison",
    "crossings": "over_sizes",
    "negative_transfer_frame": "frame",
    "predicted_gain": "indicator",
    "shares": "over_cells",
}
__getattr__ = lazy(__name__, OFFERED)
