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
            if match[2] is None or first != end:
                _refuse_names(item, len(match[1]), first, end, classes)
            indices.extend(range(first, end + 1))
        elif item in classes:
            indices.append(classes.index(item))
        else:
            raise ValueError(f"no class {item!r}{suggestion(item, (*classes, '0-4'))}")
    return indices


def _refuse_names(item: str, width: int, first: int, end: int, classes: Sequence[str]) -> None:
    """Raise ValueError where the numbers are names of classes too, and of others than those at these indices.

    With folders `0` to `11`, ordered by name, the class at index 2 is `10`. `width`: of a number as written (`01`).
    """
    place = {name: index for index, name in enumerate(classes)}
    indices = range(first, end + 1)
    named = [place.get(str(index).zfill(width)) for index in indices]
    if None in named or set(named) == set(indices):
        return
    index, other = next((index, other) for index, other in zip(indices, named, strict=True) if index != other)
    raise ValueError(
        f"{item!r} may mean indices or names of classes; write an index twice: "
        f"{other}-{other} is class {str(index).zfill(width)!r}, {index}-{index} is class {classes[index]!r}"
    )


def _write_listed(indices: Sequence[int], classes: Sequence[str]) -> str:
    ranges = _ranges(indices, lambda index, following: following == index + 1)
    return ",".join(_written(first, last, classes) for first, last in ranges)


def _written(first: int, last: int, classes: Sequence[str]) -> str:
    try:
        _refuse_names("", 1, first, last, classes)
    except ValueError:
        return ",".join(f"{index}-{index}" for index in range(first, last + 1))
    return f"{first}" if first == last else f"{first}-{last}"


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
"""Separated by commas, each an index, a range of indices or a class name: `0-4,7`, `cat,dog`. Written as indices.
Numbers that are also names of other classes are refused; `2-2` is an index always, and how such an index is written."""

CHARACTERS = ClassList(_read_characters, _write_characters)
"""For classes that are characters: characters and ranges of them without separators, as in a regular expression:
`A-Za-f`. Commas are skipped. A range stays within the digits, the capitals or the small letters."""
