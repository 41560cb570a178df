"""Where the texts of a figure lie, and what lies on something else."""

from __future__ import annotations

from itertools import combinations

from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.text import Text
from matplotlib.transforms import Bbox, BboxBase

SLACK = 0.5
"""Pixels at 200 dots an inch, by which boxes may meet: a box is rounded outwards."""


def texts(figure: Figure) -> list[tuple[Text, Bbox]]:
    """All texts that are drawn, with their boxes in pixels."""
    FigureCanvasAgg(figure).draw()
    found = []
    for text in figure.findobj(Text):
        assert isinstance(text, Text)
        if text.get_text().strip() and text.get_visible() and _drawn(text, figure):
            found.append((text, text.get_window_extent()))
    return found


def _drawn(text: Text, figure: Figure) -> bool:
    """Whether it is no tick label outside the limits of its axis, nor of a hidden side."""
    for axes in figure.axes:
        for axis in (axes.xaxis, axes.yaxis):
            low, high = sorted(axis.get_view_interval())
            for tick in (*axis.get_major_ticks(), *axis.get_minor_ticks()):
                if text in (tick.label1, tick.label2):
                    return low - 1e-9 <= tick.get_loc() <= high * (1 + 1e-9)
            if text is axis.offsetText:
                return bool(text.get_text())
    return True


def faults(figure: Figure) -> list[str]:
    """Every text that leaves the figure, lies over another text, or over the panel or an edge of a panel."""
    shown = texts(figure)
    found = []
    for text, box in shown:
        if not _inside(box, figure.bbox):
            found.append(f"{text.get_text()!r} leaves the figure")
        found += [f"{text.get_text()!r} lies on a panel" for axes in figure.axes if _on(box, axes)]
    for (one, its), (other, others) in combinations(shown, 2):
        if _overlap(its, others):
            found.append(f"{one.get_text()!r} and {other.get_text()!r} overlap")
    return found


def _on(box: Bbox, axes: Axes) -> bool:
    """Whether a text covers a part of the panel without lying in it as a whole."""
    panel = axes.get_window_extent()
    return _overlap(box, panel) and not _inside(box, panel)


def _inside(inner: BboxBase, outer: BboxBase) -> bool:
    return (
        inner.x0 >= outer.x0 - SLACK
        and inner.y0 >= outer.y0 - SLACK
        and inner.x1 <= outer.x1 + SLACK
        and inner.y1 <= outer.y1 + SLACK
    )


def _overlap(one: Bbox, other: Bbox) -> bool:
    return (
        min(one.x1, other.x1) - max(one.x0, other.x0) > SLACK and min(one.y1, other.y1) - max(one.y0, other.y0) > SLACK
    )
