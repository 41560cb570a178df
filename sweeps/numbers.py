"""Numbers as people write them in YAML, brought to one value each, so that spelling never changes an identity."""

from __future__ import annotations

import re
from typing import Any

_NUMBER = re.compile(r"[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?")


def real(value: Any) -> Any:
    """A float from 1, 1.0, or the text `1e-3` (which YAML 1.1 does not read as a number); -0.0 becomes 0.0.

    Anything else is handed on for the field to refuse. A bool is no number.
    """
    if isinstance(value, bool):
        raise ValueError("expected a number, not true or false")
    if isinstance(value, str):
        if not _NUMBER.fullmatch(value.strip()):
            raise ValueError("expected a number")
        value = float(value)
    if isinstance(value, int):
        try:
            value = float(value)
        except OverflowError:
            raise ValueError("the number is too large") from None
    return value + 0.0 if isinstance(value, float) else value


def whole(value: Any) -> Any:
    """An int from 1000, 1000.0, 1e3 or the text `1e3`; a fraction is handed on for the field to refuse."""
    if isinstance(value, bool):
        raise ValueError("expected a whole number, not true or false")
    if isinstance(value, int):
        return value
    number = real(value)
    if isinstance(number, float) and number.is_integer() and abs(number) < 2**53:
        return int(number)
    raise ValueError("expected a whole number")
