"""Theory beside measurement as one page: figures and tables in one file, as the sweep's report is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import pandas as pd

from analysis.overlay.figures import CAPTIONS
from analysis.report import html
from analysis.report.page import document
from analysis.report.table_files import replaced

MOST_ROWS = 200


def theory_page(
    name: str,
    about: str,
    lines: Sequence[str],
    frames: Mapping[str, pd.DataFrame],
    pictures: Sequence[Path],
    path: Path,
) -> Path:
    """Write the page. frames: tables by their heading. The same content gives the same bytes."""
    title = f"{name}: theory beside measurement"
    parts = [
        "<header>",
        html.heading(1, title),
        html.paragraph(about),
        "</header>\n<main>",
        *(html.paragraph(line) for line in lines),
        *(html.picture(picture, _caption(picture), _caption(picture)) for picture in pictures),
    ]
    for heading, frame in frames.items():
        parts += [html.heading(2, heading), _table(frame, heading)]
        if len(frame) > MOST_ROWS:
            parts.append(html.paragraph(f"and {len(frame) - MOST_ROWS} more rows in the file", "quiet"))
    with replaced(path) as file:
        file.write(document(title, "\n".join([*parts, "</main>"])).encode())
    return path


def _caption(picture: Path) -> str:
    return next(text for start, text in CAPTIONS.items() if picture.name.startswith(start))


def _table(frame: pd.DataFrame, caption: str) -> str:
    numbers = [pd.api.types.is_numeric_dtype(frame[name]) for name in frame.columns]
    rows = ([_text(value) for value in row] for row in frame.head(MOST_ROWS).itertuples(index=False))
    return html.table([str(name) for name in frame.columns], rows, numbers, caption)


def _text(value: object) -> str:
    if value is None or value is pd.NA or (isinstance(value, float) and value != value):
        return ""
    return f"{value:.4g}" if isinstance(value, float) else str(value)
