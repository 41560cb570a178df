"""A figure as files: pictures without a title, and what they show beside them, as text and as LaTeX."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.backends.backend_pdf import FigureCanvasPdf
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure

from analysis.report.drawing.fit import fit
from analysis.report.papers.latex import breakable, escaped
from analysis.report.table_files import replaced

PICTURES = (".png", ".pdf", ".svg")
ENDINGS = (*PICTURES, ".txt", ".tex")
"""Of the files of one figure, in the order in which `save` returns them."""
_NO_DATES: dict[str, Any] = {"CreationDate": None, "Producer": None, "Creator": None}


def save(figure: Figure, stem: Path, caption: str) -> tuple[Path, ...]:
    """Lays the figure out and writes it as PNG, PDF and SVG, without dates or version numbers in them, and its caption
    as text and as a LaTeX figure at the size drawn. Returns the files, in the order of ENDINGS.

    Each is replaced as a whole or not at all. Call it inside figure_style().
    """
    fit(figure)
    files = with_endings(stem)
    png, pdf, svg, text, latex = files
    with replaced(png) as file:
        FigureCanvasAgg(figure).print_png(file, metadata={"Software": None})
    with replaced(pdf) as file:
        FigureCanvasPdf(figure).print_pdf(file, metadata=_NO_DATES)
    with replaced(svg) as file:
        FigureCanvasSVG(figure).print_svg(file, metadata={"Date": None, "Creator": None})
    with replaced(text) as file:
        file.write(f"{caption}\n".encode())
    with replaced(latex) as file:
        file.write(_latex(stem.name, caption, float(figure.get_figwidth())).encode())
    return files


def with_endings(stem: Path) -> tuple[Path, ...]:
    """The files of the figure of that name, which may hold dots."""
    return tuple(stem.with_name(stem.name + ending) for ending in ENDINGS)


def _latex(name: str, caption: str, width: float) -> str:
    r"""A figure that is not scaled, but for one that is higher than a page. Needs graphicx."""
    return "\n".join(
        [
            r"% needs \usepackage[T1]{fontenc} and \usepackage{graphicx}",
            r"\begin{figure}",
            r"  \centering",
            rf"  \includegraphics[width={width:.4g}in, height=0.9\textheight, keepaspectratio]{{{name}.pdf}}",
            rf"  \caption{{{breakable(caption)}}}",
            rf"  \label{{fig:{escaped(name).replace(chr(92), '')}}}",
            r"\end{figure}",
            "",
        ]
    )
