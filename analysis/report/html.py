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


def table(head: Sequence[str], rows: Iterable[Sequence[str]], numbers: Sequence[bool]) -> str:
    """A table that scrolls by itself where it is wider than the page; `numbers` says which columns align
    right.
    """
    kinds = [_class("number" if right else "") for right in numbers]
    top = "".join(f'<th scope="col"{kind}>{escape(text)}</th>' for kind, text in zip(kinds, head, strict=True))
    body = "".join(
        "<tr>" + "".join(f"<td{kind}>{escape(text)}</td>" for kind, text in zip(kinds, row, strict=True)) + "</tr>\n"
        for row in rows
    )
    return f'<div class="scroll"><table><thead><tr>{top}</tr></thead>\n<tbody>{body}</tbody></table></div>'


def picture(path: Path, description: str, caption: str) -> str:
    """A PNG inside the page itself."""
    data = base64.b64encode(path.read_bytes()).decode("ascii")
    image = f'<img src="data:image/png;base64,{data}" alt="{escape(description)}">'
    return f"<figure>{image}<figcaption>{escape(caption)}</figcaption></figure>"


def _class(kind: str) -> str:
    return f' class="{escape(kind)}"' if kind else ""
