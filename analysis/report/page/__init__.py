"""One self-contained HTML page of a sweep: it opens without a network, and it can be mailed.

write_report   writes it
document       a page with the same looks, for what is no sweep's report
READING        how its numbers are to be read

Text is HTML, written here and escaped. Tables and charts are drawn in the browser by `assets/*.js` with Plotly, from
data that the page carries compressed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sweeps.contents import lazy

if TYPE_CHECKING:
    from analysis.report.page.reading import READING as READING
    from analysis.report.page.shell import document as document
    from analysis.report.page.write import write_report as write_report

OFFERED = {"READING": "reading", "document": "shell", "write_report": "write"}
__getattr__ = lazy(__name__, OFFERED)
