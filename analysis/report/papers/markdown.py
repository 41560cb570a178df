"""All verdicts of a sweep as a Markdown table: what a reader compares, in words and per cent."""

from __future__ import annotations

from typing import Any

import pandas as pd

from analysis.report.numbers import MISSING, p_cell, p_floor, per_cent
from analysis.report.wording import SHAPES, SIGNIFICANCE
from analysis.tables.verdict_frame import EPOCH
from sweeps.errors import printable

HEAD = (
    *("group", "axis", "seeds", "verdict", "first minimum", "peak", "second minimum", "prominence %"),
    *("p", "q", "seeds agree %", "interpolation is lost between", "why none"),
)
NUMBERS = ("seeds", "prominence %", "p", "q", "seeds agree %")


def verdicts_markdown(frame: pd.DataFrame) -> str:
    """The frame of `verdict_frame` in the columns HEAD, one row each. A point is `31.5 % at 11 [10, 12]`: error, place
    on the axis, the place's 95 % interval."""
    rows = [_row({str(name): value for name, value in row.items()}) for row in frame.to_dict("records")]
    rule = ["---:" if name in NUMBERS else "---" for name in HEAD]
    return "".join(f"| {' | '.join(line)} |\n" for line in (HEAD, rule, *rows))


def _row(row: dict[str, Any]) -> list[str]:
    floor = p_floor(row["axis"] == EPOCH)
    lost = (row["last_interpolating"], row["first_not_interpolating"])
    texts = [
        row["group"],
        row["axis"],
        f"{int(row['seeds'])}",
        _verdict(row),
        *(_point(row, name) for name in ("first_min", "peak", "second_min")),
        per_cent(_number(row["prominence"])),
        p_cell(_number(row["single_seed_significance" if pd.isna(row["p_value"]) else "p_value"]), floor),
        p_cell(_number(row["q_value"]), floor),
        per_cent(_number(row["agreement"]), 0),
        MISSING if pd.isna(lost[0]) else f"{lost[0]:g} and {lost[1]:g}",
        MISSING if pd.isna(row["reason"]) else row["reason"],
    ]
    return [printable(text).replace("|", "\\|") for text in texts]


def _verdict(row: dict[str, Any]) -> str:
    if pd.isna(row["shape"]):
        return MISSING
    if row["shape"] != "double_descent":
        return SHAPES[row["shape"]]
    told = [SIGNIFICANCE[row["significance"]]]
    if row["cause"] == "co_adaptation":
        told.append("co-adaptation")
    elif row["strength"] in ("weak", "strong"):
        told.insert(0, row["strength"])
    else:
        told.insert(0, "strength undecided")
    return f"{SHAPES[row['shape']]} ({', '.join(told)})"


def _point(row: dict[str, Any], name: str) -> str:
    place = row[name]
    if pd.isna(place):
        return MISSING
    span = "" if pd.isna(row[f"{name}_low"]) else f" [{row[f'{name}_low']:.3g}, {row[f'{name}_high']:.3g}]"
    return f"{per_cent(row[f'{name}_error'])} % at {place:.3g}{span}"


def _number(value: Any) -> float | None:
    return None if pd.isna(value) else float(value)
