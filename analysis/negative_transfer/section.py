"""Negative transfer in words: the lines of the terminal, and a section of the page."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from analysis.negative_transfer.comparison import ALPHA, FEWEST_SEEDS, CellComparison
from analysis.negative_transfer.labels import labels
from analysis.negative_transfer.over_cells import shares
from analysis.negative_transfer.over_sizes import SIZE, Crossing, crossings
from analysis.report import html
from analysis.report.wording import MISSING, p_text, per_cent, per_cent_interval
from analysis.tables.collect import Tables

HEAD = ("cell", "n", "error %", "from scratch %", "gain %", "q", "gain % at equal train loss", "train loss", "outcome")
NUMBERS = (False, True, True, True, True, True, True, True, False)
READING = (
    "Gain: accuracy less that of the run from scratch with the same network, target, recipe and seed, with its 95 % "
    "interval over paired seeds. q: of the gain at the end, adjusted over all cells (Benjamini-Hochberg). Negative: "
    "the gain lies below 0 both at the end and where both arms first came to the lowest train loss that both reached; "
    f"the larger of the two p-values is adjusted over all cells, its q at most {ALPHA:g}. Undertrained: worse at the "
    f"end, and at equal train loss not beyond chance. Fewer than {FEWEST_SEEDS} seeds are not tested."
)


def is_asked(tables: Tables) -> bool:
    """Whether a sweep is about partial transfer, so that its report has the section."""
    return bool(tables.runs["transfer.inherit.mode"].notna().any())


def verdict_lines(compared: Sequence[CellComparison]) -> list[str]:
    """How many cells show negative transfer, of all and of each network; where gains cross 0 along the target size."""
    counted = [f"{each.network}: {each.text()}" for each in shares(compared)]
    named = dict(zip((id(cell) for cell in compared), labels(compared, (SIZE,)), strict=True))
    return [*counted, *(f"{named[id(each.cells[0])]}: {crossing_text(each)}" for each in crossings(compared))]


def crossing_text(each: Crossing) -> str:
    """`gain to loss at a target size of about 200 (95 % interval 150 to 260)`."""
    low, high = (None if end is None else f"{end:.0f}" for end in (each.low, each.high))
    interval = f"{low} to {high}"
    if low is None or high is None:
        # Not told apart from 0 up to that end of the measured sizes.
        interval = f"from {low}, open above" if low else f"up to {high}, open below" if high else "open on both sides"
    return f"{each.direction} at a target size of about {each.size:.0f} (95 % interval {interval})"


def cell_row(each: CellComparison, label: str) -> tuple[str, ...]:
    (error, scratch), (loss, scratch_loss) = each.errors, each.train_losses
    return (
        label,
        str(each.gain.n),
        per_cent(error),
        per_cent(scratch),
        per_cent_interval(*each.gain[1:4]),
        p_text(each.q_value),
        per_cent_interval(*each.matched[1:4]),
        MISSING if math.isnan(loss) else f"{loss:.2g} / {scratch_loss:.2g}",
        each.outcome,
    )


def cell_rows(compared: Sequence[CellComparison]) -> list[tuple[str, ...]]:
    """One row a cell, as HEAD has it."""
    return [cell_row(each, label) for each, label in zip(compared, labels(compared), strict=True)]


def as_html(compared: Sequence[CellComparison], figure: Path | None) -> str:
    """The section of the page: verdict, figure, table."""
    parts = [html.heading(2, "Negative transfer")]
    parts += [html.paragraph(line, "verdict") for line in verdict_lines(compared)]
    if figure is not None:
        caption = "Mean over seeds with its 95 % interval. Filled: negative transfer."
        parts.append(html.picture(figure, "Accuracy less that from scratch", caption))
    parts += [
        html.table(HEAD, cell_rows(compared), NUMBERS, "Every cell against training from scratch"),
        html.paragraph(READING, "quiet"),
    ]
    return "\n".join(parts)


def as_json(compared: Sequence[CellComparison]) -> dict[str, Any]:
    """Shares of cells and crossings as plain values; missing ones are None."""

    def plain(value: float | None) -> float | None:
        return None if value is None or math.isnan(value) else value

    return {
        "shares": [{**vars(each), "share": plain(each.share)} for each in shares(compared)],
        "crossings": [
            {
                "cells": [cell.cell for cell in each.cells],
                "direction": each.direction,
                **{name: plain(getattr(each, name)) for name in ("size", "low", "high")},
            }
            for each in crossings(compared)
        ],
    }
