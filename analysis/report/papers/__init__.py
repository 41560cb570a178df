"""Tables for papers: LaTeX that fits a page, Markdown.

cells_latex        the cells, grouped by network
verdicts_latex     the verdicts along the axes
verdicts_markdown  all verdicts, readable columns
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sweeps.contents import lazy

if TYPE_CHECKING:
    from analysis.report.papers.cells import cells_latex as cells_latex
    from analysis.report.papers.markdown import verdicts_markdown as verdicts_markdown
    from analysis.report.papers.verdicts import verdicts_latex as verdicts_latex

OFFERED = {
    "cells_latex": "cells",
    "verdicts_latex": "verdicts",
    "verdicts_markdown": "markdown",
}
__getattr__ = lazy(__name__, OFFERED)
