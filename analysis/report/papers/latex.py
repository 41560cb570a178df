r"""A LaTeX table that fits a page with margins of one inch: booktabs, siunitx, a longtable where it is long.

The file is a whole float, or a longtable, to \input into a document with

    \usepackage[T1]{fontenc}
    \usepackage{booktabs,longtable,siunitx}
"""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from sweeps.errors import InputError

PAGE = 450.0  # points: A4 less two margins of one inch, and a little
MOST_ROWS = 40  # lines of a table that does not break over pages
EM = 0.53  # of the font size: how wide a character is, of numbers and words in Computer Modern, and a little
FONTS = (
    (r"\normalsize", 10.0, 6.0),
    (r"\small", 9.0, 5.0),
    (r"\footnotesize", 8.0, 4.0),
    (r"\scriptsize", 7.0, 3.0),
)
r"""(command, size in points, \tabcolsep in points): the first in which a table fits is taken."""
NEEDS = r"% needs \usepackage[T1]{fontenc} and \usepackage{booktabs,longtable,siunitx}"
MISSING = "--"

_NUMBER = re.compile(r"-?\d+(?:\.\d+)?")
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


@dataclass(frozen=True)
class Column:
    """head and texts are LaTeX; spec is what stands in the tabular's argument; width is in characters.

    span: columns of the tabular that it takes; texts then have `span - 1` ampersands.
    """

    head: str
    texts: list[str]
    spec: str
    width: float
    span: int = 1


@dataclass(frozen=True)
class Rows:
    """Rows of a table under a heading, which is plain text; empty: no heading."""

    heading: str
    rows: Sequence[int]


def escaped(text: str) -> str:
    """Any text as LaTeX that prints it; control characters become spaces, what is not Latin-1 a question mark."""
    latin = text.encode("latin-1", "replace").decode("latin-1")
    plain = "".join(character if character.isprintable() else " " for character in latin)
    return "".join(_ESCAPES.get(character, character) for character in plain)


def breakable(text: str) -> str:
    """The same, with places where a long word may break: after punctuation."""
    return "".join(
        escaped(piece) + (r"\allowbreak{}" if piece[-1:] in "_.,=[(-:/" else "")
        for piece in re.findall(r"[^_.,=\[(:/-]*[_.,=\[(:/-]|[^_.,=\[(:/-]+", text)
    )


def numbers(head: str, texts: Sequence[str], bold: Iterable[int] = ()) -> Column:
    """A column of numbers, aligned at the decimal point by siunitx. What is no number stands in the middle."""
    known = [text.lstrip("-").partition(".") for text in texts if _NUMBER.fullmatch(text)]
    if not known:
        return words(head, texts, "c")
    whole, part = (max(len(number[place]) for number in known) for place in (0, 2))
    sign = "-" if any(text.startswith("-") for text in texts if _NUMBER.fullmatch(text)) else ""
    marked = set(bold)
    cells = []
    for index, text in enumerate(texts):
        if not _NUMBER.fullmatch(text):
            cells.append(f"{{{text}}}")
        elif index in marked:  # as text, which every version of siunitx prints bold: as wide as its neighbours
            missing = whole - len(text.lstrip("-").partition(".")[0])
            padding = rf"\phantom{{{'0' * missing}}}" if missing else ""
            cells.append(rf"{{\bfseries {padding}{text}}}")
        else:
            cells.append(text)
    width = len(sign) + whole + part + (part > 0)
    return Column(f"{{{head}}}", cells, f"S[table-format={sign}{whole}.{part}]", max(width, _visible(head)))


def words(head: str, texts: Sequence[str], side: str = "l") -> Column:
    """A column of LaTeX texts that do not wrap. side: l, c or r."""
    return Column(head, list(texts), side, max(map(_visible, [head, *texts])))


def paragraphs(head: str, texts: Sequence[str], characters: int) -> Column:
    """A column of texts that wrap at so many characters."""
    spec = rf">{{\raggedright\arraybackslash}}p{{{characters * EM:.1f}em}}"
    return Column(head, list(texts), spec, characters)


def with_interval(head: str, mean: Column, spans: Sequence[str]) -> Column:
    """A column of numbers and their intervals, under one head."""
    texts = [f"{number} & {span}" for number, span in zip(mean.texts, spans, strict=True)]
    width = max(mean.width, 4) + 1 + max(map(_visible, spans), default=0)
    return Column(
        rf"\multicolumn{{2}}{{c}}{{{head}}}",
        texts,
        rf"{mean.spec}@{{\hspace{{0.4em}}}}l",
        max(width, _visible(head)),
        2,
    )


def table(columns: Sequence[Column], groups: Sequence[Rows], caption: str, label: str) -> str:
    """The table as a float, or as a longtable where it has more than MOST_ROWS lines. caption is LaTeX.

    Raises InputError where it is wider than a page in the smallest font.
    """
    font, sep = _fit(columns)
    span = sum(column.span for column in columns)
    body: list[str] = []
    for group in groups:
        if body:
            body.append(r"\addlinespace")
        for line in textwrap.wrap(group.heading, 75, break_on_hyphens=False):
            body.append(rf"\multicolumn{{{span}}}{{@{{}}l@{{}}}}{{\emph{{{escaped(line)}}}}} \\*")
        body += [" & ".join(column.texts[row] for column in columns) + r" \\" for row in group.rows]
    spec = f"@{{}}{''.join(column.spec for column in columns)}@{{}}"
    head = [r"\toprule", " & ".join(column.head for column in columns) + r" \\", r"\midrule"]
    titled = rf"\caption{{{caption}}}\label{{{label}}}"
    if len(body) <= MOST_ROWS:
        lines = [
            r"\begin{table}",
            rf"\centering{font}\setlength{{\tabcolsep}}{{{sep:g}pt}}",
            titled,
            rf"\begin{{tabular}}{{{spec}}}",
            *head,
            *body,
            r"\bottomrule",
            r"\end{tabular}",
            r"\end{table}",
        ]
    else:
        lines = [
            rf"{{{font}\setlength{{\tabcolsep}}{{{sep:g}pt}}\setlength{{\LTcapwidth}}{{\linewidth}}",
            rf"\begin{{longtable}}{{{spec}}}",
            rf"{titled}\\",
            *head,
            r"\endfirsthead",
            *head,
            r"\endhead",
            rf"\midrule\multicolumn{{{span}}}{{r@{{}}}}{{\emph{{continued}}}}\\",
            r"\endfoot",
            r"\bottomrule",
            r"\endlastfoot",
            *body,
            r"\end{longtable}}",
        ]
    return "\n".join([NEEDS, *lines, ""])


def _fit(columns: Sequence[Column]) -> tuple[str, float]:
    characters = sum(column.width + (column.span - 1) for column in columns)
    for font, size, sep in FONTS:
        if characters * EM * size + 2 * sep * (len(columns) - 1) <= PAGE:
            return font, sep
    raise InputError(f"--columns: {len(columns)} columns are wider than a page; leave some out")


def _visible(text: str) -> int:
    """Characters that a LaTeX text prints, about."""
    plain = re.sub(r"\\(?:textbackslash|text[a-z]+|leq|bfseries|,)(?:\{\})?", "x", text)
    return len(re.sub(r"\\allowbreak\{\}|\\[a-z]+|[{}$\\]", "", plain))
