"""What people look at: tables, figures, the page, the terminal.

write_tables   frames as Parquet, CSV and LaTeX
draw_figures   learning curves and final errors as PNG and PDF
write_report   one self-contained HTML page
print_summary  what was found, in a few lines
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sweeps.contents import lazy

if TYPE_CHECKING:
    from analysis.report.figures import draw_figures as draw_figures
    from analysis.report.page import write_report as write_report
    from analysis.report.summary import print_summary as print_summary
    from analysis.report.table_files import write_tables as write_tables

OFFERED = {
    "draw_figures": "figures",
    "print_summary": "summary",
    "write_report": "page",
    "write_tables": "table_files",
}
__getattr__ = lazy(__name__, OFFERED)
