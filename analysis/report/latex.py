"""The cells as a LaTeX table for the booktabs package: the columns that a reader compares, percentages."""

from __future__ import annotations

import math

import pandas as pd

from analysis.report.wording import MISSING, SHAPES, SIGNIFICANCE, p_text, per_cent, per_cent_interval
from analysis.tables.groups import varying

_ESCAPES = {
    "\\": r"\textbackslash{}",
    "{": r"\{",
    "}": r"\}",
    "$": r"\$",
    "&": r"\&",
    "#": r"\#",
    "%": r"\%",
    "_": r"\_",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
    '"': r"\textquotedbl{}",
}
_ALWAYS = ("model.family", "transfer.frozen")
_RESULTS = (
    ("$n$", "r"),
    (r"test error (\%)", "l"),
    (r"train error (\%)", "r"),
    ("epoch-wise", "l"),
    ("peak epoch", "r"),
    (r"prominence (\%)", "r"),
    ("$p$", "r"),
)


def escaped(text: str) -> str:
    """Any text as LaTeX that prints it; control characters become spaces, what is not Latin-1 a question mark."""
    latin = text.encode("latin-1", "replace").decode("latin-1")
    plain = "".join(character if character.isprintable() else " " for character in latin)
    return "".join(_ESCAPES.get(character, character) for character in plain)


def cells_latex(cells: pd.DataFrame) -> str:
    r"""A `tabular` to \input into a table: one row per cell, the fields that vary and the results.

    Needs \usepackage{booktabs}, \usepackage[T1]{fontenc} and, in a document without UTF-8 input, nothing
    else.
    """
    fields = list(dict.fromkeys([*_ALWAYS, *varying(cells)]))
    alignment = "".join("r" if pd.api.types.is_numeric_dtype(cells[name].dtype) else "l" for name in fields)
    head = [*(escaped(name) for name in fields), *(name for name, _ in _RESULTS)]
    rows = [" & ".join([*_fields(row, fields), *_results(row)]) + r" \\" for row in cells.to_dict("records")]
    return "\n".join(
        [
            r"% needs \usepackage{booktabs} and \usepackage[T1]{fontenc}; errors in per cent, 95 % Student intervals",
            rf"\begin{{tabular}}{{{alignment}{''.join(side for _, side in _RESULTS)}}}",
            r"\toprule",
            " & ".join(head) + r" \\",
            r"\midrule",
            *rows,
            r"\bottomrule",
            r"\end{tabular}",
            "",
        ]
    )


def _fields(row: dict[str, object], names: list[str]) -> list[str]:
    return [MISSING if pd.isna(row[name]) else escaped(f"{row[name]}") for name in names]  # type: ignore[arg-type]


def _results(row: dict[str, object]) -> list[str]:
    def number(name: str) -> float:
        value = row[name]
        return value if isinstance(value, float) else math.nan

    shape = row["shape"]
    asked, done = row["n_asked"], row["n_done"]
    peak = number("peak_epoch")
    return [
        f"{done}" if asked == done else f"{done}/{asked}",
        per_cent_interval(*(number(f"final_test_error{part}") for part in ("", "_low", "_high"))),
        per_cent(number("final_train_error")),
        f"{SHAPES[shape]}{_call(row)}" if isinstance(shape, str) else MISSING,
        MISSING if math.isnan(peak) else f"{peak:.0f}",
        per_cent(number("prominence")),
        p_text(number("p_value")),
    ]


def _call(row: dict[str, object]) -> str:
    """What stands behind the shape: of a significant double descent its strength, of another that it is not."""
    if row["shape"] != "double_descent":
        return ""
    if row["significance"] != "significant":
        return f", {SIGNIFICANCE[str(row['significance'])]}"
    return f" ({row['strength'] if row['strength'] in ('weak', 'strong') else 'strength undecided'})"
