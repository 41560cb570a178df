"""The plain part of YAML: mappings, lists, text, decimal numbers, true, false, null. All else is refused by line.

What YAML 1.1 would read by surprise stays text, for the field it stands in to judge: dates, 1:30 as 90, 0x10 as 16,
`no` as false. `010` is ten, not 8. What could blow up a small file is refused: aliases, tags, deep nesting. `real` and
`whole` bring the ways to write a number to one value each, so that spelling never changes an identity.
"""

from __future__ import annotations

import math
import re
from typing import Any

import yaml

from sweeps.errors import SpecError, shown

DEEPEST = 20
"""Levels of nesting. A sweep needs about six."""

_TAG = "tag:yaml.org,2002:"
# An integer is short, so that neither reading nor printing it takes long; a longer one is a float to all fields.
_READ_AS = (
    ("null", r"~|null|Null|NULL|", "~nN\0"),
    ("bool", r"true|True|TRUE|false|False|FALSE", "tTfF"),
    ("int", r"[-+]?(?:0|[1-9](?:_?[0-9]){0,29})", "-+0123456789"),
    ("float", r"[-+]?(?:[0-9][0-9_]*(?:\.[0-9_]*)?|\.[0-9][0-9_]*)(?:[eE][-+]?[0-9]+)?", "-+.0123456789"),
)

_NUMBER = re.compile(r"[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?")


class _Loader(yaml.SafeLoader):
    """safe_load without surprises. A key given twice is refused too: YAML would keep the last in silence."""

    yaml_implicit_resolvers: dict[str, Any] = {}  # noqa: RUF012 - PyYAML's own attribute, filled below
    depth = 0

    def compose_node(self, parent: yaml.Node | None, index: Any) -> yaml.Node | None:
        event = self.peek_event()
        line = event.start_mark.line + 1
        if isinstance(event, yaml.AliasEvent):
            raise SpecError(f"line {line}: YAML aliases (*name) are not allowed")
        if getattr(event, "tag", None) is not None:
            raise SpecError(f"line {line}: YAML tags ({shown(event.tag)}) are not allowed")
        if self.depth == DEEPEST:
            raise SpecError(f"line {line}: nested deeper than {DEEPEST} levels")
        self.depth += 1
        node = super().compose_node(parent, index)
        self.depth -= 1
        return node

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen: set[Any] = set()
        for key_node, _ in node.value:
            key = self.construct_object(key_node, deep=True)
            if not isinstance(key, str):
                raise SpecError(f"line {_line(key_node)}: key {shown(key)} is not text")
            if key in seen:
                raise SpecError(f"line {_line(key_node)}: key {shown(key)} is given twice")
            seen.add(key)
        return super().construct_mapping(node, deep)

    def construct_text(self, node: yaml.ScalarNode) -> str:
        text = self.construct_yaml_str(node)
        if not text.isascii() and any("\ud800" <= character <= "\udfff" for character in text):
            raise SpecError(f"line {_line(node)}: {shown(text)} holds half a character")
        return text

    def construct_finite(self, node: yaml.ScalarNode) -> float:
        value = self.construct_yaml_float(node)
        if not math.isfinite(value):
            raise SpecError(f"line {_line(node)}: {shown(node.value)} is too large a number")
        return value


_Loader.add_constructor(f"{_TAG}str", _Loader.construct_text)
_Loader.add_constructor(f"{_TAG}float", _Loader.construct_finite)
for _kind, _pattern, _first in _READ_AS:
    _first_characters = ["" if character == "\0" else character for character in _first]
    _Loader.add_implicit_resolver(f"{_TAG}{_kind}", re.compile(rf"(?:{_pattern})\Z"), _first_characters)


def load(text: str) -> Any:
    """The value that the text spells. Raises SpecError with one line."""
    try:
        return yaml.load(text, Loader=_Loader)
    except yaml.YAMLError as problem:
        mark = getattr(problem, "problem_mark", None)
        line = f"line {mark.line + 1}: " if mark is not None else ""
        detail = getattr(problem, "problem", None) or getattr(problem, "reason", "unreadable")
        raise SpecError(f"{line}not YAML: {' '.join(str(detail).split())}") from None
    except SpecError:
        raise
    except (ValueError, OverflowError) as problem:  # an escape such as "\U00110000" that names no character
        raise SpecError(f"not YAML: {' '.join(str(problem).split())}") from None


def _line(node: yaml.Node) -> int:
    return node.start_mark.line + 1


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
