"""Theory beside measurement: predictions of `analysis.theory` for the runs of a sweep, and how far off they are.

width_cells      cells of mean-field networks, each with its limit of infinite width
readout_overlay  a run whose head alone trains: predicted and measured curve
readout_row      what the two come to, in one row of a table
theory_figures   both drawn over each other
theory_page      all of it as one page
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sweeps.contents import lazy

if TYPE_CHECKING:
    from analysis.overlay.figures import theory_figures as theory_figures
    from analysis.overlay.page import theory_page as theory_page
    from analysis.overlay.readouts import readout_overlay as readout_overlay
    from analysis.overlay.readouts import readout_row as readout_row
    from analysis.overlay.widths import width_cells as width_cells

OFFERED = {
    "readout_overlay": "readouts",
    "readout_row": "readouts",
    "width_cells": "widths",
    "theory_figures": "figures",
    "theory_page": "page",
}
__getattr__ = lazy(__name__, OFFERED)
