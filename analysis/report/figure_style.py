"""How every figure looks and which signs it uses: colours told apart by everyone, the same bytes every time."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from analysis.detector.verdict import Verdict
from analysis.report.drawing.size import TWO_COLUMNS, FigureSize
from analysis.statistics.intervals import Array

# Okabe and Ito (2008), "Color Universal Design": told apart with every kind of colour vision, and in grey.
TEST = "#0072B2"
TRAIN = "#D55E00"
VERDICT = "#000000"
QUIET = "#767676"
GRID = "#E6E6E6"
DPI = 200

_STYLE: dict[str, Any] = {
    "font.family": "DejaVu Sans",  # ships with matplotlib: no figure depends on the machine's fonts
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
    "figure.constrained_layout.h_pad": 0.03,
    "figure.constrained_layout.w_pad": 0.03,
    "savefig.facecolor": "white",
    "pdf.fonttype": 42,  # text stays text, its font is inside: journals refuse Type 3
    "svg.fonttype": "path",  # looks the same where the font is missing
    "svg.hashsalt": "frostline",  # the same bytes every time
    "text.parse_math": False,  # a task's name may hold a dollar sign
}
_FONTS = {
    "font.size": 1.0,
    "axes.labelsize": 1.0,
    "figure.labelsize": 1.0,
    "axes.titlesize": 0.875,
    "xtick.labelsize": 0.875,
    "ytick.labelsize": 0.875,
    "legend.fontsize": 0.875,
    "legend.title_fontsize": 0.875,
}
"""Sizes of text, in those of a label."""
MARKS = {"first_min": "v", "peak": "^", "second_min": "s"}
MARK_WORDS = {"first_min": "first minimum", "peak": "peak", "second_min": "second minimum"}


@contextmanager
def figure_style(size: FigureSize = TWO_COLUMNS) -> Iterator[None]:
    """Drawing and saving happen inside this, and nothing of it stays behind.

    It starts from matplotlib's own defaults: a user's matplotlibrc or style changes no figure.
    """
    with matplotlib.rc_context():
        matplotlib.rcdefaults()
        for name, value in (*_STYLE.items(), *((name, size.font * share) for name, share in _FONTS.items())):
            matplotlib.rcParams[name] = value  # pyright: ignore[reportArgumentType]
        yield


def quiet_grid(axes: Axes) -> None:
    axes.grid(axis="y", color=GRID, linewidth=0.6)


def mark_verdict(
    axes: Axes, verdict: Verdict, x: Array, errors: Array, size: float = 5.0, around: bool = False
) -> None:
    """First minimum, peak and second minimum of a double descent on a curve: open signs (MARKS), each with a bar across
    the interval of its position.

    x, errors: (points,) the drawn curve, x ascending, errors as fractions; they are drawn in per cent. The signs lie on
    this curve, at the verdict's positions; the verdict's own errors are those of a smoothed one. The axis has its scale
    already. around: the signs are rings around the curve's own dots.
    """
    scaled = axes.xaxis.get_transform().transform
    known = np.isfinite(errors)
    for name, point in verdict.points().items():
        y = 100 * float(np.interp(scaled([point.position])[0], scaled(x[known]), errors[known]))
        if point.position_interval is not None:
            axes.hlines(y, *point.position_interval, color=VERDICT, linewidth=0.8, zorder=5)
        axes.plot([point.position], [y], zorder=6, **mark(name, size, "none" if around else "white"))


def mark(name: str, size: float, face: str = "white") -> dict[str, Any]:
    """How a sign of MARKS looks, for a line or a legend."""
    return {
        "marker": MARKS[name], "markersize": size, "markerfacecolor": face, "markeredgecolor": VERDICT,
        "markeredgewidth": 1.0, "linestyle": "none",
    }  # fmt: skip


def mark_handles(size: float = 4.5) -> list[Line2D]:
    """What the signs mean, for a legend."""
    return [Line2D([], [], label=word, **mark(name, size)) for name, word in MARK_WORDS.items()]
