"""From a store to frames: runs, epochs, cells, and the verdicts along each axis.

read_sweep        a sweep's results, their digests checked
StoreError        a store that cannot be read, in one line
Tables            the frames of one sweep
along_every_axis  verdicts of final errors along every axis that varies
freezing_wise     verdicts along frozen units

The module `collect` makes the frames of a sweep.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sweeps.contents import lazy

if TYPE_CHECKING:
    from analysis.tables.along_axes import along_every_axis as along_every_axis
    from analysis.tables.along_axes import freezing_wise as freezing_wise
    from analysis.tables.collect import Tables as Tables
    from analysis.tables.load import StoreError as StoreError
    from analysis.tables.load import read_sweep as read_sweep

OFFERED = {
    "StoreError": "load",
    "Tables": "collect",
    "along_every_axis": "along_axes",
    "freezing_wise": "along_axes",
    "read_sweep": "load",
}
__getattr__ = lazy(__name__, OFFERED)
