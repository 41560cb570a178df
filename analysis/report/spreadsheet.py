"""Text that a spreadsheet shows and does not compute."""

from __future__ import annotations

FORMULA = r"^[=+\-@\t\r]"
"""How a cell begins that a spreadsheet takes for a formula (OWASP, "CSV Injection"), as a regular expression."""


def as_text(cell: str) -> str:
    """A cell of CSV with an apostrophe before what would be a formula: `=1+1` is `'=1+1`."""
    return f"'{cell}" if cell[:1] in ("=", "+", "-", "@", "\t", "\r") and cell else cell
