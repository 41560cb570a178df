"""From files to tables: one module per kind of file.

read_sources  the tables of files, folders and patterns
Table         named columns, and what is known of their origin
CurveError    a file that cannot be read, in one line
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sweeps.contents import lazy

if TYPE_CHECKING:
    from analysis.logs.readers.sources import read_sources as read_sources
    from analysis.logs.readers.table import CurveError as CurveError
    from analysis.logs.readers.table import Table as Table

OFFERED = {"CurveError": "table", "Table": "table", "read_sources": "sources"}
__getattr__ = lazy(__name__, OFFERED)
