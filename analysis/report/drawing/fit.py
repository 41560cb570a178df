"""The last step of a drawing: labels are broken to the length of their axis, tick labels that would touch are left out.

Matplotlib's constrained layout gives every text its own place, but it breaks no line: a label longer than its axis
would lie over the next panel, or leave the figure.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any

from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.legend import Legend
from matplotlib.text import Text

ROUNDS = 2
"""Of breaking and laying out: a title of two lines makes its panel, and so the label beside it, shorter."""
GAP = 0.35
"""Between neighbouring tick labels, in heights of a letter."""


def legend_above(figure: Figure, handles: Sequence[Artist]) -> None:
    """A legend over the panels, in as few rows as the width allows. The figure grows by its height.

    The figure has a constrained layout.
    """
    if not handles:
        return
    renderer: Any = FigureCanvasAgg(figure).get_renderer()
    columns = len(handles)
    legend = _legend(figure, handles, columns)
    while columns > 1 and legend.get_window_extent(renderer).width > 0.97 * figure.bbox.width:
        legend.remove()
        columns -= 1
        legend = _legend(figure, handles, columns)
    beyond = legend.get_window_extent(renderer).width - 0.98 * figure.bbox.width
    if beyond > 0:
        room = max(text.get_window_extent().width for text in legend.get_texts()) - beyond
        for text in legend.get_texts():
            text.set_text(broken(text, text.get_text(), room))
    width, height = figure.get_size_inches()
    figure.set_size_inches(width, height + legend.get_window_extent(renderer).height / figure.dpi)


def _legend(figure: Figure, handles: Sequence[Artist], columns: int) -> Legend:
    return figure.legend(
        handles=handles, loc="outside upper left", ncols=columns, frameon=False, handlelength=1.8,
        columnspacing=1.2, borderaxespad=0.2, handletextpad=0.5, borderpad=0.1,
    )  # fmt: skip


def fit(figure: Figure) -> None:
    """Lay out a figure for good, with matplotlib's constrained layout, which is off afterwards.

    Call it when all is drawn, inside figure_style().
    """
    if figure.get_layout_engine() is None:
        figure.set_layout_engine("constrained")
    layout = figure.get_layout_engine()
    assert layout is not None
    FigureCanvasAgg(figure)
    labels = [(axes, label, label.get_text(), upright) for axes in figure.axes for label, upright in _labels(axes)]
    for _, label, _, _ in labels:
        label.set_text("x")  # the axes' size without them: a label too long would press its own panel together
    layout.execute(figure)
    for _ in range(ROUNDS):
        boxes = {axes: axes.get_window_extent() for axes in figure.axes}
        for axes, label, text, upright in labels:
            label.set_text(broken(label, text, boxes[axes].height if upright else boxes[axes].width))
        layout.execute(figure)
    for axes in figure.axes:
        _thin(axes.xaxis, 0)
        _thin(axes.yaxis, 1)
    layout.execute(figure)
    figure.set_layout_engine("none")


def broken(artist: Text, text: str, room: float) -> str:
    """`text` in lines of at most `room` pixels as `artist` would show them; line ends that it has stay.

    A word longer than a line is broken after punctuation, or anywhere.
    """
    return "\n".join("\n".join(_lines(artist, line, room)) for line in text.split("\n"))


def _lines(artist: Text, text: str, room: float) -> Iterator[str]:
    line = ""
    for word in text.split(" "):
        longer = f"{line} {word}" if line else word
        if _length(artist, longer) <= room:
            line = longer
            continue
        if line:
            yield line
        *pieces, line = _pieces(artist, word, room)
        yield from pieces
    yield line


def _pieces(artist: Text, word: str, room: float) -> list[str]:
    """A word as pieces that fit; itself where it fits."""
    pieces = [""]
    for part in re.split(r"(?<=[-_.,=/;:])", word):
        for letters in [part] if _length(artist, part) <= room else list(part):
            if pieces[-1] and _length(artist, pieces[-1] + letters) > room:
                pieces.append("")
            pieces[-1] += letters
    return pieces


def _length(artist: Text, text: str) -> float:
    """Pixels along the text's own direction."""
    artist.set_text(text)
    box = artist.get_window_extent()
    return box.height if artist.get_rotation() == 90 else box.width


def _labels(axes: Axes) -> Iterator[tuple[Text, bool]]:
    """The labels of a panel that have a text, and whether they run upwards."""
    titles = [child for child in axes.get_children() if isinstance(child, Text) and child not in axes.texts]
    for label, upright in ((axes.xaxis.label, False), (axes.yaxis.label, True), *((title, False) for title in titles)):
        if label.get_text():
            yield label, upright


def _thin(axis: Any, along: int) -> None:
    """Leave out tick labels that touch the one before; the first and the last stay. along: 0 for x, 1 for y."""
    ticks = [tick for tick in axis.get_major_ticks() if tick.label1.get_visible() and tick.label1.get_text()]
    low, high = sorted(axis.get_view_interval())
    ticks = sorted((tick for tick in ticks if low <= tick.get_loc() <= high), key=lambda tick: tick.get_loc())
    if len(ticks) < 2:
        return
    gap = GAP * ticks[0].label1.get_fontsize() * axis.figure.dpi / 72
    spans = [tick.label1.get_window_extent().intervalx if along == 0 else tick.label1.get_window_extent().intervaly
             for tick in ticks]  # fmt: skip
    kept = [0]
    for number in range(1, len(ticks)):
        if spans[number][0] >= spans[kept[-1]][1] + gap:
            kept.append(number)
    last = len(ticks) - 1
    if kept[-1] != last:
        kept = [number for number in kept if number == 0 or spans[last][0] >= spans[number][1] + gap] + [last]
    if len(kept) < len(ticks):
        texts = [tick.label1.get_text() if number in kept else "" for number, tick in enumerate(ticks)]
        axis.set_ticks([tick.get_loc() for tick in ticks], labels=texts)
