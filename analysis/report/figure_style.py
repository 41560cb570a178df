"""How every figure looks and how it is saved: print size, colours told apart by everyone, the same bytes every time."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import matplotlib
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.backends.backend_pdf import FigureCanvasPdf
from matplotlib.figure import Figure

from analysis.detector.verdict import Verdict
from analysis.report.table_files import replaced

# Okabe and Ito (2008), "Color Universal Design": told apart with every kind of colour vision, and in grey.
TEST = "#0072B2"
TRAIN = "#D55E00"
VERDICT = "#000000"
QUIET = "#767676"
GRID = "#E6E6E6"
WIDTH = 7.2  # inches: two columns of a journal page
DPI = 200

_STYLE: dict[str, Any] = {
    "font.family": "DejaVu Sans",  # ships with matplotlib: no figure depends on the machine's fonts
    "font.size": 8,
    "axes.titlesize": 8,
    "axes.labelsize": 8,
    "xtick.labelsize": 7,
    "ytick.labelsize": 7,
    "legend.fontsize": 7.5,
    "axes.linewidth": 0.6,
    "axes.edgecolor": "#444444",
    "xtick.major.width": 0.6,
    "ytick.major.width": 0.6,
    "xtick.color": "#444444",
    "ytick.color": "#444444",
    "xtick.labelcolor": "black",
    "ytick.labelcolor": "black",
    "xtick.major.size": 3,
    "ytick.major.size": 3,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.axisbelow": True,
    "figure.dpi": DPI,
    "figure.facecolor": "white",
    "savefig.facecolor": "white",
    "pdf.fonttype": 42,  # text stays text
    "text.parse_math": False,  # a task's name may hold a dollar sign
}


@contextmanager
def figure_style() -> Iterator[None]:
    """Drawing and saving happen inside this, and nothing of it stays behind.

    It starts from matplotlib's own defaults: a user's matplotlibrc or style changes no figure.
    """
    with matplotlib.rc_context():
        matplotlib.rcdefaults()
        for name, value in _STYLE.items():
            matplotlib.rcParams[name] = value  # pyright: ignore[reportArgumentType]
        yield


def save(figure: Figure, stem: Path) -> tuple[Path, Path]:
    """Writes the figure as PNG and PDF, without dates or version numbers in them; returns both paths."""
    png, pdf = stem.with_name(f"{stem.name}.png"), stem.with_name(f"{stem.name}.pdf")
    with replaced(png) as file:
        FigureCanvasAgg(figure).print_png(file, metadata={"Software": None})
    with replaced(pdf) as file:
        FigureCanvasPdf(figure).print_pdf(file, metadata={"CreationDate": None, "Producer": None, "Creator": None})
    return png, pdf


def quiet_grid(axes: Axes) -> None:
    axes.grid(axis="y", color=GRID, linewidth=0.6)


def mark_verdict(axes: Axes, verdict: Verdict, size: float = 5.0) -> None:
    """First minimum, peak and second minimum of a double descent, errors in per cent: open triangles that point
    down, up and down, over the curve, each with a bar across the interval of its position.
    """
    markers = {"first_min": "v", "peak": "^", "second_min": "v"}
    for name, point in verdict.points().items():
        x, y = point.position, 100 * point.error
        if point.position_interval is not None:
            axes.hlines(y, *point.position_interval, color=VERDICT, linewidth=0.8, zorder=5)
        axes.plot(
            [x],
            [y],
            marker=markers[name],
            markersize=size,
            markerfacecolor="white",
            markeredgecolor=VERDICT,
            markeredgewidth=1.0,
            linestyle="none",
            zorder=6,
        )
