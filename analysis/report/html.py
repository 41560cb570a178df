"""Pieces of a page. Whatever comes in as text goes out escaped."""

from __future__ import annotations

import base64
from collections.abc import Iterable, Sequence
from html import escape
from pathlib import Path


def paragraph(text: str, kind: str = "") -> str:
    return f"<p{_class(kind)}>{escape(text)}</p>"


def heading(level: int, text: str) -> str:
    return f"<h{level}>{escape(text)}</h{level}>"


def listing(lines: Iterable[str]) -> str:
    return "<ul>" + "".join(f"<li>{escape(line)}</li>" for line in lines) + "</ul>"


def definitions(pairs: Iterable[tuple[str, str]]) -> str:
    return "<dl>" + "".join(f"<dt>{escape(name)}</dt><dd>{escape(value)}</dd>" for name, value in pairs) + "</dl>"


def table(head: Sequence[str], rows: Iterable[Sequence[str]], numbers: Sequence[bool], caption: str) -> str:
    """A table that scrolls by itself where it is wider than the page; the first column heads the rows.

    numbers: which columns align right.
    """
    kinds = [_class("number" if right else "") for right in numbers]
    top = "".join(f'<th scope="col"{kind}>{escape(text)}</th>' for kind, text in zip(kinds, head, strict=True))
    body = "".join(f"<tr>{_row(row, kinds)}</tr>\n" for row in rows)
    return (
        f'<div class="scroll" tabindex="0" role="region" aria-label="{escape(caption)}"><table>'
        f"<caption>{escape(caption)}</caption><thead><tr>{top}</tr></thead>\n<tbody>{body}</tbody></table></div>"
    )


def _row(texts: Sequence[str], kinds: Sequence[str]) -> str:
    (first, *others), (its, *kinds) = texts, kinds
    cells = "".join(f"<td{kind}>{escape(text)}</td>" for kind, text in zip(kinds, others, strict=True))
    return f'<th scope="row"{its}>{escape(first)}</th>{cells}'


def picture(path: Path, description: str, caption: str) -> str:
    """A PNG inside the page itself."""
    data = base64.b64encode(path.read_bytes()).decode("ascii")
    image = f'<img src="data:image/png;base64,{data}" alt="{escape(description)}">'
    return f"<figure>{image}<figcaption>{escape(caption)}</figcaption></figure>"


def _class(kind: str) -> str:
    return f' class="{escape(kind)}"' if kind else ""
