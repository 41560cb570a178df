"""How classes are written in the brackets of a task's name, read and written.

Writing is canonical: ascending, each run of neighbours as one range. So equal classes have one text.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from sweeps.errors import suggestion

_INDICES = re.compile(r"([0-9]+)(?:-([0-9]+))?")


@dataclass(frozen=True)
class ClassList:
    """One way to write classes.

    `read(text, classes)` gives indices into `classes` in the order written, repeated ones too; ValueError, in one
    line, for what names no class. `write(indices, classes)` is its inverse for ascending indices.
    """

    read: Callable[[str, Sequence[str]], list[int]]
    write: Callable[[Sequence[int], Sequence[str]], str]


def _read_listed(text: str, classes: Sequence[str]) -> list[int]:
    indices: list[int] = []
    last = len(classes) - 1
    for item in (part.strip(" ") for part in text.split(",")):
        match = _INDICES.fullmatch(item)
        if match:
            first, end = int(match[1]), int(match[2] or match[1])
            if not first <= end <= last:
                raise ValueError(f"{item!r} is not within the classes 0-{last}")
            indices.extend(range(first, end + 1))
        elif item in classes:
            indices.append(classes.index(item))
        else:
            raise ValueError(f"no class {item!r}{suggestion(item, (*classes, '0-4'))}")
    return indices


def _write_listed(indices: Sequence[int], classes: Sequence[str]) -> str:
    del classes
    ranges = _ranges(indices, lambda index, following: following == index + 1)
    return ",".join(f"{first}" if first == last else f"{first}-{last}" for first, last in ranges)


def _read_characters(text: str, classes: Sequence[str]) -> list[int]:
    indices: list[int] = []
    for item in re.findall(r"[^,]-[^,]|[^,]", text):
        first, end = item[0], item[-1]
        if first not in classes or end not in classes or _kind(first) != _kind(end) or first > end:
            raise ValueError(f"{item!r} is not allowed; use characters and ranges within 0-9, A-Z and a-z")
        indices.extend(range(classes.index(first), classes.index(end) + 1))
    return indices


def _write_characters(indices: Sequence[int], classes: Sequence[str]) -> str:
    def neighbours(index: int, following: int) -> bool:
        return following == index + 1 and _kind(classes[index]) == _kind(classes[following])

    ranges = _ranges(indices, neighbours)
    return "".join(classes[a] if a == b else f"{classes[a]}-{classes[b]}" for a, b in ranges)


def _kind(character: str) -> tuple[bool, bool]:
    return character.isdigit(), character.isupper()


def _ranges(indices: Sequence[int], neighbours: Callable[[int, int], bool]) -> list[tuple[int, int]]:
    """First and last index of each maximal run of neighbours."""
    ranges: list[tuple[int, int]] = []
    for index in indices:
        if ranges and neighbours(ranges[-1][1], index):
            ranges[-1] = ranges[-1][0], index
        else:
            ranges.append((index, index))
    return ranges


LISTED = ClassList(_read_listed, _write_listed)
"""Separated by commas, each an index, a range of indices or a class name: `0-4,7`, `cat,dog`. Written as indices."""

CHARACTERS = ClassList(_read_characters, _write_characters)
"""For classes that are characters: characters and ranges of them without separators, as in a regular expression:
`A-Za-f`. Commas are skipped. A range stays within the digits, the capitals or the small letters."""
