"""Anybody's curves: from files of any kind to runs.

read_curves  the runs of files and folders, errors as fractions
Curves       the runs that were read, and what was left out
CurveError   a file that cannot be read, in one line
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sweeps.contents import lazy

if TYPE_CHECKING:
    from analysis.logs.ingest import Curves as Curves
    from analysis.logs.ingest import read_curves as read_curves
    from analysis.logs.readers.table import CurveError as CurveError

OFFERED = {
    "CurveError": "readers.table",
    "Curves": "ingest",
    "read_curves": "ingest",
}
__getattr__ = lazy(__name__, OFFERED)
