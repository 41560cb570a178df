"""The HTML around a page: its style, its scripts, and a policy under which the browser requests nothing.

Scripts run by their SHA-256 alone: text that came from a file cannot become one, escaped or not.
"""

from __future__ import annotations

import base64
import hashlib
import json
import zlib
from collections.abc import Mapping
from html import escape
from pathlib import Path
from string import Template
from typing import Any

ASSETS = Path(__file__).with_name("assets")
SCRIPTS = (
    *("decode", "format", "theme", "charts", "curves", "compare", "axes", "maps"),
    *("table", "cells", "runs", "sections", "start"),
)
"""Of assets, in the order in which they are put together."""
POLICY = (
    "default-src 'none'; img-src data: blob:; style-src 'unsafe-inline'; script-src {scripts}; base-uri 'none'; "
    "form-action 'none'"
)


def document(title: str, body: str, data: Mapping[str, Any] | None = None, binary: bytes = b"") -> str:
    """A whole page. title: text; body: HTML. With `data` (for JSON) and `binary` the charts' scripts stand in it too.

    Example: `document("Results", "<main><h1>Results</h1></main>")` is a page without scripts.
    """
    parts, hashes = "", "'none'"
    if data is not None:
        plotly, ours = _plotly(), _ours()
        hashes = f"{_hash(ours)} {_hash(plotly)}"
        packed = {"page-data": _json(data), "page-curves": binary, "page-plotly": plotly.encode()}
        parts = "\n".join([*(_embedded(name, content) for name, content in packed.items()), f"<script>{ours}</script>"])
    return Template((ASSETS / "page.html").read_text(encoding="utf-8")).substitute(
        title=escape(title),
        policy=escape(POLICY.format(scripts=hashes), quote=True),
        style=(ASSETS / "page.css").read_text(encoding="utf-8"),
        body=body,
        scripts=parts,
    )


def _ours() -> str:
    files = "\n".join((ASSETS / f"{name}.js").read_text(encoding="utf-8") for name in SCRIPTS)
    return f'(() => {{\n"use strict";\n{files}}})();\n'


def _plotly() -> str:
    """plotly.js as the package plotly ships it, with its licence at the top."""
    from plotly.offline import get_plotlyjs

    return get_plotlyjs()


def _json(data: Mapping[str, Any]) -> bytes:
    return json.dumps(data, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode()


def _embedded(name: str, content: bytes) -> str:
    """Content that the browser inflates: zlib, as Base64."""
    return f'<script type="text/plain" id="{name}">{base64.b64encode(zlib.compress(content, 9)).decode()}</script>'


def _hash(script: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()}'"
