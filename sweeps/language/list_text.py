"""Lists as the texts that a specification holds: `[0, 0.10, 1]` is "0,0.1,1".

A field of a specification is one scalar, so that tables have a column for it; a list therefore stands there as text, in
one spelling, so that equal lists are equal values.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from sweeps.errors import shown
from sweeps.language.plain_yaml import real

LONGEST_LIST = 1000


def numbers_as_text(value: Any) -> Any:
    """A list of numbers, or its text, as text: no blanks, each number as short as can be. Raises ValueError.

    >>> numbers_as_text([0, "1e-1", 2.50])
    '0,0.1,2.5'
    >>> numbers_as_text(" 0, .1,2.5")
    '0,0.1,2.5'
    """
    return _joined(value, lambda item: _short(real(item)))


def words_as_text(value: Any, allowed: Collection[str]) -> Any:
    """A list of words, or its text, as text: in the order of `allowed`, each once. Raises ValueError.

    >>> words_as_text(["b", "a", "b"], allowed=("a", "b"))
    'a,b'
    """

    def known(item: Any) -> str:
        if item not in allowed:
            raise ValueError(f"{shown(item)} is not one of {', '.join(allowed)}")
        return str(item)

    text = _joined(value, known)
    return text if text is None else ",".join(word for word in allowed if word in text.split(","))


def numbers_of(text: str) -> tuple[float, ...]:
    """The numbers of a text that `numbers_as_text` made.

    >>> numbers_of("0,0.1")
    (0.0, 0.1)
    """
    return tuple(float(item) for item in text.split(","))


def _joined(value: Any, as_text: Any) -> Any:
    if value is None:
        return None
    if isinstance(value, bool | int | float):
        value = [value]
    if isinstance(value, str):
        value = [item.strip() for item in value.split(",")]
    if not isinstance(value, list | tuple):
        raise ValueError("expected a list")
    if not 1 <= len(value) <= LONGEST_LIST:
        raise ValueError(f"a list of {len(value)}; allowed: 1 to {LONGEST_LIST}")
    return ",".join(as_text(item) for item in value)


def _short(number: Any) -> str:
    if not isinstance(number, float):
        raise ValueError("expected a number")
    return repr(number).removesuffix(".0")
